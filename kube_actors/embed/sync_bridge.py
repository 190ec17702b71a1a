"""Between plain code and a cluster in a thread of its own."""

from __future__ import annotations

import concurrent.futures
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from types import TracebackType
from typing import Generic, ParamSpec, TypeVar

from kube_actors.embed.portal import ThreadPortal
from kube_actors.embed.streams import Stream

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

CLEAN_UP_SECONDS = 5.0
"""How long an interrupted wait goes on for what it gave up to clean up."""


def result_of(portal: ThreadPortal, function: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Call and wait for the result; Ctrl-C gives the call up. RuntimeError in the cluster's own thread."""
    if portal.is_here:
        raise RuntimeError("this runs in the cluster's own thread, which cannot wait for itself")
    call = portal.submit(function, *args, **kwargs)
    return done(call.future, call.cancel)


def done(future: concurrent.futures.Future[R], give_up: Callable[[], object]) -> R:
    """Wait until it is done; when that is interrupted, `give_up` on it."""
    try:
        return future.result()
    except BaseException:
        if not future.done():
            give_up()
            concurrent.futures.wait([future], CLEAN_UP_SECONDS)
        raise


class SyncStream(Iterator[T], Generic[T]):
    """An iterator of what happens, in order; leaving early is `close()`, or `with` around it.

    Raises what its source raises, and ClusterStopped when the cluster ends first. One that is dropped is closed.
    """

    def __init__(self, portal: ThreadPortal, open_stream: Callable[[], Awaitable[Stream[T]]]) -> None:
        self._portal = portal
        self._stream = result_of(portal, open_stream)
        self._items: deque[T] = deque()
        self._closed = False

    def __iter__(self) -> SyncStream[T]:
        return self

    def __next__(self) -> T:
        if not self._items and not self._closed:
            self._items.extend(result_of(self._portal, self._stream.next_batch))
        if not self._items:
            raise StopIteration
        return self._items.popleft()

    def close(self) -> None:
        """Let go of it."""
        self._closed = True
        self._items.clear()
        self._portal.soon(self._stream.close)

    def __enter__(self) -> SyncStream[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
