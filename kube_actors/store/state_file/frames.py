"""Messages on a stream: the length in four bytes, then the value as `marshal` has it. For two processes of the same
interpreter only."""

from __future__ import annotations

import marshal
from collections.abc import Iterator
from typing import Any

_LENGTH = 4


def frame(value: Any) -> bytes:
    """A value of plain tuples, lists, strings, bytes and numbers as it goes over the stream."""
    data = marshal.dumps(value)
    return len(data).to_bytes(_LENGTH, "big") + data


class Frames:
    """Puts together again what came in pieces."""

    def __init__(self) -> None:
        self._received = bytearray()

    def feed(self, data: bytes) -> Iterator[Any]:
        """The values that are complete with this piece."""
        received = self._received
        received += data
        at = 0
        while len(received) - at >= _LENGTH:
            end = at + _LENGTH + int.from_bytes(received[at : at + _LENGTH], "big")
            if end > len(received):
                break
            yield marshal.loads(received[at + _LENGTH : end])
            at = end
        del received[:at]
