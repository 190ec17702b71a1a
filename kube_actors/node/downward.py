"""What a pod may ask about itself: `fieldRef` and `resourceFieldRef`, in variables and in downwardAPI volumes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from kube_actors.api.quantity import Quantity
from kube_actors.node.objects import Body, Place, containers

_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']*)'\]")


def field_value(path: str, pod: Body, place: Place) -> str:
    """The value of a `fieldPath`; ValueError in Kubernetes' words when there is no such field to refer to."""
    metadata: Mapping[str, Any] = pod["metadata"]
    if match := _SUBSCRIPT.fullmatch(path):
        return str((metadata.get(match[1]) or {}).get(match[2], ""))
    if path in ("metadata.labels", "metadata.annotations"):
        return format_map(metadata.get(path.removeprefix("metadata.")) or {})
    stored = [entry["ip"] for entry in (pod.get("status") or {}).get("podIPs") or ()]
    addresses = [place.pod_ip] if place.pod_ip else stored
    match path.split("."):
        case ["metadata", "name" | "namespace" | "uid" as name]:
            value = metadata.get(name)
        case ["spec", "nodeName" | "serviceAccountName" | "restartPolicy" as name]:
            value = pod["spec"].get(name)
        case ["status", "hostIP" | "hostIPs"]:
            value = place.host_ip
        case ["status", "podIP"]:
            value = addresses[0] if addresses else ""
        case ["status", "podIPs"]:
            value = ",".join(addresses)
        case _:
            raise ValueError(f"unsupported fieldPath: {path}")
    return str(value or "")


def format_map(values: Mapping[str, str]) -> str:
    """Labels and annotations as a file shows them: sorted lines of `key="value"`, the value quoted and escaped."""
    return "\n".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in sorted(values.items()))


def resource_value(reference: Mapping[str, Any], pod: Body, container: Body | None, place: Place) -> str:
    """The value of a `resourceFieldRef`, rounded up in units of its divisor.

    A limit that the container does not set is the pod's as a whole, else the node's allocatable amount. ValueError in
    Kubernetes' words when the container or the resource is unknown.
    """
    container = _container_named(reference.get("containerName") or "", pod, container)
    asked = str(reference["resource"])
    kind, _, resource = asked.partition(".")
    if kind not in ("limits", "requests") or not _countable(resource):
        raise ValueError(f"unsupported container resource : {asked}")
    resources: Mapping[str, Any] = container.get("resources") or {}
    amount = (resources.get(kind) or {}).get(resource)
    if amount is None and kind == "limits":
        amount = ((pod["spec"].get("resources") or {}).get("limits") or {}).get(resource)
    divisor = Quantity.parse(str(reference.get("divisor") or "1"))
    if not divisor.milli:
        divisor = Quantity.parse("1")
    if resource == "cpu":
        milli = Quantity.parse(str(amount)).milli if amount is not None else _default(kind, resource, place)
        return str(-(-int(milli) // int(divisor.milli)))
    value = Quantity.parse(str(amount)).value if amount is not None else _default(kind, resource, place)
    return str(-(-int(value) // max(1, int(divisor.value))))


def _countable(resource: str) -> bool:
    return resource in ("cpu", "memory", "ephemeral-storage") or resource.startswith("hugepages-")


def _default(kind: str, resource: str, place: Place) -> int:
    if kind == "requests":
        return 0
    allocatable = {
        "cpu": place.cpu_milli,
        "memory": place.memory_bytes,
        "ephemeral-storage": place.ephemeral_storage_bytes,
    }
    return allocatable.get(resource, 0)


def _container_named(name: str, pod: Body, own: Body | None) -> Body:
    if not name and own is not None:
        return own
    for container in containers(pod):
        if container["name"] == name:
            return container
    raise ValueError(f"container {name} not found")
