"""Keeping Events readable: the same thing said again is counted, many similar things are put together, and an object
that says too much is cut short. The limits are those of Kubernetes' event recorder. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import attrs

from kube_actors.api.times import parse_rfc3339
from kube_actors.records import define, frozen

K = TypeVar("K")
V = TypeVar("V")

SIMILAR_LIMIT = 10
"""From so many events on that differ only in their message, they are put together."""
SIMILAR_WINDOW = 600.0
BURST = 25
"""Events an object may cause at once, per source; afterwards one every five minutes."""
REFILL_SECONDS = 300.0
COMBINED = "(combined from similar events): "
REMEMBERED = 4096
"""Objects and events remembered; the oldest are forgotten first."""


class Similar(NamedTuple):
    """What similar events share: who says it, of which object, and why."""

    component: str
    host: str
    uid: str
    type: str
    reason: str


class Said(NamedTuple):
    """What is the same Event when it is said again. `field_path` is the part of the object it is about (a container of
    the pod); similar events that are put together are about the object as a whole."""

    similar: Similar
    message: str
    field_path: str = ""


@frozen
class Known:
    """An Event that was recorded: its name, how often, and when first (epoch seconds)."""

    name: str
    count: int
    first: float


@frozen
class CreateEvent:
    """Record a new Event with this message."""

    message: str


@frozen
class CountEvent:
    """Count an Event that exists once more: set its count, its last time and its message."""

    name: str
    count: int
    message: str


@frozen
class DropEvent:
    """The object has said too much."""


EventAction = CreateEvent | CountEvent | DropEvent


@define
class _Bucket:
    """Events an object may still cause; a token comes back every five minutes."""

    tokens: float
    filled_at: float


class EventCorrelator:
    """What was said lately. One per recorder; bounded."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str, str], _Bucket] = {}
        self._messages: dict[Similar, tuple[set[str], float]] = {}
        self._known: dict[Said, Known] = {}

    def plan(self, said: Said, now: float) -> tuple[EventAction, Said]:
        """What to do about something said, and what to `remember` a created Event as."""
        similar, message, _ = said
        text = self._combined(similar, message, now)
        key = Said(similar, COMBINED) if text is not message else said
        if not self._allowed((similar.component, similar.host, similar.uid), now):
            return DropEvent(), key
        known = self._known.get(key)
        if known is None:
            return CreateEvent(text), key
        self._known[key] = attrs.evolve(known, count=known.count + 1)
        return CountEvent(known.name, known.count + 1, text), key

    def remember(self, key: Said, name: str, now: float) -> None:
        """The Event was created under this name."""
        self._known[key] = Known(name, 1, now)
        _forget_oldest(self._known)

    def forget(self, key: Said) -> None:
        """The Event is gone (its time was over): the next one is created anew."""
        self._known.pop(key, None)

    def _combined(self, similar: Similar, message: str, now: float) -> str:
        messages, last = self._messages.pop(similar, (set(), now))
        if now - last > SIMILAR_WINDOW:
            messages = set()
        if len(messages) < SIMILAR_LIMIT:
            messages.add(message)
        self._messages[similar] = (messages, now)
        _forget_oldest(self._messages)
        return COMBINED + message if len(messages) >= SIMILAR_LIMIT else message

    def _allowed(self, source: tuple[str, str, str], now: float) -> bool:
        bucket = self._buckets.get(source)
        if bucket is None:
            bucket = self._buckets[source] = _Bucket(float(BURST), now)
            _forget_oldest(self._buckets)
        bucket.tokens = min(float(BURST), bucket.tokens + (now - bucket.filled_at) / REFILL_SECONDS)
        bucket.filled_at = now
        if bucket.tokens < 1.0:
            return False
        bucket.tokens -= 1.0
        return True


def _forget_oldest(table: dict[K, V]) -> None:
    while len(table) > REMEMBERED:
        del table[next(iter(table))]


def last_seen(event: Mapping[str, Any]) -> float:
    """When it happened last, in epoch seconds; writers of the newer form only fill in `eventTime` and `series`."""
    series = event.get("series") or {}
    times = (event.get("lastTimestamp"), series.get("lastObservedTime"), event.get("eventTime"))
    created = event["metadata"]["creationTimestamp"]
    return max(parse_rfc3339(time) for time in (*times, created) if time)
