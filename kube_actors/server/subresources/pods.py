"""Parts of a pod with paths of their own; what each may change is for `kinds/pod_subresources` to say."""

from __future__ import annotations

from kube_actors.server.call import Call
from kube_actors.server.http import Response
from kube_actors.server.subresources.parts import part


async def ephemeral_containers(call: Call) -> Response:
    """Debugging containers are added to the pod."""
    return await part(call)


async def resize(call: Call) -> Response:
    """The resources of running containers are changed."""
    return await part(call)
