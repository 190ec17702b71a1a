"""Whether an applied configuration fits its kind, in the words of the typed objects that Kubernetes merges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from kube_actors.api.codecs import json
from kube_actors.api.field_set import element_text
from kube_actors.api.schema import Schema
from kube_actors.api.structured_values import KEY_DEFAULTS, element_of
from kube_actors.api.types import Kind, Node

Misfits = Iterator[tuple[str, str]]

_NUMBERS: Final = (Kind.INT32, Kind.INT64, Kind.DOUBLE)
_TEXTS: Final = (Kind.STRING, Kind.BYTES, Kind.TIME, Kind.MICRO_TIME)
_GO_TYPES: Final[dict[type, str]] = {
    bool: "bool",
    int: "int64",
    float: "float64",
    str: "string",
    dict: "map[string]interface {}",
    list: "[]interface {}",
}


def misfits(configuration: dict[str, Any], schema: Schema) -> Misfits:
    """(path, why) of everything that cannot be merged: fields that do not exist, values of another type, list items
    that cannot be told apart or lack the key that names them. Null fits anywhere."""
    return _misfits(configuration, schema.root, "")


def _misfits(value: Any, node: Node, path: str) -> Misfits:
    if value is None or node.kind is Kind.ANY:
        return
    if node.kind in (Kind.OBJECT, Kind.MAP):
        if not isinstance(value, dict):
            yield path, f"expected map, got &{{{_shown(value)}}}"
            return
        for name, member in value.items():
            child = node.child(name)
            if child is None:
                yield f"{path}.{name}", "field not declared in schema"
            else:
                yield from _misfits(member, child, f"{path}.{name}")
    elif node.kind is not Kind.LIST:
        why = _scalar_misfit(value, node.kind)
        if why is not None:
            yield path, why
    elif isinstance(value, list):
        yield from _items(value, node, path)
    else:
        yield path, f"expected list, got &{{{_shown(value)}}}"


def _items(value: list[Any], node: Node, path: str) -> Misfits:
    seen: set[str] = set()
    for index, item in enumerate(value):
        name = f"[{index}]"
        if node.granular:
            missing = _missing_key(item, node)
            if missing is not None:
                why = f'associative list with keys has an element that omits key field "{missing}"'
                yield path, f"element {index}: {why} (and doesn't have default value)"
                continue
            name = element_text(element_of(item, node))
            if name in seen:
                yield path, f"duplicate entries for key {name}"
            seen.add(name)
        if node.items is not None:
            yield from _misfits(item, node.items, path + name)


def _missing_key(item: Any, node: Node) -> str | None:
    """The key without which an item of a keyed list has no name; None when it has all that it needs."""
    struct = node.items.object_type if node.items is not None else None
    if node.list_type != "map" or struct is None or not isinstance(item, dict):
        return None
    needed = (key for key in node.list_keys if key in struct.required and key not in KEY_DEFAULTS)
    return next((key for key in needed if item.get(key) is None), None)


def _scalar_misfit(value: Any, kind: Kind) -> str | None:
    """What a scalar should have been; None when it is."""
    if kind in _TEXTS:
        fits, wanted, got = isinstance(value, str), "string", f"&value.valueUnstructured{{Value:{_literal(value)}}}"
    elif kind in _NUMBERS:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        fits, wanted, got = is_number, "numeric (int or float)", _GO_TYPES.get(type(value), type(value).__name__)
    elif kind is Kind.BOOL:
        fits, wanted, got = isinstance(value, bool), "boolean", f"&{{{_shown(value)}}}"
    else:
        fits, wanted, got = not isinstance(value, (dict, list)), "any scalar", f"&{{{_shown(value)}}}"
    return None if fits else f"expected {wanted}, got {got}"


def _shown(value: Any) -> str:
    """The value as Go prints it."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{name}:{_shown(value[name])}" for name in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(_shown, value)) + "]"
    if value is None:
        return "<nil>"
    return value if isinstance(value, str) else json.dumps(value).decode()


def _literal(value: Any) -> str:
    """The value as it would stand in a Go program."""
    if isinstance(value, dict):
        return _GO_TYPES[dict] + "{" + ", ".join(f'"{name}":{_literal(value[name])}' for name in sorted(value)) + "}"
    if isinstance(value, list):
        return _GO_TYPES[list] + "{" + ", ".join(map(_literal, value)) + "}"
    return "interface {}(nil)" if value is None else json.dumps(value).decode()
