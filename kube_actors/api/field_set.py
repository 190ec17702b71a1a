"""Sets of fields, as `metadata.managedFields` keeps them (`FieldsV1`).

A set is the trie that `FieldsV1` spells: every member is a path element, `{}` is a field in the set, `"."` says that a
field with members of its own is in the set too. Path elements are `f:<name>` (a field), `k:<json>` (the list item with
these keys), `v:<json>` (the item of a set) and `i:<index>`. Worked example: `{"f:spec": {"f:replicas": {},
"f:ports": {".": {}, "k:{\\"port\\":80}": {}}}}` holds `.spec.replicas`, `.spec.ports` and `.spec.ports[port=80]`.

Tries are never changed once they are in a set, so sets share them freely.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

Trie = dict[str, Any]
SELF = "."
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


class FieldSet:
    """An immutable set of field paths; `|`, `&` and `-` are the usual operations."""

    __slots__ = ("trie",)

    def __init__(self, trie: Trie | None = None) -> None:
        self.trie: Trie = trie or {}

    @classmethod
    def from_fields_v1(cls, fields: Any) -> FieldSet:
        """Read a `fieldsV1` value; `ValueError` names what cannot be read."""
        _check(fields)
        return cls(fields)

    def to_fields_v1(self) -> Trie:
        """The `fieldsV1` value of this set (shared, not to be changed)."""
        return self.trie

    def __bool__(self) -> bool:
        return bool(self.trie)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FieldSet) and self.trie == other.trie

    def __hash__(self) -> int:
        return hash(json.dumps(self.trie, sort_keys=True))

    def __repr__(self) -> str:
        return f"FieldSet({', '.join(self.paths())})"

    def __or__(self, other: FieldSet) -> FieldSet:
        return FieldSet(_union(self.trie, other.trie))

    def __and__(self, other: FieldSet) -> FieldSet:
        return FieldSet(_intersection(self.trie, other.trie))

    def __sub__(self, other: FieldSet) -> FieldSet:
        return FieldSet(_difference(self.trie, other.trie))

    def paths(self) -> Iterator[str]:
        """Every field of the set, written as Kubernetes writes it in conflicts."""
        return _paths(self.trie, "")


def is_member(node: Trie) -> bool:
    """Whether the field this node stands for is itself in the set."""
    return not node or SELF in node


def node_of(member: bool, members: Trie) -> Trie | None:
    """The trie node of a field that is in the set or not and has these members; None when nothing is left of it."""
    if not members:
        return {} if member else None
    return {SELF: {}, **members} if member else members


def members_of(node: Trie) -> Trie:
    """The node's members without its own mark."""
    return {element: child for element, child in node.items() if element != SELF} if SELF in node else node


def key_element(keys: dict[str, Any]) -> str:
    """`k:{"containerPort":80,"protocol":"TCP"}`."""
    return "k:" + _encode(keys)


def value_element(value: Any) -> str:
    """`v:"kubernetes.io/pvc-protection"`."""
    return "v:" + _encode(value)


def element_text(element: str) -> str:
    """A path element as people read it: `.image`, `[name="web"]`, `[="x"]`, `[3]`."""
    kind, _, rest = element.partition(":")
    if kind == "f":
        return f".{rest}"
    if kind == "k":
        keys = json.loads(rest)
        return "[" + ",".join(f"{name}={json.dumps(value)}" for name, value in keys.items()) + "]"
    return f"[={rest}]" if kind == "v" else f"[{rest}]"


def _check(node: Any) -> None:
    if not isinstance(node, dict):
        raise ValueError(f"fieldsV1 must consist of objects, not {type(node).__name__}")
    for element, child in node.items():
        if element == SELF:
            if child != {}:
                raise ValueError('the member "." of fieldsV1 must be an empty object')
            continue
        kind, colon, rest = element.partition(":")
        if not colon or kind not in "fkvi" or len(kind) != 1:
            raise ValueError(f"unknown path element {element!r} in fieldsV1: expected f:, k:, v: or i:")
        if kind in "kvi":
            _check_value(kind, rest)
        _check(child)


def _check_value(kind: str, text: str) -> None:
    """The part of a path element after its colon, where that is JSON."""
    try:
        value = json.loads(text)
    except ValueError:
        raise ValueError(f"path element {kind}:{text} in fieldsV1 is not JSON") from None
    if (kind == "k" and not isinstance(value, dict)) or (kind == "i" and not isinstance(value, int)):
        raise ValueError(f"path element {kind}:{text} in fieldsV1 has the wrong type")


def _union(left: Trie, right: Trie) -> Trie:
    merged = dict(left)
    for element, child in right.items():
        other = merged.get(element)
        merged[element] = child if other is None else _union_nodes(other, child)
    return merged


def _union_nodes(left: Trie, right: Trie) -> Trie:
    if left is right or left == right:
        return left
    if not left:
        return {SELF: {}, **right}
    if not right:
        return {SELF: {}, **left}
    return _union(left, right)


def _intersection(left: Trie, right: Trie) -> Trie:
    common: Trie = {}
    for element, child in left.items():
        other = right.get(element)
        if other is None or element == SELF:
            continue
        node = node_of(is_member(child) and is_member(other), _intersection(child, other))
        if node is not None:
            common[element] = node
    return common


def _difference(left: Trie, right: Trie) -> Trie:
    if not right:
        return members_of(left)
    rest: Trie = {}
    for element, child in left.items():
        if element == SELF:
            continue
        other = right.get(element)
        if other is None:
            rest[element] = child
            continue
        if not child:  # nothing below it, as with most fields
            if not is_member(other):
                rest[element] = child
            continue
        node = node_of(is_member(child) and not is_member(other), _difference(child, other))
        if node is not None:
            rest[element] = node
    return rest


def _paths(node: Trie, prefix: str) -> Iterator[str]:
    for element, child in node.items():
        if element == SELF:
            continue
        path = prefix + element_text(element)
        if is_member(child):
            yield path
        yield from _paths(child, path)
