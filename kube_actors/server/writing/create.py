"""POST: a new object."""

from __future__ import annotations

from kube_actors.kinds.hooks import Body
from kube_actors.server.call import Call
from kube_actors.server.http import Response
from kube_actors.server.reading.negotiation import form_of
from kube_actors.server.routes import not_allowed
from kube_actors.server.writing.answers import written
from kube_actors.server.writing.bodies import read_body
from kube_actors.server.writing.options import read_options
from kube_actors.server.writing.places import check_collection


async def create(call: Call) -> Response:
    """201 with the object as stored; 409 `AlreadyExists`."""
    check_collection(call)
    if call.info.name:
        raise not_allowed()
    form_of(call)
    options = read_options(call, "CreateOptions")
    body = await call.work.run(read_body, call, options.validation)
    revision = await call.client.create(
        body, namespace=call.info.namespace or None, dry_run=options.dry_run, in_place=_is_named(body)
    )
    call.created = revision.key.name
    return await written(call, revision, 201)


def _is_named(body: Body) -> bool:
    """Whether it is to be stored under its own name, which takes one try."""
    metadata = body.get("metadata")
    return isinstance(metadata, dict) and bool(metadata.get("name"))
