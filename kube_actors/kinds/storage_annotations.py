"""Annotations of storage that are older than the fields of today, and count beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

CLASS: Final = "volume.beta.kubernetes.io/storage-class"
"""The class of a PersistentVolume or PersistentVolumeClaim."""
DEFAULT: Final = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
"""`true` in the class of claims that name none."""


def class_of(body: Mapping[str, Any]) -> str:
    """The class of a volume or claim, by the annotation or the spec; empty when it has none."""
    annotations, spec = body["metadata"].get("annotations") or {}, body.get("spec") or {}
    return str(annotations.get(CLASS) or spec.get("storageClassName") or "")
