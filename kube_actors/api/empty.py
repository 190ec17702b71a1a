"""What Kubernetes makes of a struct of which nobody says anything: its structs, and the fields it cannot do without."""

from __future__ import annotations

from typing import Any

from kube_actors.api.types import Kind, Node

_NUMBERS = (Kind.INT32, Kind.INT64, Kind.DOUBLE)


def empty(node: Node) -> Any:
    """The empty value of a place: `{"replicas": 0}` for the status of a ReplicaSet. A new one with every call."""
    if node.kind is Kind.LIST:
        return []
    if node.kind in _NUMBERS:
        return 0
    if node.kind is Kind.BOOL:
        return False
    struct = node.object_type
    if struct is None:
        return {} if node.kind is Kind.MAP else ""
    return {name: empty(struct.fields[name]) for name in sorted({*struct.always, *struct.declared})}
