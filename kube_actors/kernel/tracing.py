"""Listening to conversations: who said what to whom, and when. Costs one attribute read when nobody listens."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from functools import partial
from typing import Any

import trio

from kube_actors.records import frozen

speaker: ContextVar[str] = ContextVar("speaker", default="")
"""Path of the actor whose code runs here; empty outside the system."""


class TraceKind(Enum):
    """How something was said."""

    TELL = "tell"
    ASK = "ask"
    REPLY = "reply"
    NOTIFY = "notify"


@frozen
class TraceRecord:
    """One thing said. `time` is cluster time; `sender` is empty when it came from outside the system.

    `message` is the command or ask, the answer or the error of a reply, or the key of a notification.
    """

    time: float
    sender: str
    receiver: str
    kind: TraceKind
    message: Any


def is_under(path: str, prefix: str) -> bool:
    """Whether `path` is `prefix` or below it; `/a/b` is under `/a` and under `/`, `/ab` is not under `/a`."""
    return prefix in ("", "/") or path == prefix or path.startswith(prefix + "/")


class Trace(AsyncIterator[TraceRecord]):
    """Records to iterate over, in order; ends when the trace is closed.

    At most `limit` records wait; when the reader is slower the oldest are dropped and counted in `missed`.
    """

    def __init__(self, prefix: str, limit: int) -> None:
        self.missed = 0
        self._prefix = prefix
        self._records: deque[TraceRecord] = deque(maxlen=limit)
        self._readers = trio.lowlevel.ParkingLot()
        self._closed = False

    def take_nowait(self) -> tuple[TraceRecord, ...]:
        """All records that wait, without waiting for more."""
        records = tuple(self._records)
        self._records.clear()
        return records

    def close(self) -> None:
        """Take no more records; a reader gets those that wait and then comes to the end."""
        self._closed = True
        self._readers.unpark_all()

    async def __anext__(self) -> TraceRecord:
        await trio.lowlevel.checkpoint()
        while not self._records:
            if self._closed:
                raise StopAsyncIteration
            await self._readers.park()
        return self._records.popleft()

    def _listen(self, record: TraceRecord) -> None:
        if is_under(record.receiver, self._prefix) or (record.sender and is_under(record.sender, self._prefix)):
            self.missed += len(self._records) == self._records.maxlen
            self._records.append(record)
            self._readers.unpark()


class Tracing:
    """The listeners of one system."""

    def __init__(self, now: Callable[[], float], *, on_error: Callable[[Exception], None]) -> None:
        self.active = False
        self._now = now
        self._on_error = on_error
        self._listeners: dict[object, Callable[[TraceRecord], None]] = {}
        self._traces: list[Trace] = []

    def record(self, receiver: str, kind: TraceKind, message: Any, sender: str | None = None) -> None:
        """Tell the listeners; `sender` None is whoever's code runs now."""
        said = TraceRecord(self._now(), speaker.get() if sender is None else sender, receiver, kind, message)
        for token, listener in tuple(self._listeners.items()):
            try:
                listener(said)
            except Exception as error:  # not the fault of whoever speaks
                self._unsubscribe(token)
                self._on_error(error)

    def subscribe(self, callback: Callable[[TraceRecord], None]) -> Callable[[], None]:
        """Call `callback` with every record, in order, while it is said; the answer takes it back."""
        token = object()
        self._listeners[token] = callback
        self.active = True
        return partial(self._unsubscribe, token)

    @contextmanager
    def follow(self, prefix: str, limit: int) -> Iterator[Trace]:
        """Collect what is said by or to actors under `prefix`."""
        trace = Trace(prefix, limit)
        unsubscribe = self.subscribe(trace._listen)
        self._traces.append(trace)
        try:
            yield trace
        finally:
            unsubscribe()
            self._traces.remove(trace)
            trace.close()

    def close(self) -> None:
        """The system has ended: every trace comes to its end."""
        for trace in self._traces:
            trace.close()

    def _unsubscribe(self, token: object) -> None:
        self._listeners.pop(token, None)
        self.active = bool(self._listeners)
