"""Between an asyncio loop and a cluster's trio run."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections import deque
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Generic, TypeVar

from kube_actors.embed.portal import Call, Portal
from kube_actors.embed.streams import Stream

R = TypeVar("R")
T = TypeVar("T")


async def result_of(call: Call[R]) -> R:
    """The result of a call. Cancelling cancels it on the other side too, and waits until that has cleaned up."""
    return await patiently(call.future, call.cancel)


async def patiently(future: concurrent.futures.Future[R], on_cancel: Callable[[], object]) -> R:
    """Wait until it is done, however often this task is cancelled: then `on_cancel` is called to hurry it up, and
    CancelledError raised when it is done."""
    here = asyncio.wrap_future(future)
    cancelled: asyncio.CancelledError | None = None
    while not here.done():
        try:
            await asyncio.wait([here])
        except asyncio.CancelledError as error:
            cancelled = error
            on_cancel()
    if cancelled is not None:
        here.exception()  # nobody will ask for it
        raise cancelled
    return here.result()


class AioStream(AsyncIterator[T], Generic[T]):
    """An async iterator of what happens, in order; leaving early is `aclose()`, or `async with` around it.

    Cancelling the wait for an item loses nothing. Raises what its source raises, and ClusterStopped when the cluster
    ends first. One that is dropped is closed.
    """

    def __init__(self, portal: Portal, opening: Call[Stream[T]]) -> None:
        self._portal = portal
        self._opening = opening
        self._items: deque[T] = deque()
        self._closed = False

    def __aiter__(self) -> AioStream[T]:
        return self

    async def __anext__(self) -> T:
        if not self._items and not self._closed:
            await self._fetch()
        if not self._items:
            raise StopAsyncIteration
        return self._items.popleft()

    async def _fetch(self) -> None:
        """The next items; those that arrive while this task is being cancelled are kept for the next time."""
        stream = await patiently(self._opening.future, lambda: None)
        call = self._portal.submit(stream.next_batch)
        try:
            await result_of(call)
        finally:
            if call.future.done() and call.future.exception() is None:
                self._items.extend(call.future.result())

    async def aclose(self) -> None:
        """Let go of it."""
        self._closed = True
        self._items.clear()
        self._portal.close(self._opening)

    async def __aenter__(self) -> AioStream[T]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
