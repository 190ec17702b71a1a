"""The pod and the container of a path, in the API server's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.errors import bad_request, not_found
from kube_actors.server.call import Call
from kube_actors.store import Revision

_KINDS = ("initContainers", "containers", "ephemeralContainers")


def pod_of(call: Call) -> Revision:
    """The pod of the path. ApiError 404."""
    revision = call.api.store.get(call.key)
    if revision is None:
        raise not_found("pods", call.info.name)
    return revision


def container_names(body: Mapping[str, Any]) -> list[str]:
    """The containers of a pod, those of its initialization first."""
    return [each["name"] for kind in _KINDS for each in body["spec"].get(kind) or ()]


def container_of(body: Mapping[str, Any], wanted: str) -> str:
    """The container that is meant: the one named, or the only one. ApiError 400 when there is none, or several."""
    pod, spec = body["metadata"]["name"], body["spec"]
    names = container_names(body)
    if wanted:
        if wanted not in names:
            raise bad_request(f"container {wanted} is not valid for pod {pod}")
        return wanted
    regular = [each["name"] for each in spec.get("containers") or ()]
    if len(regular) == 1:
        return str(regular[0])
    choice = f", choose one of: [{' '.join(names)}]" if names else ""
    raise bad_request(f"a container name must be specified for pod {pod}{choice}")
