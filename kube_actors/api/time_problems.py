"""What is wrong with a text that is no time, in the words of Go's parser. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

# The parts of a time by the names that they have in Go's layouts, and what is to stand there.
_ZONE: Final = ("Z07:00", re.compile(r"Z|[+-]\d\d:\d\d", re.ASCII))
_DECIMALS: Final = (".000000", re.compile(r"[.,]\d{6}", re.ASCII))
_PARTS: Final = (
    ("2006", re.compile(r"\d{4}", re.ASCII)),
    ("-", re.compile("-")),
    ("01", re.compile(r"\d\d", re.ASCII)),
    ("-", re.compile("-")),
    ("02", re.compile(r"\d\d", re.ASCII)),
    ("T", re.compile("T")),
    ("15", re.compile(r"\d\d", re.ASCII)),
    (":", re.compile(":")),
    ("04", re.compile(r"\d\d", re.ASCII)),
    (":", re.compile(":")),
)
_SECONDS: Final = ("05", re.compile(r"\d\d(?:[.,]\d+)?", re.ASCII))
_WHOLE_SECONDS: Final = ("05", re.compile(r"\d\d", re.ASCII))
_RANGES: Final = {"01": ("month", 1, 12), "15": ("hour", 0, 23), "04": ("minute", 0, 59), "05": ("second", 0, 59)}


def unreadable(text: str, *, micro: bool = False) -> str:
    """The first part that is not what the layout has in its place, or is out of its range; with `micro` of a
    `metav1.MicroTime`."""
    parts = (*_PARTS, *((_WHOLE_SECONDS, _DECIMALS) if micro else (_SECONDS,)), _ZONE)
    layout = "".join(name for name, _ in parts)
    at = 0
    for name, pattern in parts:
        match = pattern.match(text, at)
        if match is None:
            return f'parsing time {_quoted(text)} as "{layout}": cannot parse {_quoted(text[at:])} as "{name}"'
        what, least, most = _RANGES.get(name, ("", 0, 0))
        if what and not least <= int(match[0][:2]) <= most:
            return f"parsing time {_quoted(text)}: {what} out of range"
        at = match.end()
    if at < len(text):
        return f"parsing time {_quoted(text)}: extra text: {_quoted(text[at:])}"
    return f"parsing time {_quoted(text)}: {_out_of_range(text)} out of range"


def _out_of_range(text: str) -> str:
    """What is wrong with a time that has the right form: the day, or its zone."""
    try:
        datetime.fromisoformat(text[:10])
    except ValueError:
        return "day"
    return "time zone offset " + ("hour" if int(text[-5:-3]) > 23 else "minute")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
