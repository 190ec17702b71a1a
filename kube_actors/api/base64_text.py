"""Base64 as Kubernetes reads it: with padding, broken over lines or not, and where it goes wrong if it does."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

_LETTERS: Final = re.compile(r"(?:[A-Za-z0-9+/][\r\n]*)*")


def problem(text: str) -> str | None:
    """What is wrong with the text, and at which of its characters; None when it can be read."""
    try:
        base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        return f"illegal base64 data at input byte {_first_wrong(text)}"
    return None


def _first_wrong(text: str) -> int:
    """Letters come in fours; the last four may end in one or two `=`, and then nothing follows."""
    match = _LETTERS.match(text)
    end = match.end() if match is not None else 0
    places = [at for at, letter in enumerate(text[:end]) if letter not in "\r\n"]
    left = len(places) % 4
    if end == len(text):
        return places[-left]  # the last few letters, which are too few
    if text[end] != "=" or left < 2:
        return end
    padding = [at for at in range(end, len(text)) if text[at] not in "\r\n"]
    wanted = 4 - left
    for at in padding[1:wanted]:
        if text[at] != "=":
            return at - 1
    return len(text) if len(padding) < wanted else padding[wanted]
