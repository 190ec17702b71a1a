"""Strategic merge patch: a merge patch that knows from the schema which lists are merged, and by which key.

Directives: `$patch` (`replace`, `delete`) in an object or a list item, `$retainKeys`,
`$deleteFromPrimitiveList/<field>` and `$setElementOrder/<field>`. Pure: nothing given is changed.

What makes no sense is answered as Kubernetes does: with 400 where it foresaw the error, else with 500 and no reason.
"""

from __future__ import annotations

from typing import Any

from kube_actors.api.patches import clone, rejected
from kube_actors.api.restoring import as_go_prints
from kube_actors.api.schema import Schema
from kube_actors.api.strategic_order import SET_ORDER, check_order, expect, mark, ordered, places
from kube_actors.api.types import Node
from kube_actors.errors import ApiError, bad_request, unnamed

DIRECTIVE = "$patch"
RETAIN_KEYS = "$retainKeys"
DELETE_FROM = "$deleteFromPrimitiveList"
BAD_FORMAT = {DELETE_FROM: "primitive list", SET_ORDER: "setElementOrder list", RETAIN_KEYS: "retainKeys"}

Body = dict[str, Any]


def strategic_merge_patch(body: Body, patch: Any, schema: Schema) -> Body:
    """The body with the patch merged in; ApiError when the patch or one of its directives makes no sense."""
    if not isinstance(patch, dict):
        raise bad_request("a strategic merge patch must be an object")
    return _merge_object(body, patch, schema.root)


def _merge_object(original: Body, patch: Body, node: Node | None) -> Body:
    if DIRECTIVE in patch:
        return _directed(patch, patch[DIRECTIVE])
    merged = _retained(original, patch)
    rest = {name: value for name, value in patch.items() if name != RETAIN_KEYS}
    for name in [name for name in rest if name.startswith(SET_ORDER)]:
        _order_list(merged, rest, name, node)
    for name, value in rest.items():
        deletes = name.startswith(DELETE_FROM)
        field = _field_of(name, DELETE_FROM) if deletes else name
        if value is None:
            merged.pop(field, None)
        elif type(merged.get(field)) is type(value):
            merged[field] = _merge_member(merged[field], value, _child(node, field), deletes=deletes)
        elif not deletes:
            _take(merged, field, value)
    return merged


def _directed(patch: Body, directive: Any) -> Body:
    """What an object becomes that is not to be merged."""
    if directive == "replace":
        return {name: clone(value) for name, value in patch.items() if name != DIRECTIVE}
    if directive == "delete":
        return {}
    raise _unknown(directive, patch)


def _unknown(directive: Any, patch: Body) -> ApiError:
    return unnamed(f"unknown patch type: {as_go_prints(directive)} in map: {as_go_prints(patch)}")


def _bad_format(directive: str) -> ApiError:
    return bad_request(f"invalid patch format of {BAD_FORMAT[directive]}")


def _child(node: Node | None, name: str) -> Node | None:
    return None if node is None else node.child(name)


def _field_of(name: str, directive: str) -> str:
    """`containers` of `$setElementOrder/containers`."""
    prefix, slash, field = name.partition("/")
    if prefix != directive or not slash:
        raise _bad_format(directive)
    return field


def _retained(original: Body, patch: Body) -> Body:
    """A copy of the original, cleared of what `$retainKeys` does not name."""
    if RETAIN_KEYS not in patch:
        return dict(original)
    keys = patch[RETAIN_KEYS]
    given = [
        name for name, value in patch.items() if value is not None and not name.startswith((DELETE_FROM, SET_ORDER))
    ]
    if not isinstance(keys, list) or any(name not in keys for name in given if name != RETAIN_KEYS):
        raise _bad_format(RETAIN_KEYS)
    return {name: value for name, value in original.items() if name in keys}


def _take(merged: Body, field: str, value: Any) -> None:
    """A value that has nothing to merge with: taken as it is, without nulls and without what has a directive."""
    if _is_directed(value):
        merged.pop(field, None)
    else:
        merged[field] = _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: each for name, each in value.items() if each is not None and not _is_directed(each)}
        return {name: _plain(each) for name, each in kept.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value if not _is_directed(each)]
    return value


def _is_directed(value: Any) -> bool:
    return isinstance(value, dict) and DIRECTIVE in value


def _merge_member(current: Any, value: Any, node: Node | None, *, deletes: bool) -> Any:
    """The new value of a field whose old value is of the same type. `deletes`: the value lists what is to go."""
    strategies = node.patch_strategies if node is not None else frozenset()
    if isinstance(value, dict):
        return clone(value) if "replace" in strategies else _merge_object(current, value, node)
    if isinstance(value, list) and (deletes or "merge" in strategies):
        return _merge_list(current, value, node, deletes=deletes)
    return clone(value)


def _merge_list(current: list[Any], patch: list[Any], node: Node | None, *, deletes: bool = False) -> list[Any]:
    if not current and not patch:
        return current
    if _element_type(current, patch) is not dict:
        return _merge_values(current, patch, deletes=deletes)
    key = node.patch_merge_key if node is not None else ""
    if not key:
        raise unnamed("cannot merge lists without merge key")
    kept, added = _directed_items(current, patch, key)
    return ordered(_merge_items(kept, added, key, node), added, kept, key)


def _merge_values(current: list[Any], patch: list[Any], *, deletes: bool) -> list[Any]:
    named = places(patch, "")
    if deletes:
        return [each for each in current if mark(each, "") not in named]
    both = [*current, *patch]
    return ordered([both[index] for index in places(both, "").values()], patch, current, "")


def _element_type(*lists: list[Any]) -> type:
    """What the items of both lists are."""
    found = {type(item) for items in lists for item in items}
    if list in found:
        raise rejected("lists of lists are not supported")
    if len(found) > 1:
        raise unnamed("list element types are not identical")
    return next(iter(found))


def _directed_items(current: list[Any], patch: list[Any], key: str) -> tuple[list[Any], list[Any]]:
    """What is left of the current items, and what is to be merged into them; one item may replace them all."""
    added, deleted, replaces = [], set(), False
    for item in patch:
        match item.get(DIRECTIVE, ""):
            case "" if DIRECTIVE not in item:
                added.append(item)
            case "delete":
                deleted.add(mark(item, key))
            case "replace":
                replaces = True
            case "merge":
                raise unnamed("merging lists cannot yet be specified in the patch")
            case other:
                raise _unknown(other, item)
    if replaces:
        return added, []
    return [each for each in current if mark(each, key) not in deleted] if deleted else current, added


def _merge_items(current: list[Any], patch: list[Any], key: str, node: Node | None) -> list[Any]:
    merged, known = list(current), places(current, key)
    for item in patch:
        name = mark(item, key)
        if name in known:
            at = known[name]
            merged[at] = _merge_object(merged[at], item, node.items if node is not None else None)
        else:
            known[name] = len(merged)
            merged.append(_plain(item))
    return merged


def _order_list(merged: Body, rest: Body, name: str, node: Node | None) -> None:
    """Merge a list whose order the patch gives, and put it into that order; the patch then says no more of it."""
    field, wanted = _field_of(name, SET_ORDER), rest.pop(name)
    before, patch, child = merged.get(field, []), rest.get(field, []), _child(node, field)
    for each in (wanted, before, patch):
        expect(list, each)
    key = child.patch_merge_key if child is not None else ""
    check_order(patch, wanted, key)
    if field in merged:
        patched = _merge_member(before, patch, child, deletes=False) if field in rest else before
    elif field in rest:
        patched = _plain(patch)
    else:
        return
    merged[field] = ordered(patched, wanted, before, key)
    rest.pop(field, None)
