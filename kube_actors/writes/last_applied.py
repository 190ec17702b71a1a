"""The annotation in which client-side `kubectl apply` remembers what it applied, seen from server-side apply.

An object that was applied client-side is taken over by `kubectl apply --server-side` without conflicts, as far as its
fields still are what the annotation says; from then on the annotation follows what is applied, so that there is a way
back. Only the field manager `kubectl` is treated so, as in Kubernetes.
"""

from __future__ import annotations

from typing import Any, Final

from kube_actors.api.codecs import json
from kube_actors.api.field_set import FieldSet
from kube_actors.api.schema import Schema
from kube_actors.api.structured_values import compare, field_set_of
from kube_actors.errors import ApiError
from kube_actors.writes.metadata import ANNOTATIONS_LIMIT, annotations_size

MANAGER: Final = "kubectl"
ANNOTATION: Final = "kubectl.kubernetes.io/last-applied-configuration"

Body = dict[str, Any]


def fields_taken_over(live: Body, manager: str, api_version: str, schema: Schema) -> FieldSet:
    """The fields that this manager may take from anybody: applied client-side, and not changed since."""
    if manager != MANAGER:
        return FieldSet()
    applied = _read(live)
    if applied is None or applied.get("apiVersion") != api_version:
        return FieldSet()
    difference = compare(applied, live, schema)
    return field_set_of(applied, schema) - difference.changed - difference.removed


def follow(merged: Body, applied: Body, manager: str) -> None:
    """Bring the annotation of `merged`, if it has one, up to date with what is applied; it goes when too large."""
    annotations = merged.get("metadata", {}).get("annotations") or {}
    if manager != MANAGER or not annotations.get(ANNOTATION):
        return
    own = applied.get("metadata") or {}
    others = {name: value for name, value in (own.get("annotations") or {}).items() if name != ANNOTATION}
    metadata = {**own, "annotations": others} if "annotations" in own else own
    text = json.dumps({**applied, "metadata": metadata}).decode() + "\n"
    followed = {**annotations, ANNOTATION: text}
    if annotations_size(followed) > ANNOTATIONS_LIMIT:
        del followed[ANNOTATION]
    merged["metadata"] = {**merged["metadata"], "annotations": followed}


def _read(live: Body) -> Body | None:
    """What was applied last; None without the annotation, or with one that somebody spoilt."""
    text = (live.get("metadata", {}).get("annotations") or {}).get(ANNOTATION)
    try:
        applied = json.loads(text) if isinstance(text, str) and text else None
    except ApiError:
        return None
    return applied if isinstance(applied, dict) else None
