"""One spelling for what can be written in several ways: times and quantities, as Kubernetes writes them back.

`2026-01-01T02:00:00.5+02:00` is `2026-01-01T00:00:00Z`, a `MicroTime` has six digits, and `0.5` of a processor is
`500m`. Which places of an object hold such values is known from its type; the rest is not looked at.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

from kube_actors.api.quantity import Quantity
from kube_actors.api.times import parse_rfc3339, rfc3339, rfc3339_micro
from kube_actors.api.types import Kind, Node, ObjectType

_TIME_LENGTH: Final = len("2026-01-01T00:00:00Z")
_MICRO_TIME_LENGTH: Final = len("2026-01-01T00:00:00.000000Z")
_REMEMBERED: Final = 4096


def is_usual(kind: Kind, value: Any) -> bool:
    """Whether a value, valid for its kind, needs no other spelling."""
    write = _WRITERS.get(kind)
    return write is None or write(value) == value


def spell(node: Node, value: Any) -> Any:
    """The value as Kubernetes spells it; what is inside it is changed in place. It must be valid for its place."""
    write = _WRITERS.get(node.kind)
    if write is not None:
        return write(value)
    if type(value) is dict:
        if node.object_type is not None:
            for name, child in _fields(node.object_type):
                if name in value:
                    value[name] = spell(child, value[name])
        elif node.items is not None and _matters(node.items):
            for name, item in value.items():
                value[name] = spell(node.items, item)
    elif type(value) is list and node.items is not None and _matters(node.items):
        value[:] = [spell(node.items, item) for item in value]
    return value


@functools.cache
def _fields(struct: ObjectType) -> tuple[tuple[str, Node], ...]:
    """The fields to look at."""
    return tuple((name, node) for name, node in struct.fields.items() if _matters(node))


@functools.cache
def _matters(node: Node) -> bool:
    """Whether there can be a time or a quantity somewhere in it."""
    if node.kind in _WRITERS:
        return True
    if node.kind is Kind.OBJECT and node.object_type is not None:
        return _struct_matters(node.object_type)
    return node.items is not None and node.items is not node and _matters(node.items)


@functools.cache
def _struct_matters(struct: ObjectType) -> bool:
    """By everything that can be reached from it: structs may contain themselves."""
    met, waiting = {struct}, [struct]
    while waiting:
        for node in waiting.pop().fields.values():
            end = node
            while end.kind not in _WRITERS and end.items is not None and end.items is not end:
                end = end.items
            if end.kind in _WRITERS:
                return True
            below = end.object_type if end.kind is Kind.OBJECT else None
            if below is not None and below not in met:
                met.add(below)
                waiting.append(below)
    return False


def _time(value: Any) -> Any:
    if type(value) is not str or (len(value) == _TIME_LENGTH and value[-1] == "Z"):
        return value
    return rfc3339(parse_rfc3339(value))


def _micro_time(value: Any) -> Any:
    if type(value) is not str or (len(value) == _MICRO_TIME_LENGTH and value[-1] == "Z"):
        return value
    return rfc3339_micro(parse_rfc3339(value))


@functools.lru_cache(maxsize=_REMEMBERED, typed=True)
def _quantity(value: Any) -> Any:
    return str(Quantity.parse(value)) if isinstance(value, (str, int, float)) else value


_WRITERS: Final[Mapping[Kind, Callable[[Any], Any]]] = {
    Kind.TIME: _time,
    Kind.MICRO_TIME: _micro_time,
    Kind.QUANTITY: _quantity,
}
