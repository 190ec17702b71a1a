"""Fields that a kind does not have, and fields given twice: found in Kubernetes' words, the unknown ones taken out.

With them go lists and maps that hold nothing, and zeros that say no more than nothing, which Kubernetes does not keep
either: whose last annotation is taken away has no `annotations`, and `hostNetwork: false` is not written.
"""

from __future__ import annotations

from typing import Any, Final

from kube_actors.api.codecs.json import Pairs, loads_pairs
from kube_actors.api.schema import Schema
from kube_actors.api.types import Kind, Node, ObjectType

_EMPTY_IS_NONE: Final[dict[type, Kind]] = {list: Kind.LIST, dict: Kind.MAP}
_EMPTY_IS_SAID: Final = "managedFields"
"""Whoever sends an empty list of managers wants to be rid of them, which is more than not to speak of them."""
MOST_PROBLEMS: Final = 100
"""Problems of one body that are told, as with kube-apiserver: nobody reads more."""


def prune(schema: Schema, body: dict[str, Any]) -> list[str]:
    """Take out, in place, every field the schema does not know, and every zero, empty list or map that is not written.

    Answers the paths of the unknown ones (`spec.containers[0].foo`), of the first `MOST_PROBLEMS`.
    """
    found: list[str] = []
    _prune(schema.root, body, "", found)
    return found


def unknown_fields(paths: list[str]) -> list[str]:
    """`unknown field "spec.foo"` for each path."""
    return [f'unknown field "{path}"' for path in paths]


def strict_problems(schema: Schema | None, text: bytes) -> list[str]:
    """Every `unknown field "…"` and `duplicate field "…"` of a JSON text, in its order; without a schema, the latter.

    Dearer than `prune`: for texts that are known to repeat a field.
    """
    found: dict[str, None] = {}
    _look(schema.root if schema is not None else None, loads_pairs(text), "", found)
    return list(found)[:MOST_PROBLEMS]


def _prune(node: Node, value: Any, path: str, found: list[str]) -> None:
    if type(value) is list:
        items = node.items
        if items is not None and items.kind in (Kind.OBJECT, Kind.LIST, Kind.MAP):
            for index, item in enumerate(value):
                _prune(items, item, f"{path}[{index}]", found)
        return
    if type(value) is not dict or node.kind not in (Kind.OBJECT, Kind.MAP):
        return
    struct = node.object_type if node.kind is Kind.OBJECT else None
    fields = None if struct is None else struct.fields
    strangers = []
    for name, item in value.items():
        child = node.items if fields is None else fields.get(name)
        if child is None:
            strangers.append(name)
            if len(found) < MOST_PROBLEMS:
                found.append(_below(path, name))
        elif type(item) in (dict, list):
            if item:
                _prune(child, item, _below(path, name), found)
            elif struct is not None and child.kind is _EMPTY_IS_NONE[type(item)] and _may_go(struct, name):
                strangers.append(name)
        elif not item and struct is not None and struct.unwritten_zeros.get(name) is type(item):
            strangers.append(name)
    for name in strangers:
        del value[name]


def _may_go(struct: ObjectType, name: str) -> bool:
    return name not in struct.required and name != _EMPTY_IS_SAID


def _look(node: Node | None, value: Any, path: str, found: dict[str, None]) -> None:
    """The same walk over a text's members as they stand, repetitions included; nothing is taken out."""
    if isinstance(value, Pairs):
        seen: set[str] = set()
        for name, item in value:
            below = _below(path, name)
            child = None if node is None else node.child(name)
            if node is not None and node.kind is Kind.OBJECT and child is None:
                found[f'unknown field "{below}"'] = None
            elif name in seen:
                found[f'duplicate field "{below}"'] = None
            else:
                _look(child, item, below, found)
            seen.add(name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _look(None if node is None else node.child(index), item, f"{path}[{index}]", found)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
