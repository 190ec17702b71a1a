"""Subresources whose body is the whole object, and of which a write changes one part."""

from __future__ import annotations

from kube_actors.errors import not_found
from kube_actors.server.call import Call
from kube_actors.server.http import Response
from kube_actors.server.reading.negotiation import represent
from kube_actors.server.routes import not_allowed
from kube_actors.server.writing.patch import patch
from kube_actors.server.writing.update import update


async def part(call: Call) -> Response:
    """Answer a read or a write; the writes know from the path which part they may change."""
    match call.info.verb:
        case "get":
            revision = call.api.store.get(call.key)
            if revision is None:
                raise not_found(call.row.plural, call.info.name, group=call.row.group)
            return represent(call, revision)
        case "update":
            return await update(call)
        case "patch":
            return await patch(call)
    raise not_allowed()
