"""Strategic merge patch: a merge patch that knows from the schema which lists are merged, and by which key.

Directives: `$patch` (`replace`, `delete`, `merge`) in an object or a list item, `$retainKeys`,
`$deleteFromPrimitiveList/<field>` and `$setElementOrder/<field>`. Pure: nothing given is changed.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from kube_actors.api.patches import clone
from kube_actors.api.schema import Schema
from kube_actors.api.types import Kind, Node
from kube_actors.errors import bad_request

DIRECTIVE = "$patch"
RETAIN_KEYS = "$retainKeys"
DELETE_FROM = "$deleteFromPrimitiveList/"
SET_ORDER = "$setElementOrder/"
_MISSING = object()


def strategic_merge_patch(body: dict[str, Any], patch: Any, schema: Schema) -> dict[str, Any]:
    """The body with the patch merged in; 400 `BadRequest` when the patch or one of its directives makes no sense."""
    if not isinstance(patch, dict):
        raise bad_request("a strategic merge patch must be an object")
    return _merge_object(body, patch, schema.root)


def _merge_object(original: dict[str, Any], patch: dict[str, Any], node: Node | None) -> dict[str, Any]:
    directive = patch.get(DIRECTIVE, "merge")
    if directive == "replace":
        return {name: clone(value) for name, value in patch.items() if name != DIRECTIVE}
    if directive == "delete":
        return {}
    if directive != "merge":
        raise bad_request(f"unknown {DIRECTIVE} directive {directive!r}: use replace, delete or merge")
    merged = _retained(original, patch)
    for name, value in patch.items():
        if name.startswith("$"):
            _check_directive(name)
            continue
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merge_member(merged.get(name, _MISSING), value, _child(node, name), patch, name)
    return _lists_without_patch(merged, patch, node)


def _check_directive(name: str) -> None:
    if name not in (DIRECTIVE, RETAIN_KEYS) and not name.startswith((DELETE_FROM, SET_ORDER)):
        raise bad_request(f"unknown directive {name!r} in a strategic merge patch")


def _child(node: Node | None, name: str) -> Node | None:
    return None if node is None else node.child(name)


def _retained(original: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """A copy of the original, cleared of what `$retainKeys` does not name."""
    if RETAIN_KEYS not in patch:
        return dict(original)
    keys = patch[RETAIN_KEYS]
    if not isinstance(keys, list):
        raise bad_request(f"{RETAIN_KEYS} must be a list of field names")
    strangers = [
        name for name, value in patch.items() if not name.startswith("$") and value is not None and name not in keys
    ]
    if strangers:
        raise bad_request(f"{RETAIN_KEYS} must name every field of its patch; {', '.join(strangers)} missing")
    return {name: value for name, value in original.items() if name in keys}


def _merge_member(current: Any, value: Any, node: Node | None, patch: dict[str, Any], name: str) -> Any:
    """The new value of one field that the patch sets."""
    strategies = node.patch_strategies if node is not None else frozenset()
    if isinstance(value, dict):
        if isinstance(current, dict) and "replace" not in strategies:
            return _merge_object(current, value, node)
        return _without_directives(value)
    if not isinstance(value, list):
        return value
    if node is None or "merge" not in strategies or not isinstance(current, list):
        return _without_directives(value)
    order = patch.get(SET_ORDER + name)
    if node.items is not None and node.items.kind in (Kind.OBJECT, Kind.ANY):
        return _merge_items(current, value, node, order, name)
    return _merge_primitives(current, value, patch.get(DELETE_FROM + name, []), order)


def _lists_without_patch(merged: dict[str, Any], patch: dict[str, Any], node: Node | None) -> dict[str, Any]:
    """Apply the list directives whose list the patch does not otherwise mention."""
    for directive, value in patch.items():
        prefix, slash, name = directive.partition("/")
        if not slash or not prefix.startswith("$") or name in patch:
            continue
        if not isinstance(value, list):
            raise bad_request(f"{directive} must be a list")
        current, child = merged.get(name), _child(node, name)
        if not isinstance(current, list) or child is None:
            continue
        if prefix + "/" == DELETE_FROM:
            merged[name] = _merge_primitives(current, [], value, patch.get(SET_ORDER + name))
        elif child.patch_merge_key:
            merged[name] = _merge_items(current, [], child, value, name)
        elif DELETE_FROM + name not in patch:
            merged[name] = _merge_primitives(current, [], [], value)
    return merged


def _without_directives(value: Any) -> Any:
    """A patch value that has nothing to merge with: taken as it is, without directives, nulls and deleted items."""
    if isinstance(value, dict):
        plain = {name: member for name, member in value.items() if not name.startswith("$") and member is not None}
        return (
            {}
            if value.get(DIRECTIVE) == "delete"
            else {name: _without_directives(member) for name, member in plain.items()}
        )
    if isinstance(value, list):
        kept = [item for item in value if not (isinstance(item, dict) and item.get(DIRECTIVE) == "delete")]
        return [
            _without_directives(item) for item in kept if not (isinstance(item, dict) and item.keys() == {DIRECTIVE})
        ]
    return value


def _merge_primitives(current: list[Any], added: list[Any], deleted: list[Any], order: list[Any] | None) -> list[Any]:
    if not all(isinstance(values, list) for values in (added, deleted, order or [])):
        raise bad_request("the values of a list directive must be a list")
    if any(isinstance(value, (dict, list)) for value in (*added, *deleted, *(order or ()))):
        raise bad_request("the items of a list of plain values must be plain values")
    gone = set(deleted)
    kept = [value for value in current if value not in gone]
    there = set(kept)
    fresh = [value for value in dict.fromkeys(added) if value not in there]
    return _ordered({value: value for value in kept + fresh}, added if order is None else order, current)


def _merge_items(current: list[Any], patch: list[Any], node: Node, order: list[Any] | None, field: str) -> list[Any]:
    """Merge the items of a list by its merge key; one item saying `$patch: replace` replaces the whole list."""
    merge_key = node.patch_merge_key
    if not all(isinstance(item, dict) for item in patch):
        raise bad_request(f"the items of {field} must be objects")
    if order is not None and not isinstance(order, list):
        raise bad_request(f"{SET_ORDER}{field} must be a list")
    if any(item.get(DIRECTIVE) == "replace" for item in patch):
        return [_without_directives(item) for item in patch if item.get(DIRECTIVE) is None]
    if not merge_key:
        raise bad_request(f"the items of {field} have no merge key")
    merged = {_key_of(item, merge_key, field): item for item in current}
    for item in patch:
        key = _key_of(item, merge_key, field)
        if item.get(DIRECTIVE) == "delete":
            merged.pop(key, None)
        elif key in merged:
            merged[key] = _merge_object(merged[key], item, node.items)
        else:
            merged[key] = _without_directives(item)
    kept = [_key_of(item, merge_key, field) for item in patch if item.get(DIRECTIVE) != "delete"]
    wanted = kept if order is None else [_key_of(item, merge_key, SET_ORDER + field) for item in order]
    known = set(wanted)
    strangers = [str(key) for key in kept if key not in known]
    if strangers:
        raise bad_request(f"{SET_ORDER}{field} must name every item of its patch; {', '.join(strangers)} missing")
    return _ordered(merged, wanted, [_key_of(item, merge_key, field) for item in current])


def _key_of(item: Any, merge_key: str, field: str) -> Any:
    if not isinstance(item, dict):
        raise bad_request(f"the items of {field} must be objects")
    key = item.get(merge_key)
    if key is None or isinstance(key, (dict, list)):
        raise bad_request(f"map: {item} does not contain declared merge key: {merge_key}")
    return key


def _ordered(values: dict[Any, Any], wanted: list[Any], before: list[Any]) -> list[Any]:
    """`values` in the wanted order; keys that it does not name keep their place among their old neighbours.

    Worked examples: wanted [c, a], before [a, b, c]: b is not named and stood before c, so it comes first: [b, c, a].
    Wanted [new], before [a]: a has no place relative to what was not there, and comes last: [new, a].
    """
    named = deque(key for key in dict.fromkeys(wanted) if key in values)
    taken = set(named)
    others = deque(key for key in values if key not in taken)
    place = {key: index for index, key in enumerate(before)}
    result = []
    while named and others:
        waits = named[0] in place and others[0] in place and place[others[0]] < place[named[0]]
        result.append((others if waits else named).popleft())
    return [values[key] for key in (*result, *named, *others)]
