"""The bytes of protobuf messages, without a word of Kubernetes: fields by number and wire type."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
START_GROUP: Final = 3
END_GROUP: Final = 4
FIXED32: Final = 5
_MAX_VARINT_BYTES: Final = 10
_MAX_GROUP_DEPTH: Final = 64

Value = int | bytes


class WireError(ValueError):
    """These bytes are no protobuf message."""


def fields(data: bytes) -> Iterator[tuple[int, int, Value]]:
    """(number, wire type, value) of each field in turn; groups, which nobody sends, are skipped. WireError."""
    at, end = 0, len(data)
    while at < end:
        key, at = varint(data, at)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise WireError("proto: illegal tag 0 (wire type 0)")
        if wire == START_GROUP:
            at = _after_group(data, at, 1)
            continue
        value, at = _value(data, at, wire)
        yield number, wire, value


def varint(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned number of up to 64 bits and where it ends."""
    result = shift = 0
    for index in range(at, min(at + _MAX_VARINT_BYTES, len(data))):
        byte = data[index]
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result & 0xFFFFFFFFFFFFFFFF, index + 1
        shift += 7
    if len(data) - at >= _MAX_VARINT_BYTES:
        raise WireError("proto: integer overflow")
    raise WireError("unexpected EOF")


def signed(value: int, bits: int) -> int:
    """The two's complement number in the lowest `bits` bits."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def varints(data: bytes) -> Iterator[int]:
    """The numbers of a packed field."""
    at = 0
    while at < len(data):
        value, at = varint(data, at)
        yield value


def double(value: int) -> float:
    """The number whose eight bytes were read as an integer."""
    number: float = struct.unpack("<d", struct.pack("<Q", value))[0]
    return number


def _value(data: bytes, at: int, wire: int) -> tuple[Value, int]:
    if wire == VARINT:
        return varint(data, at)
    if wire == BYTES:
        size, at = varint(data, at)
        if size > len(data) - at:
            raise WireError("unexpected EOF")
        return data[at : at + size], at + size
    if wire in (FIXED64, FIXED32):
        size = 8 if wire == FIXED64 else 4
        if size > len(data) - at:
            raise WireError("unexpected EOF")
        return int.from_bytes(data[at : at + size], "little"), at + size
    raise WireError(f"proto: illegal wireType {wire}")


def _after_group(data: bytes, at: int, depth: int) -> int:
    """Where the group that begins before `at` ends."""
    if depth > _MAX_GROUP_DEPTH:
        raise WireError("proto: groups are nested too deep")
    while True:
        key, at = varint(data, at)
        wire = key & 7
        if wire == END_GROUP:
            return at
        at = _after_group(data, at, depth + 1) if wire == START_GROUP else _value(data, at, wire)[1]
