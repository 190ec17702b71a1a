"""`finalize` of a namespace: the finalizers in its spec, which nothing else can change."""

from __future__ import annotations

from kube_actors.server.call import Call
from kube_actors.server.http import Response
from kube_actors.server.subresources.parts import part


async def finalize(call: Call) -> Response:
    """PUT the namespace without the finalizers that have done their work; it goes when none is left."""
    return await part(call)
