"""Rows of volumes, claims and their classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kube_actors.kinds import storage_annotations
from kube_actors.kinds.columns.words import Row, age, part

Body = Mapping[str, Any]

_MODES: Final = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}


def persistent_volume(body: Body, now: float) -> Row:
    """Name, Capacity, Access Modes, Reclaim Policy, Status, Claim, StorageClass, VolumeAttributesClass, Reason, Age,
    VolumeMode."""
    spec, status, claim = part(body, "spec"), part(body, "status"), part(body, "spec", "claimRef")
    return (
        body["metadata"]["name"],
        str(part(spec, "capacity").get("storage", "0")),
        _modes(spec),
        spec.get("persistentVolumeReclaimPolicy", ""),
        _phase(body),
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        storage_annotations.class_of(body),
        spec.get("volumeAttributesClassName") or "<unset>",
        status.get("reason", ""),
        age(body, now),
        spec.get("volumeMode") or "<unset>",
    )


def persistent_volume_claim(body: Body, now: float) -> Row:
    """Name, Status, Volume, Capacity, Access Modes, StorageClass, VolumeAttributesClass, Age, VolumeMode."""
    spec, status = part(body, "spec"), part(body, "status")
    bound = bool(spec.get("volumeName"))
    return (
        body["metadata"]["name"],
        _phase(body),
        spec.get("volumeName") or "",
        str(part(status, "capacity").get("storage", "0")) if bound else "",
        _modes(status) if bound else "",
        storage_annotations.class_of(body),
        spec.get("volumeAttributesClassName") or "<unset>",
        age(body, now),
        spec.get("volumeMode") or "<unset>",
    )


def storage_class(body: Body, now: float) -> Row:
    """Name, Provisioner, ReclaimPolicy, VolumeBindingMode, AllowVolumeExpansion, Age."""
    annotations = body["metadata"].get("annotations") or {}
    is_default = any(annotations.get(name) == "true" for name in storage_annotations.DEFAULT)
    return (
        body["metadata"]["name"] + (" (default)" if is_default else ""),
        body.get("provisioner", ""),
        body.get("reclaimPolicy") or "Delete",
        body.get("volumeBindingMode") or "Immediate",
        bool(body.get("allowVolumeExpansion", False)),
        age(body, now),
    )


def volume_attributes_class(body: Body, now: float) -> Row:
    """Name, DriverName, Age."""
    return (body["metadata"]["name"], body.get("driverName", ""), age(body, now))


def _modes(holder: Body) -> str:
    """Access modes in short, each once, in Kubernetes' order: `RWO,ROX`."""
    modes = holder.get("accessModes") or ()
    return ",".join(short for mode, short in _MODES.items() if mode in modes)


def _phase(body: Body) -> str:
    return "Terminating" if "deletionTimestamp" in body["metadata"] else part(body, "status").get("phase", "")
