"""Lists and maps of which every item has rules, and of which there may not be too many."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from kube_actors.errors import Cause
from kube_actors.kinds import causes

ItemRules = Callable[[Any, str], list[Cause]]


def items_rules(
    items: Sequence[Any] | None,
    field: str,
    rules: ItemRules,
    most: int | None = None,
    key: Callable[[Any], Hashable] | None = None,
) -> list[Cause]:
    """Each item at its index, by its rules. Of too many, none is looked at; with `key`, items are told apart by it."""
    items = items or ()
    if most is not None and len(items) > most:
        return [causes.too_many(field, len(items), most)]
    found = [cause for index, item in enumerate(items) for cause in rules(item, f"{field}[{index}]")]
    taken: set[Hashable] = set()
    for index, item in enumerate(items if key is not None else ()):
        known = key(item) if key is not None else None
        if known in taken:
            found.append(causes.duplicate(f"{field}[{index}]", known))
        taken.add(known)
    return found


def map_rules(
    values: Mapping[str, Any] | None, field: str, key_rules: ItemRules, rules: ItemRules, most: int | None = None
) -> list[Cause]:
    """Each key by its rules, told of the whole map, and each value at its key."""
    values = values or {}
    if most is not None and len(values) > most:
        return [causes.too_many(field, len(values), most)]
    return [
        cause for key, value in values.items() for cause in (*key_rules(key, field), *rules(value, f"{field}[{key}]"))
    ]


def no_rules(_value: Any, _field: str) -> list[Cause]:
    """Anything goes."""
    return []
