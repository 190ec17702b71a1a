"""Objects as server-side apply sees them: values made of parts that have owners of their own.

A struct or map has its fields as parts, a list of type `map` its items by their keys, one of type `set` its items by
value; whatever is atomic or scalar is a leaf. Everything here is pure and shares unchanged subtrees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import NoneType
from typing import Any

from kube_actors.api.empty import empty
from kube_actors.api.field_set import (
    SELF,
    FieldSet,
    Trie,
    is_member,
    key_element,
    members_of,
    node_of,
    value_element,
)
from kube_actors.api.schema import Schema
from kube_actors.api.types import Kind, Node
from kube_actors.records import frozen

# Keys of list items that Kubernetes defaults; an applied configuration may leave them out.
KEY_DEFAULTS: Mapping[str, Any] = {"protocol": "TCP"}

Parts = dict[str, Any]
_MISSING = object()
_PLAIN = (str, int, NoneType)


@frozen
class Difference:
    """The fields that differ between two objects."""

    changed: FieldSet
    removed: FieldSet


@frozen
class Repeated:
    """Items of one list that cannot be told apart, which only clients that do not apply can write: one value, for
    merging and owning."""

    items: tuple[Any, ...]


def field_set_of(body: Any, schema: Schema) -> FieldSet:
    """Every field of an object: its leaves, the items of its lists, and empty objects."""
    return FieldSet(_members(body, schema.root))


def compare(old: Any, new: Any, schema: Schema) -> Difference:
    """What was added or changed, and what was removed. Equal subtrees are not looked at."""
    before, after = _parts(old, schema.root), _parts(new, schema.root)
    changed, removed = _compare_members(before or {}, after or {}, schema.root)
    return Difference(FieldSet(changed), FieldSet(removed))


def given(body: dict[str, Any], schema: Schema) -> FieldSet:
    """The fields that whoever creates an object has given it.

    What is there before anybody says anything is given by nobody: its structs, and what is written when it is not set.
    """
    return FieldSet(_given(body, schema.root))


def merge(live: dict[str, Any], applied: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """The live object with the applied configuration merged in; nulls of the configuration are in it."""
    merged: dict[str, Any] = _merge(live, applied, schema.root)
    return merged


def without(body: dict[str, Any], fields: FieldSet, schema: Schema, *, keep_emptied: bool = False) -> dict[str, Any]:
    """The object without these fields; objects and lists that lose their last part go too, or stay, empty."""
    rest: dict[str, Any] | None = _without(body, fields.trie, schema.root, keep_emptied)
    return rest or {}


def with_parents(fields: FieldSet, schema: Schema) -> FieldSet:
    """The set in which a struct field counts as a member as soon as one of its own fields does."""
    return FieldSet(_with_parents(fields.trie, schema.root))


def _elements(value: list[Any], node: Node) -> Parts:
    """The items of a granular list by path element."""
    found = {element_of(item, node): item for item in value}
    if len(found) == len(value):
        return found
    together: dict[str, list[Any]] = {}
    for item in value:
        together.setdefault(element_of(item, node), []).append(item)
    return {element: items[0] if len(items) == 1 else Repeated(tuple(items)) for element, items in together.items()}


def element_of(item: Any, node: Node) -> str:
    """The path element of an item of a granular list."""
    if node.list_type == "set":
        return value_element(item)
    if not isinstance(item, dict):
        return key_element({})
    values = [item.get(name, KEY_DEFAULTS.get(name)) for name in node.list_keys]
    if all(type(value) in _PLAIN for value in values):
        return _keyed(node.list_keys, *values)
    return key_element({name: value for name, value in zip(node.list_keys, values, strict=True) if value is not None})


@lru_cache(maxsize=4096, typed=True)
def _keyed(names: tuple[str, ...], *values: str | int | None) -> str:
    """The path element of these keys; the same few (`type=Ready`) are met in every object of a kind."""
    return key_element({name: value for name, value in zip(names, values, strict=True) if value is not None})


def _members(value: Any, node: Node | None) -> Trie:
    """The trie below a value: what is owned in it, apart from the value itself."""
    trie: Trie = {}
    parts = None if node is None else _parts(value, node)
    if parts is None or node is None:
        return trie
    prefix, item = ("", node.items) if node.kind is Kind.LIST else ("f:", None)
    is_struct = node.kind is Kind.OBJECT
    for name, part in parts.items():
        if type(part) is not dict and type(part) is not list:
            trie[prefix + name] = {}
            continue
        child = item or node.child(name)
        if part == [] and is_struct and child is not None and child.granular:
            continue  # a list of items says nothing without one, as against null and `{}`
        below = _members(part, child)
        # A struct's field with parts is only the way to them; an item, or a key of a map, is owned besides.
        trie[prefix + name] = below if is_struct else {SELF: {}, **below} if below else {}
    return trie


def _compare_members(before: dict[str, Any], after: dict[str, Any], node: Node) -> tuple[Trie, Trie]:
    """(changed, removed) tries below a place whose values differ and have these parts."""
    changed: Trie = {}
    removed: Trie = {}
    prefix, item = ("", node.items) if node.kind is Kind.LIST else ("f:", None)
    for name, part in after.items():
        earlier = before.get(name, _MISSING)
        if earlier is part or earlier == part:
            continue
        if type(part) is not dict and type(part) is not list:
            changed[prefix + name] = {}
            if type(part) is Repeated and type(earlier) is dict:
                removed[prefix + name] = _whole(earlier, item)
            continue
        child = item or node.child(name)
        old = None if child is None or earlier is _MISSING else _parts(earlier, child)
        new = None if child is None or old is None else _parts(part, child)
        if child is None or old is None or new is None:
            changed[prefix + name] = _whole(part, child)
            continue
        below_changed, below_removed = _compare_members(old, new, child)
        if below_changed:
            changed[prefix + name] = below_changed
        if below_removed:
            removed[prefix + name] = below_removed
    for name, part in before.items():
        if name not in after:
            removed[prefix + name] = _whole(part, item or node.child(name))
    return changed, removed


def _given(value: dict[str, Any], node: Node) -> Trie:
    trie: Trie = {}
    struct, fields = node.object_type, node.fields
    there: frozenset[str] = frozenset() if struct is None else struct.there
    for name, part in value.items():
        if type(part) is not dict and type(part) is not list:
            if struct is None or name not in there or part != struct.unset[name]:
                trie["f:" + name] = {}
            continue
        child = fields.get(name)
        if child is None or not child.granular or name not in there:
            if not (name in there and part == _unset(child)):
                trie["f:" + name] = _whole(part, child)
        elif below := _given_below(part, child):
            trie["f:" + name] = below
    return trie


def _unset(node: Node | None) -> Any:
    """What stands in a field that is there by itself and has one owner, when nobody set it."""
    return empty(node.object_type) if node is not None and node.object_type is not None else None


def _given_below(part: dict[str, Any] | list[Any], node: Node) -> Trie:
    """Below a field that is there by itself."""
    if isinstance(part, dict) and node.kind is Kind.OBJECT:
        return _given(part, node)
    whole = _whole(part, node)
    return members_of(whole) if node.kind is Kind.LIST else whole


def _parts(value: Any, node: Node) -> Parts | None:
    """The owned parts of a value by name (a struct is its own parts); None when it has one owner as a whole."""
    if not node.granular:
        return None
    if node.kind is Kind.LIST:
        return _elements(value, node) if isinstance(value, list) else None
    return value if isinstance(value, dict) else None


def _whole(value: Any, node: Node | None) -> Trie:
    """The node of a value that is wholly new or wholly gone: itself and everything in it, structs included."""
    if node is None or (type(value) is not dict and type(value) is not list):
        return {}
    parts = _parts(value, node)
    if parts is None:
        return {}
    prefix, item = ("", node.items) if node.kind is Kind.LIST else ("f:", None)
    below = {prefix + name: _whole(part, item or node.child(name)) for name, part in parts.items()}
    return node_of(True, below) or {}


def _merge(live: Any, applied: Any, node: Node | None) -> Any:
    """The live value with the applied one merged in; an applied null takes the place of what has one owner, and leaves
    alone what has parts with owners of their own."""
    if applied is None:
        return live if node is not None and _parts(live, node) else None
    if node is None or _parts(applied, node) is None or _parts(live, node) is None:
        return applied
    if node.kind is not Kind.LIST:
        merged = dict(live)
        for name, value in applied.items():
            merged[name] = _merge(live[name], value, node.child(name)) if name in live else value
        return merged
    return list(_merged_items(live, _elements(applied, node), node))


def _merged_items(live: list[Any], ours: Parts, node: Node) -> Iterator[Any]:
    """List items in the applied order; live items that are not applied keep their place among those that are, and stand
    before new ones: `a` applied to `b` makes `b, a`, and `a, b, d, c` applied to `b, x, c` makes `a, b, x, d, c`.

    What stands in the live list more than once gives way to the one item that is applied.
    """
    theirs = _elements(live, node)
    waiting = [(element_of(item, node), item) for item in live]
    shared = iter([element for element in ours if element in theirs])
    following, at = next(shared, None), 0
    for element, value in ours.items():
        while at < len(waiting) and waiting[at][0] != following:
            if waiting[at][0] not in ours:
                yield waiting[at][1]
            at += 1
        met = theirs.get(element, _MISSING)
        yield value if met is _MISSING or type(met) is Repeated else _merge(met, value, node.items)
        if element == following:
            following = next(shared, None)
    yield from (item for other, item in waiting[at:] if other not in ours)


def _with_parents(trie: Trie, node: Node | None) -> Trie:
    full: Trie = {}
    for element, child in trie.items():
        if element == SELF:
            continue
        below = _child_of(node, element)
        named = is_member(child) or (element.startswith("f:") and node is not None and node.kind is Kind.OBJECT)
        found = node_of(named, _with_parents(members_of(child), below))
        if found is not None:
            full[element] = found
    return full


def _child_of(node: Node | None, element: str) -> Node | None:
    if node is None:
        return None
    return node.child(element[2:]) if element.startswith("f:") else node.items


def _without(value: Any, gone: Trie, node: Node | None, keep_emptied: bool) -> Any:
    """The value without the fields of `gone`; None when nothing is left of it."""
    if node is None or not gone or _parts(value, node) is None:
        return value
    is_list = node.kind is Kind.LIST
    rest: list[tuple[str, Any]] = []
    for name, part in ((element_of(item, node), item) for item in value) if is_list else value.items():
        trie = gone.get(name if is_list else f"f:{name}")
        if trie is None:
            rest.append((name, part))
        elif not is_member(trie):
            kept = _without(part, members_of(trie), node.items if is_list else node.child(name), keep_emptied)
            if kept is not None:
                rest.append((name, kept))
    if not rest and not keep_emptied:
        return None
    return [part for _, part in rest] if is_list else dict(rest)
