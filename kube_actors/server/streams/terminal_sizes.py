"""Sizes of a terminal as clients send them: JSON objects `{"Width": 80, "Height": 24}`, one behind the other."""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

LARGEST: Final = 4096
_LARGEST_SIDE: Final = 65535
_DECODER: Final = json.JSONDecoder()


class TerminalSize(NamedTuple):
    """Rows and columns of characters."""

    rows: int
    columns: int


class SizeReader:
    """Bytes in, sizes out. What is no size is passed over, and no more than LARGEST bytes are kept of it."""

    def __init__(self) -> None:
        self._text = ""

    def feed(self, data: bytes) -> list[TerminalSize]:
        """The sizes completed by this data."""
        self._text += data.decode("ascii", "replace")
        sizes = []
        while self._text:
            self._text = self._text.lstrip()
            try:
                value, end = _DECODER.raw_decode(self._text)
            except (ValueError, RecursionError):
                if len(self._text) > LARGEST:
                    self._text = ""
                break
            self._text = self._text[end:]
            if (size := _size_of(value)) is not None:
                sizes.append(size)
        return sizes


def _size_of(value: Any) -> TerminalSize | None:
    if not isinstance(value, dict):
        return None
    rows, columns = value.get("Height"), value.get("Width")
    if not isinstance(rows, int) or not isinstance(columns, int):
        return None
    if not 0 < rows <= _LARGEST_SIDE or not 0 < columns <= _LARGEST_SIDE:
        return None
    return TerminalSize(rows, columns)
