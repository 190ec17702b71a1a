"""Kinds of volumes that Kubernetes does not serve any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# Source -> how Kubernetes writes it here, and what became of it.
_GONE: Final[Mapping[str, tuple[str, str]]] = {
    "photonPersistentDisk": ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    "gitRepo": ("gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    "scaleIO": ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    "flocker": ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
    "storageos": ("storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    "quobyte": ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    "glusterfs": ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    "cephfs": ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    "rbd": ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
}


def of_gone_sources(volume: Mapping[str, Any], field: str) -> list[str]:
    """Of a pod's volume, or of the spec of a PersistentVolume."""
    return [f"{field}.{title}: {why}" for name, (title, why) in _GONE.items() if volume.get(name) is not None]
