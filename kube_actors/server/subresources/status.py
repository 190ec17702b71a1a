"""`status` of every kind that has one, and `approval` of certificate requests: the object, of which a write changes
that part only."""

from __future__ import annotations

from kube_actors.server.call import Call
from kube_actors.server.http import Response
from kube_actors.server.subresources.parts import part


async def status(call: Call) -> Response:
    """GET, PUT and PATCH (server-side apply among them) of the whole object for the sake of its status."""
    return await part(call)
