"""POST: a new object."""

from __future__ import annotations

from kube_actors.server.call import Call
from kube_actors.server.http import Response
from kube_actors.server.reading.negotiation import negotiate
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
    negotiate(call.request)
    options = read_options(call, "CreateOptions")
    body = await call.work.run(read_body, call, options.validation)
    revision = await call.client.create(body, namespace=call.info.namespace or None, dry_run=options.dry_run)
    call.created = revision.key.name
    return await written(call, revision, 201)
