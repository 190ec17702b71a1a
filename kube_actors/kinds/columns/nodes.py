"""The row of a node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kube_actors.kinds.columns.words import Row, age, listed, part

Body = Mapping[str, Any]

ROLE_PREFIX: Final = "node-role.kubernetes.io/"
ROLE_LABEL: Final = "kubernetes.io/role"


def node(body: Body, now: float) -> Row:
    """Name, Status, Roles, Age, Version, Internal-IP, External-IP, OS-Image, Kernel-Version, Container-Runtime."""
    info = part(body, "status", "nodeInfo")
    return (
        body["metadata"]["name"],
        _status(body),
        _roles(body),
        age(body, now),
        info.get("kubeletVersion", ""),
        _address(body, "InternalIP"),
        _address(body, "ExternalIP"),
        info.get("osImage") or "<unknown>",
        info.get("kernelVersion") or "<unknown>",
        info.get("containerRuntimeVersion") or "<unknown>",
    )


def _status(body: Body) -> str:
    """`Ready`, `NotReady`, or `Unknown` when the node never said."""
    conditions = part(body, "status").get("conditions") or ()
    ready = next((each.get("status") for each in conditions if each.get("type") == "Ready"), None)
    shown = "Unknown" if ready is None else "Ready" if ready == "True" else "NotReady"
    return shown + (",SchedulingDisabled" if part(body, "spec").get("unschedulable") else "")


def _roles(body: Body) -> str:
    labels = body["metadata"].get("labels") or {}
    roles = {key.removeprefix(ROLE_PREFIX) for key in labels if key.startswith(ROLE_PREFIX)}
    roles.add(labels.get(ROLE_LABEL, ""))
    return listed(sorted(roles - {""}))


def _address(body: Body, kind: str) -> str:
    addresses = part(body, "status").get("addresses") or ()
    return next((str(each.get("address")) for each in addresses if each.get("type") == kind), "<none>")
