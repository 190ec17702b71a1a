"""Text from elsewhere, made harmless for a terminal, and words that were nearly right."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

# C0 and C1 controls, DEL; marks that reorder or hide what follows; line separators; halves of surrogate pairs.
_HARMFUL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_NAMES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1b": "\\e"}


def visible(text: str, *, keep: str = "\n\t") -> str:
    """`text` with every character that would steer a terminal written out (`\\e[31m`); those in `keep` stay."""
    return _HARMFUL.sub(lambda match: match[0] if match[0] in keep else _spelt(match[0]), text)


def counted(number: int, noun: str) -> str:
    """`1 node`, `2 nodes`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def one_line(text: str) -> str:
    """The same for a name or a message that must stay on its line."""
    return visible(text, keep="")


def _spelt(character: str) -> str:
    code = ord(character)
    return _NAMES.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant; None when none is near. Case does not matter."""
    by_lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[near[0]] if near else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The same as a hint: `did you mean "replicas"?`."""
    near = nearest(word, known)
    return None if near is None else f'did you mean "{near}"?'
