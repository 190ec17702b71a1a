"""`--trace FILE`: every message of a cluster as a line of JSON.

The lines follow from the file and the seed alone: no machine time, pid, address of an object or temporary path is in
them, and sets are sorted, whatever PYTHONHASHSEED says.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO, Final

import attrs

from kube_actors.api.codecs import json
from kube_actors.api.times import rfc3339_micro
from kube_actors.errors import InputError, Problem
from kube_actors.kernel import Ref, TraceRecord
from kube_actors.store import Revision

_STATE: Final = "$STATE"
_BUFFER: Final = 1 << 20
Json = Any


class TraceWriter:
    """Writes records to a stream; paths below the state directory `root` are written as `$STATE/…`."""

    def __init__(self, stream: BinaryIO, root: Path) -> None:
        self._stream = stream
        self._root = str(root)

    def write(self, record: TraceRecord) -> None:
        """One line."""
        line = {
            "time": rfc3339_micro(record.time),
            "from": record.sender,
            "to": record.receiver,
            "kind": record.kind.value,
            "message": self.plain(record.message),
        }
        self._stream.write(json.dumps_line(line))

    def plain(self, value: Any) -> Json:
        """A message, or a part of one, as JSON."""
        match value:
            case None | bool() | int():
                return value
            case Enum():
                return value.name
            case float():
                return value if math.isfinite(value) else str(value)
            case str():
                return self._text(value)
            case bytes():
                return self._text(value.decode(errors="backslashreplace"))
            case Path():
                return self._text(str(value))
            case Revision():
                return f"{'/'.join(value.key)}@{value.resource_version}"
            case Ref():
                return value.path
            case BaseException():
                return {"error": type(value).__name__, "message": self._text(str(value))}
            case Mapping():
                return {self._text(str(key)): self.plain(item) for key, item in value.items()}
            case tuple() if hasattr(value, "_fields"):
                return {name: self.plain(item) for name, item in zip(value._fields, value, strict=True)}
            case set() | frozenset():
                return sorted((self.plain(item) for item in value), key=json.dumps)
            case tuple() | list():
                return [self.plain(item) for item in value]
        return self._object(value)

    def _object(self, value: Any) -> Json:
        kind = type(value)
        if not attrs.has(kind):
            return {"type": kind.__name__}
        fields = {each.name: self.plain(getattr(value, each.name)) for each in attrs.fields(kind) if each.repr}
        return {"type": kind.__name__, **fields}

    def _text(self, text: str) -> str:
        return text.replace(self._root, _STATE).encode(errors="backslashreplace").decode()


@contextmanager
def trace_file(path: str) -> Iterator[BinaryIO]:
    """The file, private and opened before anything starts. InputError when it cannot be written."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InputError([Problem(f"the trace cannot be written: {error.strerror}", file=path)]) from error
    with open(descriptor, "wb", buffering=_BUFFER) as stream:
        yield stream
