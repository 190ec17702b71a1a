"""Fields that take a number or a percentage (`maxSurge: 25%`) or a number or a name (`port: http`)."""

from __future__ import annotations

import re
from typing import Final

_PERCENT: Final = re.compile(r"[+-]?[0-9]+%", re.ASCII)


def resolve_int_or_percent(value: int | str, total: int, round_up: bool) -> int:
    """The number itself, or that share of `total`, rounded up or down.

    `resolve_int_or_percent("25%", 10, round_up=True)` is 3. ValueError for a string that is no percentage.
    """
    if isinstance(value, int):
        return value
    if _PERCENT.fullmatch(value) is None:
        raise ValueError(f'invalid value for IntOrString: invalid type: string is not a percentage: "{value}"')
    share = int(value[:-1]) * total
    return -(-share // 100) if round_up else share // 100


def is_percent(value: int | str) -> bool:
    """Whether the value is written as a percentage that `resolve_int_or_percent` reads."""
    return isinstance(value, str) and _PERCENT.fullmatch(value) is not None
