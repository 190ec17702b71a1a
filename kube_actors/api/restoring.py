"""What Kubernetes says of a strategic merge patch whose outcome does not fit the types of its kind.

The outcome of such a patch is never text: Kubernetes builds the typed object from the merged values, with a converter
that has words of its own, and shows the patch as Go prints a map.
"""

from __future__ import annotations

from typing import Any, Final

from kube_actors.api.types import Kind, Node

_GO_KINDS: Final[dict[type, str]] = {
    dict: "map",
    list: "slice",
    str: "string",
    bool: "bool",
    int: "int64",
    float: "float64",
}
_CONTAINERS: Final = {Kind.MAP: "map from ", Kind.LIST: "slice from ", Kind.OBJECT: "struct from: "}
_SIMPLE: Final = {
    Kind.STRING: "string",
    Kind.BOOL: "bool",
    Kind.INT32: "int32",
    Kind.INT64: "int64",
    Kind.DOUBLE: "float64",
}
_NUMBERS: Final = frozenset({Kind.INT32, Kind.INT64, Kind.DOUBLE})


def misfit(node: Node, value: Any) -> str | None:
    """Why the converter cannot put `value` where `node` describes; None when the type reads its values by itself."""
    given = _GO_KINDS[type(value)]
    if node.kind in _CONTAINERS:
        return f"cannot restore {_CONTAINERS[node.kind]}{given}"
    if node.kind not in _SIMPLE:
        return None
    # Go turns numbers into each other, and integers into texts of one character: a converter must not.
    number = type(value) in (int, float)
    if number and (node.kind in _NUMBERS or (node.kind is Kind.STRING and type(value) is int)):
        return f"cannot convert {given} to {node.go_name}"
    return f"unrecognized type: {_SIMPLE[node.kind]}"


def as_go_prints(value: Any) -> str:
    """A JSON value as Go's `%+v` shows it: `map[metadata:map[labels:x]]`."""
    match value:
        case dict():
            return f"map[{' '.join(f'{key}:{as_go_prints(value[key])}' for key in sorted(value))}]"
        case list():
            return f"[{' '.join(map(as_go_prints, value))}]"
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)
