"""Rows of storage drivers and of the volumes they attach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.kinds.columns.words import Row, age, listed, part

Body = Mapping[str, Any]


def csi_driver(body: Body, now: float) -> Row:
    """Name, AttachRequired, PodInfoOnMount, StorageCapacity, TokenRequests, RequiresRepublish, Modes, Age."""
    spec = part(body, "spec")
    requests, attach = spec.get("tokenRequests"), spec.get("attachRequired")
    return (
        body["metadata"]["name"],
        attach is None or bool(attach),
        bool(spec.get("podInfoOnMount")),
        bool(spec.get("storageCapacity")),
        "<unset>" if requests is None else ",".join(each.get("audience", "") for each in requests),
        bool(spec.get("requiresRepublish")),
        listed(spec.get("volumeLifecycleModes") or ()),
        age(body, now),
    )


def csi_node(body: Body, now: float) -> Row:
    """Name, Drivers, Age."""
    return (body["metadata"]["name"], len(part(body, "spec").get("drivers") or ()), age(body, now))


def volume_attachment(body: Body, now: float) -> Row:
    """Name, Attacher, PV, Node, Attached, Age."""
    spec = part(body, "spec")
    return (
        body["metadata"]["name"],
        spec.get("attacher", ""),
        part(spec, "source").get("persistentVolumeName") or "",
        spec.get("nodeName", ""),
        bool(part(body, "status").get("attached")),
        age(body, now),
    )
