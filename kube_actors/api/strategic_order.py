"""The order of a list after a strategic merge patch: what it says goes first, what was there keeps its neighbours.

Items are plain values or, where `key` is not empty, objects that are told apart by their field of that name. Two items
may have the same key (a port number, once for TCP and once for UDP): both stay.
"""

from __future__ import annotations

from typing import Any

from kube_actors.api.restoring import as_go_prints
from kube_actors.errors import unnamed

Items = list[Any]
Mark = tuple[type, Any]
SET_ORDER = "$setElementOrder"

_GO_TYPES = {
    dict: "map[string]interface {}",
    list: "[]interface {}",
    str: "string",
    bool: "bool",
    int: "int64",
    float: "float64",
}


def expect(type_: type, value: Any) -> None:
    """500 for a value of another type."""
    if not isinstance(value, type_):
        given = _GO_TYPES.get(type(value), "<nil>")
        raise unnamed(f"expected a {_GO_TYPES[type_]}, but received a {given}")


def mark(item: Any, key: str) -> Mark:
    """What tells an item from others: itself, or its field `key`; 500 when it has none.

    As in Go, a number is not true and a text is not a number.
    """
    if key:
        expect(dict, item)
        if key not in item:
            raise unnamed(f"map: {as_go_prints(item)} does not contain declared merge key: {key}")
        item = item[key]
    return type(item), as_go_prints(item) if isinstance(item, (dict, list)) else item


def places(items: Items, key: str) -> dict[Mark, int]:
    """Where the first item of each kind stands."""
    found: dict[Mark, int] = {}
    for index, item in enumerate(items):
        found.setdefault(mark(item, key), index)
    return found


def ordered(merged: Items, wanted: Items, before: Items, key: str) -> Items:
    """The items of `merged` with those of `wanted` in its order; the others keep their place among old neighbours.

    Worked examples: wanted [c, a], before [a, b, c]: b is not named and stood before c, so it comes first: [b, c, a].
    Wanted [new], before [a]: a has no place relative to what was not there, and comes last: [new, a].
    """
    asked, known = places(wanted, key), places(before, key)
    marked = [(mark(item, key), item) for item in merged]
    named = sorted((each for each in marked if each[0] in asked), key=lambda each: asked[each[0]])
    others = sorted((each for each in marked if each[0] not in asked), key=lambda each: known.get(each[0], -1))
    result, at = [], 0
    for name, item in named:
        while at < len(others) and known.get(others[at][0], len(before)) < known.get(name, -1):
            result.append(others[at][1])
            at += 1
        result.append(item)
    return [*result, *(item for _, item in others[at:])]


def check_order(patch: Items, wanted: Items, key: str) -> None:
    """500 when the order does not name every item of the patch, or puts two of them the other way round."""
    if not patch or not wanted:
        return
    left = iter([mark(item, key) for item in patch if not (isinstance(item, dict) and "$patch" in item)])
    coming = next(left, None)
    for each in wanted:
        if coming is not None and mark(each, key) == coming:
            coming = next(left, None)
    if coming is not None:
        shown = as_go_prints(patch), as_go_prints(wanted)
        raise unnamed(f"the order in patch list:\n{shown[0]}\n doesn't match {SET_ORDER} list:\n{shown[1]}")
