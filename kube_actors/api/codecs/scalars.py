"""What an unquoted YAML word means, exactly as Kubernetes reads it.

Kubernetes reads YAML 1.1 booleans (`yes`, `off`, even `y`), octal `0644`, `1_000`, and turns whole floats into integers
on their way through JSON. Dates stay text; base-60 numbers are text.
"""

from __future__ import annotations

import re
from typing import Any, Final

_TRUE: Final = ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")
_FALSE: Final = ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")
_NULL: Final = ("", "~", "null", "Null", "NULL")
_NOT_FINITE: Final = (
    *(".nan", ".NaN", ".NAN"),
    *(f"{sign}{word}" for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")),
)

WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(_TRUE, True),
    **dict.fromkeys(_FALSE, False),
    **dict.fromkeys(_NULL),
}
NOT_FINITE: Final = frozenset(_NOT_FINITE)

_STARTS_NUMBER: Final = frozenset("0123456789+-.")
_INTEGER: Final = re.compile(
    r"([-+]?)(?:(0[xX])([0-9a-fA-F]+)|(0[bB])([01]+)|(0[oO]?)([0-7]+)|(0|[1-9][0-9]*))", re.ASCII
)
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_BASE_60: Final = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?", re.ASCII)
_DATE: Final = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"(?:[Tt][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?(?:Z|[-+][0-9]{2}:[0-9]{2})"
    r"| [0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?)?",
    re.ASCII,
)
# The integers JSON writers agree on; beyond them a number is a float.
_LARGEST_UNSIGNED: Final = (1 << 64) - 1
_SMALLEST_SIGNED: Final = -(1 << 63)


def resolve(text: str) -> Any:
    """The value of a plain scalar: a word, a number or the text itself. ValueError for a number JSON cannot hold."""
    if text in WORDS:
        return WORDS[text]
    if text[0] not in _STARTS_NUMBER:
        return text
    return _number(text)


def is_plain_text(text: str) -> bool:
    """Whether the text, written without quotes, would be read as that text (and not as a date or a base-60 number)."""
    if text in WORDS or text in NOT_FINITE or text == "<<":
        return False
    if text[0] not in _STARTS_NUMBER:
        return True
    try:
        read_as_text = _number(text) is text
    except ValueError:
        return False
    return read_as_text and _DATE.fullmatch(text) is None and _BASE_60.fullmatch(text) is None


def number_key(value: float) -> str:
    """How a float that is a mapping's key is written, shortest form: `1.5`, `1e+21`."""
    return f"{value:.9g}" if float(f"{value:.6g}") != value else f"{value:.6g}"


def _number(text: str) -> Any:
    plain = text.replace("_", "") if text[0] != "." else text
    match = _INTEGER.fullmatch(plain)
    if match is not None:
        value = _integer(match)
        if _SMALLEST_SIGNED <= value <= _LARGEST_UNSIGNED:
            return value
        return _float(plain) if _FLOAT.fullmatch(plain) else text
    if _FLOAT.fullmatch(plain):
        return _float(plain)
    if text in NOT_FINITE:
        raise ValueError(f"{text} is not a number that JSON can hold")
    return text


def _integer(match: re.Match[str]) -> int:
    sign, hexed, hex_digits, binary, binary_digits, octal, octal_digits, decimal = match.groups()
    if hexed:
        value = int(hex_digits, 16)
    elif binary:
        value = int(binary_digits, 2)
    elif octal:
        value = int(octal_digits, 8)
    else:
        value = int(decimal)
    return -value if sign == "-" else value


def _float(text: str) -> Any:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        return text  # beyond a float's range Go leaves the text alone
    return int(value) if value.is_integer() and _SMALLEST_SIGNED <= int(value) <= _LARGEST_UNSIGNED else value
