"""Numbers that may be written as percentages: `maxSurge`, `maxUnavailable`, `minAvailable`."""

from __future__ import annotations

from typing import Any

from kube_actors.api.intstr import is_percent, resolve_int_or_percent
from kube_actors.errors import Cause
from kube_actors.kinds import causes

PERCENT_FORM = (
    "a valid percent string must be a numeric string followed by an ending '%' "
    "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
)


def amount_rules(field: str, value: Any, *, may_be_zero: bool = True, at_most_all: bool = True) -> list[Cause]:
    """A number or a percentage: not negative, and not more than everything."""
    if isinstance(value, int):
        if value < 0:
            return [causes.invalid(field, value, "must be greater than or equal to 0")]
    elif not is_percent(value) or value.startswith(("-", "+")):
        return [causes.invalid(field, value, PERCENT_FORM)]
    if at_most_all and (found := all_rules(field, value)):
        return found
    if not may_be_zero and is_zero(value):
        return [causes.invalid(field, value, "cannot be 0")]
    return []


def all_rules(field: str, value: Any) -> list[Cause]:
    """Not more than everything."""
    if is_percent(value) and int(str(value)[:-1]) > 100:
        return [causes.invalid(field, value, "must not be greater than 100%")]
    return []


def is_zero(value: int | str) -> bool:
    """Whether it is nothing of anything."""
    return resolve_int_or_percent(value, 100, round_up=True) == 0
