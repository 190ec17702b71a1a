"""What messages of protobuf are put together from, in the manner of gnostic: maps are lists of named values, and what
is free in form is a text in YAML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from kube_actors.api.codecs import json

Body = Mapping[str, Any]
_EXTENSIONS: Final = "x-"


def extensions(number: int, holder: Body) -> bytes:
    """What begins with `x-`, its values as YAML."""
    found = ((name, value) for name, value in holder.items() if name.startswith(_EXTENSIONS))
    return b"".join(named(number, name, text(2, as_yaml(value))) for name, value in found)


def as_yaml(value: Any) -> str:
    """JSON is YAML."""
    return json.dumps(value).decode() + "\n"


def named(number: int, name: str, value: bytes) -> bytes:
    """An entry of a map: its name and its value."""
    return message(number, text(1, name), message(2, value))


def texts(number: int, values: Iterable[str]) -> bytes:
    """A list of texts."""
    return b"".join(text(number, each) for each in values)


def text(number: int, value: str) -> bytes:
    """A text under a field's number."""
    return message(number, value.encode())


def message(number: int, *parts: bytes) -> bytes:
    """Something of a length: a message, or a text."""
    return b"".join((_varint(number << 3 | 2), _varint(sum(map(len, parts))), *parts))


def flag(number: int, value: bool) -> bytes:
    """A boolean; what is false is left out."""
    return _varint(number << 3) + b"\x01" if value else b""


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)
