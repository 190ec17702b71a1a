"""GET of one object."""

from __future__ import annotations

from kube_actors.api.codecs import json
from kube_actors.api.names import path_segment
from kube_actors.errors import ApiError, bad_request, not_found
from kube_actors.server.call import Call
from kube_actors.server.http import Full
from kube_actors.server.reading.negotiation import negotiate, represent
from kube_actors.server.reading.resource_versions import reached, resource_version


async def get(call: Call) -> Full:
    """The object as it is now, which is as fresh as any `resourceVersion` can ask for.

    ApiError 404 when it is not there, 400 when nothing could have that name, 406 when the client accepts no form of it,
    504 when it has heard of a later revision than there is.
    """
    store = call.api.store
    at_least = resource_version(call.request)
    if at_least:
        await reached(store, at_least)
    revision = store.get(call.key)
    await store.durable(store.head if revision is None else revision.resource_version)
    if revision is None:
        negotiate(call.request)
        raise _nothing(call)
    return represent(call, revision)


def _nothing(call: Call) -> ApiError:
    name = call.info.name
    wrong = path_segment(name)
    if wrong:
        return bad_request(f"Name parameter invalid: {json.dumps(name).decode()}: {';'.join(wrong)}")
    return not_found(call.row.plural, name, group=call.row.group)
