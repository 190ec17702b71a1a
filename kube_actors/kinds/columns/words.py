"""The words of `kubectl get`: durations as people read them, lists cut short, selectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kube_actors.api.selectors import LabelSelector, SelectorError
from kube_actors.api.times import parse_rfc3339

# A cell is sent as JSON: numbers and truth values as such, everything else as text.
Cell = str | int | bool
Row = tuple[Cell, ...]


def human_duration(seconds: float) -> str:
    """A duration in at most two units, coarser the longer it is: `90s`, `4m3s`, `47m`, `3h12m`, `20h`, `99d`."""
    total = int(seconds)
    if total < -1:
        return "<invalid>"
    if total < 0:
        return "0s"
    if total < 120:
        return f"{total}s"
    minutes = total // 60
    if minutes < 10:
        return _two(minutes, "m", total % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    hours = total // 3600
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    days = hours // 24
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    if days < 365 * 2:
        return f"{days}d"
    if days < 365 * 8:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def since(time: str | None, now: float) -> str:
    """How long ago an RFC 3339 time was; `<unknown>` when there is none."""
    return human_duration(now - parse_rfc3339(time)) if time else "<unknown>"


def age(body: Mapping[str, Any], now: float) -> str:
    """How long the object has been there."""
    return since(body["metadata"].get("creationTimestamp"), now)


def listed(values: Iterable[str]) -> str:
    """`a,b`, or `<none>`."""
    return ",".join(values) or "<none>"


def labels_text(labels: Mapping[str, str] | None) -> str:
    """`a=b,c=d` in the order of the keys, or `<none>`."""
    return listed(f"{key}={value}" for key, value in sorted((labels or {}).items()))


def selector_text(selector: Any) -> str:
    """A label selector as text; `<none>` when it is empty, `<error>` when it is none."""
    try:
        return str(LabelSelector.from_object(selector or {})) or "<none>"
    except SelectorError:
        return "<error>"


def shortened(values: Sequence[str], most: int, separator: str = ",") -> str:
    """The first `most` values, and how many more there are: `a,b,c + 2 more...`."""
    shown = separator.join(values[:most])
    return f"{shown} + {len(values) - most} more..." if len(values) > most else shown


def part(body: Mapping[str, Any], *path: str) -> Any:
    """What stands at a path of objects; an empty one where something on the way is absent or null."""
    found: Any = body
    for name in path:
        found = found.get(name) or {}
    return found


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"
