"""Volumes, claims and classes of storage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kube_actors.kinds import storage_annotations
from kube_actors.kinds.warnings import labels
from kube_actors.kinds.warnings.containers import of_amounts
from kube_actors.kinds.warnings.gone_volumes import of_gone_sources

Body = Mapping[str, Any]
_RECYCLE: Final = (
    "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach "
    "is to use dynamic provisioning."
)


def of_claim(new: Body, _old: Body | None) -> list[str]:
    """A PersistentVolumeClaim."""
    return _of_class_annotation(new) + of_claim_spec(new.get("spec") or {}, "spec")


def of_claim_spec(spec: Body, field: str) -> list[str]:
    """Claims for parts of bytes."""
    resources = spec.get("resources") or {}
    return [
        told
        for kind in ("requests", "limits")
        for told in of_amounts(resources.get(kind), f"{field}.resources.{kind}", ("storage",))
    ]


def of_volume(new: Body, _old: Body | None) -> list[str]:
    """A PersistentVolume."""
    spec = new.get("spec") or {}
    found = _of_class_annotation(new)
    if spec.get("persistentVolumeReclaimPolicy") == "Recycle":
        found.append(_RECYCLE)
    required = (spec.get("nodeAffinity") or {}).get("required") or {}
    for index, term in enumerate(required.get("nodeSelectorTerms") or ()):
        place = f"spec.nodeAffinity.required.nodeSelectorTerms[{index}]"
        found += labels.of_requirements(term.get("matchExpressions"), place)
    return found + of_gone_sources(spec, "spec")


def of_class(new: Body, _old: Body | None) -> list[str]:
    """A StorageClass."""
    found = []
    for index, topology in enumerate(new.get("allowedTopologies") or ()):
        for at, requirement in enumerate(topology.get("matchLabelExpressions") or ()):
            why = labels.DEPRECATED.get(requirement.get("key", ""))
            if why is not None:
                found.append(f"allowedTopologies[{index}].matchLabelExpressions[{at}]: {why}")
    return found


def of_capacity(new: Body, _old: Body | None) -> list[str]:
    """A CSIStorageCapacity."""
    return labels.of_selector(new.get("nodeTopology"), "nodeTopology")


def _of_class_annotation(body: Body) -> list[str]:
    if storage_annotations.CLASS not in (body["metadata"].get("annotations") or {}):
        return []
    why = 'deprecated since v1.8; use "storageClassName" attribute instead'
    return [f"metadata.annotations[{storage_annotations.CLASS}]: {why}"]
