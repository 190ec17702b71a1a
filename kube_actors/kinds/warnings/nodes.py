"""Nodes, and the classes of runtimes that choose among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.kinds.warnings import labels, spelling

Body = Mapping[str, Any]


def of_node(new: Body, old: Body | None) -> list[str]:
    """Fields that nothing reads."""
    spec = new.get("spec") or {}
    found = []
    if spec.get("configSource") is not None:
        found.append("spec.configSource: the feature is removed")
    if spec.get("externalID"):
        found.append("spec.externalID: this field is deprecated, and is unused by Kubernetes")
    for index, cidr in enumerate(spec.get("podCIDRs") or () if old is None else ()):
        found += spelling.of_range(cidr, f"spec.podCIDRs[{index}]")
    return found


def of_runtime_class(new: Body, _old: Body | None) -> list[str]:
    """Old labels of nodes."""
    chosen = (new.get("scheduling") or {}).get("nodeSelector") or {}
    return [f"scheduling.nodeSelector: {labels.DEPRECATED[key]}" for key in chosen if key in labels.DEPRECATED]
