"""The walk that compares an object with its schema.

One pass over the object, errors in the order of its fields. Paths are kept as linked pairs and spelt out only for an
error, and a value whose Python type settles the matter costs one comparison: a Pod takes some tens of microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from kube_actors.api import base64_text, quantity, times
from kube_actors.api.codecs import json
from kube_actors.api.spelling import is_usual
from kube_actors.api.types import Kind, Node, ObjectType
from kube_actors.errors import Cause

UNKNOWN_FIELD: Final = "UnknownField"
WRONG_TYPE: Final = "FieldValueTypeInvalid"
REQUIRED: Final = "FieldValueRequired"
NOT_SUPPORTED: Final = "FieldValueNotSupported"
INVALID: Final = "FieldValueInvalid"

# A path as (what leads here, last segment); None is the object itself. List indexes are ints; a map's key is a `_Key`.
_Trail = tuple[Any, str | int] | None
_CONTAINERS: Final[Mapping[Kind, type]] = {Kind.OBJECT: dict, Kind.MAP: dict, Kind.LIST: list}
_RANGES: Final = {Kind.INT32: 1 << 31, Kind.INT64: 1 << 63}


class _Key(str):
    """A key of a map, as against the name of a field: paths write it in brackets."""

    __slots__ = ()


class Reading(NamedTuple):
    """What was found in an object.

    `is_usual`: times and quantities are spelt as is usual (`spelling`). `has_nulls`: there are some that do not stand
    for themselves. `gaps` are the structs that lack fields which are always written, each with its type.
    """

    causes: list[Cause]
    is_usual: bool
    has_nulls: bool
    gaps: list[tuple[ObjectType, dict[str, Any]]]


def check(root: Node, body: Any, old: Mapping[str, Any] | None) -> Reading:
    """Every error of `body`, and what else there is to do with it; parts that are identical in `old` are taken to be
    right."""
    walk = _Walk()
    if isinstance(body, dict):
        walk.object(root, body, old, None, True)
    else:
        message = f"json: cannot unmarshal {_json_kind(body)} into Go value of type {root.go_name}"
        walk.causes.append(Cause(WRONG_TYPE, message))
    return Reading(walk.causes, walk.is_usual, walk.has_nulls, walk.gaps)


class _Walk:
    """The walk over one object. `demand` says whether required fields are asked for at this depth."""

    __slots__ = ("causes", "gaps", "has_nulls", "is_usual")

    def __init__(self) -> None:
        self.causes: list[Cause] = []
        self.gaps: list[tuple[ObjectType, dict[str, Any]]] = []
        self.has_nulls = False
        self.is_usual = True

    def object(self, node: Node, value: dict[str, Any], old: Any, trail: _Trail, demand: bool) -> None:
        fields, struct = node.fields, node.object_type
        before = old if isinstance(old, dict) else {}
        is_whole = struct is None or struct.there <= value.keys()
        for key, item in value.items():
            child = fields.get(key)
            if child is None:
                path = _text((trail, key))
                self.causes.append(Cause(UNKNOWN_FIELD, f'unknown field "{path}"', path))
            elif item is None:
                if struct is None or key not in struct.nullable:
                    self.has_nulls, is_whole = True, False
            elif type(item) is not child.sufficient_type:
                earlier = before.get(key)
                if item is not earlier:
                    asked = demand and not (trail is None and key == "status")
                    self.value(child, item, earlier, (trail, key), node, asked)
        if demand:
            self.required(node, value, old, trail)
        if not is_whole and struct is not None:
            self.gaps.append((struct, value))

    def required(self, node: Node, value: dict[str, Any], old: Any, trail: _Trail) -> None:
        """Fields that must be there, unless they were missing before as well.

        A missing `spec` is an empty one, so what is asked for stands inside it.
        """
        object_type = node.object_type
        demanded = object_type.required if object_type is not None else ()
        before = old if isinstance(old, dict) else None
        for key in demanded:
            if value.get(key) is None and (before is None or before.get(key) is not None):
                self.causes.append(Cause(REQUIRED, "Required value", _text((trail, key))))
        spec = node.fields.get("spec") if value.get("spec") is None and "spec" not in demanded else None
        was_there = before is None or before.get("spec") is not None
        if spec is not None and spec.kind is Kind.OBJECT and was_there:
            self.required(spec, {}, None, (trail, "spec"))

    def value(self, node: Node, value: Any, old: Any, trail: _Trail, owner: Node, demand: bool) -> None:
        """One value that is not null; `owner` is the struct it stands in, for messages."""
        kind = node.kind
        if kind is Kind.ANY:
            return
        container = _CONTAINERS.get(kind)
        if container is not None:
            fits = type(value) is container
            if not fits:
                self.wrong_type(node, value, trail, owner)
            elif old is not None and json.identical(old, value):
                return
            elif kind is Kind.OBJECT:
                self.object(node, value, old, trail, demand)
            elif kind is Kind.MAP:
                self.map(node, value, old, trail, owner, demand)
            else:
                self.list(node, value, old, trail, owner, demand)
            return
        trouble = _SCALARS[kind](node, value)
        if trouble is _MISFIT:
            self.wrong_type(node, value, trail, owner)
        elif trouble is not None:
            self.causes.append(Cause(trouble[0], trouble[1], _text(trail)))
        elif not is_usual(kind, value):
            self.is_usual = False

    def map(self, node: Node, value: dict[str, Any], old: Any, trail: _Trail, owner: Node, demand: bool) -> None:
        before = old if isinstance(old, dict) else {}
        items = _items(node)
        for key, item in value.items():
            if item is None:
                self.has_nulls = True
            elif type(item) is not items.sufficient_type:
                self.value(items, item, before.get(key), (trail, _Key(key)), owner, demand)

    def list(self, node: Node, value: list[Any], old: Any, trail: _Trail, owner: Node, demand: bool) -> None:
        before = old if isinstance(old, list) else []
        items = _items(node)
        for index, item in enumerate(value):
            if item is None:
                self.has_nulls = True
                if items.kind is Kind.OBJECT:
                    item = {}  # for Kubernetes an object of which nothing was set
            if item is None or type(item) is items.sufficient_type:
                continue
            previous = before[index] if index < len(before) else None
            if item is not previous:
                self.value(items, item, previous, (trail, index), owner, demand)

    def wrong_type(self, node: Node, value: Any, trail: _Trail, owner: Node) -> None:
        """Go's words for a value that does not fit: the path in them has no indexes and no keys."""
        kind = _json_kind(value)
        if kind == "number" and node.kind in _RANGES:
            kind = f"number {json.dumps(value).decode()}"
        struct = owner.go_name.rpartition(".")[2]
        message = f"json: cannot unmarshal {kind} into Go struct field {struct}.{_field(trail)} of type {node.go_name}"
        self.causes.append(Cause(WRONG_TYPE, message, _text(trail)))


def _items(node: Node) -> Node:
    if node.items is None:
        raise TypeError(f"a {node.kind.value} without items")
    return node.items


# What is wrong with a scalar: (reason, message), `_MISFIT` for another JSON type than the field's, None for nothing.
_Trouble = tuple[str, str] | None
_MISFIT: Final = ("", "")


def _string(node: Node, value: Any) -> _Trouble:
    if type(value) is not str:
        return _MISFIT
    if value and value not in node.enum:  # the empty string is Go's "not set"
        supported = ", ".join(f'"{each}"' for each in node.enum if each)
        return NOT_SUPPORTED, f"Unsupported value: {_quoted(value)}: supported values: {supported}"
    return None


def _integer(node: Node, value: Any) -> _Trouble:
    limit = _RANGES[node.kind]
    return None if type(value) is int and -limit <= value < limit else _MISFIT


def _misfit(_node: Node, _value: Any) -> _Trouble:
    return _MISFIT


def _double(_node: Node, value: Any) -> _Trouble:
    return None if type(value) in (int, float) else _MISFIT


def _quantity(_node: Node, value: Any) -> _Trouble:
    if type(value) is str:
        trouble = quantity.syntax_error(value)
        return None if trouble is None else (WRONG_TYPE, trouble)
    return None if type(value) in (int, float) else (WRONG_TYPE, quantity.FORMAT_WRONG)


def _int_or_string(_node: Node, value: Any) -> _Trouble:
    limit = _RANGES[Kind.INT32]
    return None if type(value) is str or (type(value) is int and -limit <= value < limit) else _MISFIT


def _time(node: Node, value: Any) -> _Trouble:
    if type(value) is not str:
        return _MISFIT
    problem = times.problem_of(value, micro=node.kind is Kind.MICRO_TIME)
    return None if problem is None else (WRONG_TYPE, problem)


def _bytes(_node: Node, value: Any) -> _Trouble:
    if type(value) is not str:
        return _MISFIT
    problem = base64_text.problem(value)
    return None if problem is None else (WRONG_TYPE, problem)


_SCALARS: Final[Mapping[Kind, Callable[[Node, Any], _Trouble]]] = {
    Kind.STRING: _string,
    Kind.BOOL: _misfit,
    Kind.INT32: _integer,
    Kind.INT64: _integer,
    Kind.DOUBLE: _double,
    Kind.QUANTITY: _quantity,
    Kind.INT_OR_STRING: _int_or_string,
    Kind.TIME: _time,
    Kind.MICRO_TIME: _time,
    Kind.BYTES: _bytes,
}


def _json_kind(value: Any) -> str:
    """What Go calls the JSON type of a value."""
    names = {str: "string", bool: "bool", int: "number", float: "number", dict: "object", list: "array"}
    return names.get(type(value), "null")


def _quoted(value: str) -> str:
    return json.dumps(value).decode()


def _segments(trail: _Trail) -> list[str | int]:
    segments: list[str | int] = []
    while trail is not None:
        trail, segment = trail
        segments.append(segment)
    return segments[::-1]


def _text(trail: _Trail) -> str:
    """`spec.containers[0].image`, `metadata.labels[app]`."""
    parts = []
    for segment in _segments(trail):
        bracketed = isinstance(segment, (int, _Key))
        parts.append(f"[{segment}]" if bracketed else f".{segment}")
    return "".join(parts).removeprefix(".")


def _field(trail: _Trail) -> str:
    """`spec.containers.image`: field names only."""
    return ".".join(each for each in _segments(trail) if isinstance(each, str) and not isinstance(each, _Key))
