"""Kubernetes' protobuf bodies, read into the JSON they stand for. client-go sends them for typed objects.

A body is `k8s\\0` and a `runtime.Unknown`, in which the message of the object lies beside its apiVersion and kind. The
messages are known from `protobuf_facts.json`; fields that are not in it are skipped, as protobuf wants it.
"""

from __future__ import annotations

import base64
import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from kube_actors.api.codecs import json
from kube_actors.api.codecs.protobuf_special import SPECIAL
from kube_actors.api.codecs.protobuf_wire import (
    BYTES,
    FIXED64,
    VARINT,
    Value,
    WireError,
    double,
    fields,
    signed,
    varints,
)
from kube_actors.records import frozen

MAGIC: Final = b"k8s\x00"
MAX_MESSAGE_DEPTH: Final = 100
_FACTS: Final = Path(__file__).with_name("protobuf_facts.json")
_WIRE: Final = {"bool": VARINT, "int32": VARINT, "int64": VARINT, "double": FIXED64}

TypeName = Callable[[str, str], str | None]
Body = dict[str, Any]


@frozen
class Field:
    """A field of a message: its JSON name, its type (of a map, that of the values), and how it is written."""

    name: str
    type: str
    is_map: bool
    repeated: bool
    keeps_zero: bool
    joins_parent: bool

    @classmethod
    def of(cls, name: str, type_: str, flags: str = "") -> Field:
        """From the facts: `["metadata", "meta.v1.ObjectMeta"]`."""
        plain = type_.removeprefix("{}")
        return cls(name, plain, plain != type_, "r" in flags, "p" in flags, "i" in flags)


@frozen
class Default:
    """The kind a body is of when it does not say so."""

    api_version: str
    kind: str


def decode_object(body: bytes, type_name: TypeName, default: Default) -> Body:
    """The object of a request body, with apiVersion and kind.

    `type_name` knows the message of an apiVersion and kind (`core.v1.Pod`); of a kind it does not know only these two
    are answered. ValueError for what is no such body.
    """
    if not body.startswith(MAGIC):
        wanted = " ".join(str(byte) for byte in MAGIC)
        raise ValueError(
            f"provided data does not appear to be a protobuf message, expected prefix [{wanted}]"
            if body
            else "empty data"
        )
    parts = {number: value for number, _, value in fields(body[len(MAGIC) :])}
    meta, raw = parts.get(1, b""), parts.get(2, b"")
    if not isinstance(meta, bytes) or not isinstance(raw, bytes):
        raise WireError("proto: wrong wireType in runtime.Unknown")
    named = {number: _text(value) for number, _, value in fields(meta)}
    api_version = named.get(1) or default.api_version
    kind = named.get(2) or default.kind
    type_ = type_name(api_version, kind)
    content = decode_message(type_, raw) if type_ in _facts() else {}
    return {"apiVersion": api_version, "kind": kind, **content}


def decode_message(type_: str, data: bytes, depth: int = 0) -> Body:
    """One message as the JSON object it stands for. ValueError when it is none; KeyError for an unknown type."""
    if depth > MAX_MESSAGE_DEPTH:
        raise WireError(f"nested deeper than {MAX_MESSAGE_DEPTH} messages")
    known = _fields_of(type_)
    decoded: Body = {}
    for number, wire, value in fields(data):
        field = known.get(number)
        if field is not None:
            _take(decoded, field, wire, value, depth + 1)
    return decoded


def _take(decoded: Body, field: Field, wire: int, value: Value, depth: int) -> None:
    """Put one field's value into the object."""
    if field.is_map:
        key, item = _entry(field, _of_wire(field, wire, value, BYTES), depth)
        decoded.setdefault(field.name, {})[key] = item
    elif field.repeated:
        items = decoded.setdefault(field.name, [])
        if wire == BYTES and _WIRE.get(field.type) == VARINT and isinstance(value, bytes):
            items += [_scalar(field, VARINT, each, depth) for each in varints(value)]
        else:
            items.append(_scalar(field, wire, value, depth))
    elif field.joins_parent:
        decoded.update(decode_message(field.type, _of_wire(field, wire, value, BYTES), depth))
    else:
        found = _scalar(field, wire, value, depth)
        if found is None or (found in ("", 0) and not field.keeps_zero):
            decoded.pop(field.name, None)  # the zero of a plain field means that it is not set
        else:
            decoded[field.name] = found


def _entry(field: Field, data: bytes, depth: int) -> tuple[str, Any]:
    """An entry of a map is a message of key and value; either may be left out when it is zero."""
    key, item, found = "", None, False
    for number, wire, value in fields(data):
        if number == 1:
            key = _text(value)
        elif number == 2:
            item, found = _scalar(field, wire, value, depth), True
    if not found:
        wire = _WIRE.get(field.type, BYTES)
        item = _scalar(field, wire, b"" if wire == BYTES else 0, depth)
    return key, item


def _scalar(field: Field, wire: int, value: Value, depth: int) -> Any:
    """One value of the field's type."""
    match field.type:
        case "string":
            return _text(_of_wire(field, wire, value, BYTES))
        case "bytes":
            return base64.b64encode(_of_wire(field, wire, value, BYTES)).decode()
        case "bool":
            return bool(_number(field, wire, value, VARINT))
        case "int32":
            return signed(_number(field, wire, value, VARINT), 32)
        case "int64":
            return signed(_number(field, wire, value, VARINT), 64)
        case "double":
            number = double(_number(field, wire, value, FIXED64))
            if not math.isfinite(number):
                raise WireError(f"{field.name}: {number} is no number of JSON")
            return number
    data = _of_wire(field, wire, value, BYTES)
    special = SPECIAL.get(field.type)
    if special is None:
        return decode_message(field.type, data, depth)
    return special(data, lambda type_, inner: decode_message(type_, inner, depth))


def _of_wire(field: Field, wire: int, value: Value, expected: int) -> bytes:
    if wire != expected or not isinstance(value, bytes):
        raise WireError(f"proto: wrong wireType = {wire} for field {field.name}")
    return value


def _number(field: Field, wire: int, value: Value, expected: int) -> int:
    if wire != expected or not isinstance(value, int):
        raise WireError(f"proto: wrong wireType = {wire} for field {field.name}")
    return value


def _text(value: Value) -> str:
    if not isinstance(value, bytes):
        raise WireError("proto: a number stands where text is expected")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise WireError("proto: a text is not valid UTF-8") from None


@functools.cache
def _fields_of(type_: str) -> dict[int, Field]:
    return {int(number): Field.of(*facts) for number, facts in _facts()[type_].items()}


@functools.cache
def _facts() -> dict[str, dict[str, list[str]]]:
    facts: dict[str, dict[str, list[str]]] = json.loads_trusted(_FACTS.read_bytes())
    return facts
