"""Following the store from a point in time, as Kubernetes' watch does.

A watch owns nothing but a position in a shared log. It is woken at most once for any number of steps, and then takes
all that are there (`drain`); a server joins their bytes into one send.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice

import trio

from kube_actors.errors import expired
from kube_actors.records import frozen
from kube_actors.store.history import History
from kube_actors.store.log import BLOCK, Log
from kube_actors.store.revision import Revision
from kube_actors.store.scope import Batch, Scope, WatchEvent
from kube_actors.store.waiting import Waiter

BOOKMARK_SECONDS = 60.0  # machine time between two bookmarks, as kube-apiserver's
_STRETCHES = 16  # stretches looked through between two checkpoints: a few milliseconds' work


@frozen
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
        self._untold = len(start.initial) + start.announces_end
        self._durable = durable
        self._waiting = log.waiting_durably if durable else log.waiting
        self._waiter = Waiter(scope.interest)
        self._bookmark_at = trio.current_time() + BOOKMARK_SECONDS if bookmarks else math.inf
        self._buffer: deque[WatchEvent] = deque()

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> WatchEvent:
        if not self._buffer:
            self._buffer.extend(await self.drain())
        return self._buffer.popleft()

    async def drain(self) -> Batch:
        """Waits until there is an event, and returns those that are there, or the first few of them."""
        await trio.lowlevel.checkpoint()
        if self._durable and self._initial is not None:
            await self._history.durability.wait(self.resource_version)
        while not (events := self.drain_nowait()):
            if self._durable:
                self._history.durability.check()
            if self._position < self._end:
                await trio.lowlevel.checkpoint()
            else:
                await self._wait()
        return events

    def drain_nowait(self) -> Batch:
        """The events that are there already, perhaps none."""
        events = self._next_initial()
        if not events and self._initial is None:
            events = self._next_steps()
        if self._bookmark_at < math.inf and self._initial is None and trio.current_time() >= self._bookmark_at:
            self._bookmark_at = trio.current_time() + BOOKMARK_SECONDS
            events = Batch([*events, WatchEvent("BOOKMARK", None, self.resource_version)])
        return events

    def bookmark(self) -> WatchEvent | None:
        """How far the events handed out go; None as long as initial events are to come."""
        return WatchEvent("BOOKMARK", None, self.resource_version) if self._initial is None else None

    @property
    def has_begun(self) -> bool:
        """Whether all initial events have been handed out."""
        return not self._untold

    @property
    def _end(self) -> int:
        """The position up to which steps may be told."""
        return self._log.durable_end if self._durable else self._log.end

    async def _wait(self) -> None:
        """Returns when a step may concern the watch, or a bookmark is due; skips what does not concern it."""
        try:
            with trio.move_on_at(self._bookmark_at):
                await self._waiting.wait(self._waiter)
        finally:
            self._position = max(self._position, self._waiter.position)

    def _next_initial(self) -> Batch:
        if self._initial is None or (self._durable and self._history.durability.revision < self.resource_version):
            return Batch()
        revisions = list(islice(self._initial, BLOCK))
        events = Batch(WatchEvent("ADDED", revision, revision.resource_version) for revision in revisions)
        if len(revisions) < BLOCK:
            self._initial = None
            if self._announces_end:
                events.append(WatchEvent("BOOKMARK", None, self.resource_version, initial_events_end=True))
        self._untold -= len(events)
        return events

    def _next_steps(self) -> Batch:
        log, end = self._log, self._end
        if self._position < log.start:
            raise expired(f"too old resource version: {self.resource_version} ({log.floor})")
        events = Batch()
        for _ in range(_STRETCHES):
            if events or self._position == end:
                break
            stretch = log.stretch(self._position, end, self._scope)
            events, self._position = stretch.events, stretch.position
            self.resource_version = stretch.resource_version
        if self._position == end:
            horizon = self._history.durability.revision if self._durable else self._history.head
            self.resource_version = max(self.resource_version, horizon)
        return events
