"""CRI log records, and how they become the lines that were printed. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Record(NamedTuple):
    """One line of a log file. `whole` is False (tag `P`) for a part whose line goes on."""

    time: bytes
    stream: bytes
    whole: bool
    text: bytes


def parse_record(line: bytes) -> Record | None:
    """`<time> <stream> <F|P[:more tags]> <text>`; None for what is no record (a file damaged by a full disk)."""
    fields = line.split(b" ", 3)
    if len(fields) < 3 or fields[1] not in (b"stdout", b"stderr"):
        return None
    text = fields[3] if len(fields) == 4 else b""
    return Record(fields[0], fields[1], fields[2].partition(b":")[0] != b"P", text)


class LineJoiner:
    """Puts parts of a line together as they come. Where the other stream speaks in the middle of a line, it begins a
    line of its own, and what was interrupted goes on in the next."""

    def __init__(self, prefix: bytes, timestamps: bool, stream: str | None) -> None:
        self._prefix = prefix
        self._timestamps = timestamps
        self._only = stream.encode() if stream else None
        self._line_of: bytes | None = None

    def join(self, record: Record) -> bytes:
        """What this record adds to the output."""
        if self._only is not None and record.stream != self._only:
            return b""
        pieces: list[bytes] = []
        if self._line_of != record.stream:
            if self._line_of is not None:
                pieces.append(b"\n")
            pieces.append(self._prefix)
            if self._timestamps:
                pieces += (record.time, b" ")
        pieces.append(record.text)
        if record.whole:
            pieces.append(b"\n")
        self._line_of = None if record.whole else record.stream
        return b"".join(pieces)


class TailCounter:
    """Counts whole lines backwards: told the tags of records from the last one to the first, it says where to stop."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._lines = 0
        self._seen = False

    def belongs(self, record: Record | None) -> bool:
        """Whether the record before those counted so far is still one of the wanted lines'."""
        if record is None:
            return self._lines <= self._wanted
        begins_line = record.whole or not self._seen  # the last line counts though it has not ended
        self._seen = True
        self._lines += begins_line
        return self._lines <= self._wanted
