"""GET of one object."""

from __future__ import annotations

from kube_actors.errors import not_found
from kube_actors.server.call import Call
from kube_actors.server.http import Full
from kube_actors.server.reading.negotiation import represent
from kube_actors.server.reading.resource_versions import reached, resource_version


async def get(call: Call) -> Full:
    """The object as it is now, which is as fresh as any `resourceVersion` can ask for.

    ApiError 404 when it is not there, 504 when the client has heard of a later revision than there is.
    """
    store = call.api.store
    at_least = resource_version(call.request)
    if at_least:
        await reached(store, at_least)
    revision = store.get(call.key)
    await store.durable(store.head if revision is None else revision.resource_version)
    if revision is None:
        raise not_found(call.row.plural, call.info.name, group=call.row.group)
    return represent(call, revision)
