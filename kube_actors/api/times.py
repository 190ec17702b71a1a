"""RFC 3339 times as Kubernetes writes them, against epoch seconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

_RFC3339: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)


# The common form, for which there is nothing to compute: UTC, and a day that every month has.
_PLAINLY_RIGHT: Final = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?Z", re.ASCII
)
_MICRO: Final = re.compile(r"[^.,]*[.,]\d{6}(?:Z|[+-].*)", re.ASCII)


def rfc3339(epoch: float) -> str:
    """`metav1.Time`: whole seconds in UTC, cut off as Kubernetes does: `2026-01-02T03:04:05Z`."""
    return _rfc3339(int(epoch // 1))


@lru_cache(maxsize=1024)
def _rfc3339(epoch: int) -> str:
    """Most times of a running cluster are now, or those of the objects just looked at."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_micro(epoch: float) -> str:
    """`metav1.MicroTime`: always six digits: `2026-01-02T03:04:05.000006Z`."""
    microseconds = round(epoch * 1_000_000)
    seconds, rest = divmod(microseconds, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{rest:06d}Z"


@lru_cache(maxsize=4096)
def parse_rfc3339(text: str) -> float:
    """Epoch seconds of a time with any zone offset and any number of decimals (kept to the microsecond).

    ValueError says what is wrong in the words of Go's parser.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(_unreadable(text))
    year, month, day, hour, minute, second, decimals, sign, off_hours, off_minutes = match.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError:
        raise ValueError(_unreadable(text)) from None
    offset = 0
    if sign is not None:
        if int(off_hours) > 23 or int(off_minutes) > 59:
            raise ValueError(_unreadable(text))
        offset = (int(off_hours) * 60 + int(off_minutes)) * 60 * (-1 if sign == "-" else 1)
    whole = int(moment.timestamp()) - offset
    return whole + int((decimals or "0")[:6].ljust(6, "0")) / 1_000_000


def is_rfc3339(text: str) -> bool:
    """Whether `parse_rfc3339` reads it."""
    if _PLAINLY_RIGHT.fullmatch(text):
        return text[:4] != "0000"
    try:
        parse_rfc3339(text)
    except ValueError:
        return False
    return True


def problem_of(text: str, *, micro: bool = False) -> str | None:
    """What Go's parser says of a text that is no `metav1.Time`, or with `micro` no `metav1.MicroTime`, which has six
    decimals, neither more nor fewer; None when nothing is wrong with it."""
    if is_rfc3339(text) and not (micro and _MICRO.fullmatch(text) is None):
        return None
    return _unreadable(text, micro=micro)


def _unreadable(text: str, *, micro: bool = False) -> str:
    from kube_actors.api.time_problems import unreadable  # most times are right

    return unreadable(text, micro=micro)
