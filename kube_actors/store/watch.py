"""Following the store from a point in time, as Kubernetes' watch does.

A watch owns nothing but a position in a shared log. It is woken at most once for any number of steps, and then takes
all that are there (`drain`); a server joins their bytes into one send.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Literal, NamedTuple

import attrs
import trio

from kube_actors.api.selectors import LabelSelector
from kube_actors.errors import expired
from kube_actors.store.history import History, Log
from kube_actors.store.revision import Commit, CommitKind, Revision, restamped

BOOKMARK_SECONDS = 60.0  # machine time between two bookmarks, as kube-apiserver's
_BATCH = 512  # events in one batch at most: a few milliseconds' work for who sends them

EventType = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
_TYPES: dict[CommitKind, EventType] = {"added": "ADDED", "modified": "MODIFIED", "deleted": "DELETED"}


class WatchEvent(NamedTuple):
    """One event. `revision` is the object, in its last state with the number of its deletion when DELETED.

    A BOOKMARK has no object: it says that everything up to `resource_version` has been sent; `initial_events_end`
    marks the one that ends the initial events (annotation `k8s.io/initial-events-end`).
    """

    type: EventType
    revision: Revision | None
    resource_version: int
    initial_events_end: bool = False


@attrs.frozen
class Scope:
    """Which objects of a resource are watched: a namespace (None: all), a label selector, any other condition."""

    namespace: str | None = None
    selector: LabelSelector | None = None
    where: Callable[[Revision], bool] | None = None

    @property
    def is_selective(self) -> bool:
        """Whether an object can come into the scope, or leave it, by being changed."""
        return self.selector is not None or self.where is not None

    def covers(self, revision: Revision) -> bool:
        """Whether the object is in the scope."""
        if self.namespace and revision.key.namespace != self.namespace:
            return False
        if self.selector is not None and not self.selector.matches(revision.projection.labels):
            return False
        return self.where is None or self.where(revision)

    def event(self, commit: Commit) -> WatchEvent | None:
        """What a watcher of this scope is told about the step; None if it does not concern it."""
        revision = commit.revision
        if not self.is_selective:
            if self.namespace and revision.key.namespace != self.namespace:
                return None
            return WatchEvent(_TYPES[commit.kind], revision, revision.resource_version)
        was_in = commit.previous is not None and self.covers(commit.previous)
        is_in = commit.kind != "deleted" and self.covers(revision)
        if is_in:
            return WatchEvent("MODIFIED" if was_in else "ADDED", revision, revision.resource_version)
        if not was_in:
            return None
        if commit.kind != "deleted":  # it left the selector: the watcher is shown what it knew, under the new number
            assert commit.previous is not None
            revision = restamped(commit.previous, revision.resource_version)
        return WatchEvent("DELETED", revision, revision.resource_version)


@attrs.frozen
class Start:
    """Where a watch begins: after `seen`, at `position` of the log.

    `initial` are the objects to be sent first, as they were at `seen`; `announces_end` sends a bookmark after them.
    """

    seen: int
    position: int
    initial: Sequence[Revision] = ()
    announces_end: bool = False


class Watch:
    """An async iterator of `WatchEvent`; `drain` for batches. Needs no closing. For one reader. Made by `Store.watch`.

    Raises ApiError 410 `Expired` when the reader is so slow that history has moved on without it, and 503 when the
    journal has failed. `resource_version` is the number up to which everything has been handed out.
    """

    def __init__(
        self, history: History, log: Log, scope: Scope, start: Start, *, durable: bool, bookmarks: bool
    ) -> None:
        self.resource_version = start.seen
        self._history = history
        self._log = log
        self._scope = scope
        self._position = start.position
        self._initial: Iterator[Revision] | None = iter(start.initial)
        self._announces_end = start.announces_end
        self._durable = durable
        self._bookmark_at = trio.current_time() + BOOKMARK_SECONDS if bookmarks else math.inf
        self._buffer: deque[WatchEvent] = deque()

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> WatchEvent:
        if not self._buffer:
            self._buffer.extend(await self.drain())
        return self._buffer.popleft()

    async def drain(self) -> list[WatchEvent]:
        """Waits until there is an event, and returns all there are, or the first few hundred of them."""
        await trio.lowlevel.checkpoint()
        if self._durable and self._initial is not None:
            await self._history.durability.wait(self.resource_version)
        while not (events := self.drain_nowait()):
            if self._durable:
                self._history.durability.check()
            with trio.move_on_at(self._bookmark_at):
                await self._log.grown(durable=self._durable)
        return events

    def drain_nowait(self) -> list[WatchEvent]:
        """The events that are there already, perhaps none."""
        events = self._next_initial()
        if not events and self._initial is None:
            events = self._next_steps()
        if self._bookmark_at < math.inf and self._initial is None and trio.current_time() >= self._bookmark_at:
            self._bookmark_at = trio.current_time() + BOOKMARK_SECONDS
            events.append(WatchEvent("BOOKMARK", None, self.resource_version))
        return events

    def bookmark(self) -> WatchEvent | None:
        """How far the events handed out go; None as long as initial events are to come."""
        return WatchEvent("BOOKMARK", None, self.resource_version) if self._initial is None else None

    def _next_initial(self) -> list[WatchEvent]:
        if self._initial is None or (self._durable and self._history.durability.revision < self.resource_version):
            return []
        revisions = list(islice(self._initial, _BATCH))
        events = [WatchEvent("ADDED", revision, revision.resource_version) for revision in revisions]
        if len(revisions) < _BATCH:
            self._initial = None
            if self._announces_end:
                events.append(WatchEvent("BOOKMARK", None, self.resource_version, initial_events_end=True))
        return events

    def _next_steps(self) -> list[WatchEvent]:
        if self._position < self._log.start:
            raise expired(f"too old resource version: {self.resource_version} ({self._log.floor})")
        horizon = self._history.durability.revision if self._durable else self._history.head
        events: list[WatchEvent] = []
        while not events:
            steps = self._log.read(self._position, _BATCH, horizon)
            self._position += len(steps)
            events = [event for step in steps if (event := self._scope.event(step)) is not None]
            if len(steps) < _BATCH:
                self.resource_version = max(self.resource_version, horizon)
                break
            self.resource_version = steps[-1].resource_version
        return events
