"""What Kubernetes makes of a struct of which nobody says anything, or not everything: what it always writes."""

from __future__ import annotations

from typing import Any

from kube_actors.api.types import ObjectType


def empty(struct: ObjectType) -> dict[str, Any]:
    """The empty struct: `{"replicas": 0}` for the status of a ReplicaSet. A new one with every call."""
    value: dict[str, Any] = {}
    complete(struct, value)
    return value


def complete(struct: ObjectType, value: dict[str, Any]) -> None:
    """Give `value`, in place, the fields of its own that are written though nobody set them: `eventTime: null`."""
    for name, unset in struct.unset.items():
        if name not in value:
            value[name] = unset
    for name in struct.always:
        if name not in value:
            below = struct.fields[name].object_type
            value[name] = {} if below is None else empty(below)
