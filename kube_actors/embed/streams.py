"""What goes on: watches and followed logs, filled by a task of the cluster, read by the caller at its own pace."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Generic, TypeVar

import trio

from kube_actors.embed.life import Life

T = TypeVar("T")

AHEAD = 256
"""Items that are fetched before the reader wants them; its source waits then."""

Fill = Callable[[Callable[[T], Awaitable[None]]], Awaitable[None]]


class Stream(AsyncIterator[T], Generic[T]):
    """An async iterator of what happens, in order; leaving early is `aclose()`, or `async with` around it.

    Cancelling the wait for an item loses nothing. Raises what its source raises, and ClusterStopped when the cluster
    ends first. One that is dropped is closed.
    """

    def __init__(self, life: Life, fill: Fill[T]) -> None:
        self._life = life
        self._items: deque[T] = deque()
        send, self._receive = trio.open_memory_channel[T](AHEAD)
        self._error: list[Exception] = []
        self._scope = trio.CancelScope()
        life.tasks.start_soon(partial(_pump, fill, send, self._scope, self._error), name="stream")

    def __aiter__(self) -> Stream[T]:
        return self

    async def __anext__(self) -> T:
        if not self._items:
            self._items.extend(await self.next_batch())
        if not self._items:
            raise StopAsyncIteration
        return self._items.popleft()

    async def next_batch(self) -> list[T]:
        """The next item and those after it that are there already; empty at the end."""
        with self._life.working():
            try:
                batch = [await self._receive.receive()]
                with suppress(trio.WouldBlock, trio.EndOfChannel):
                    while len(batch) < AHEAD:
                        batch.append(self._receive.receive_nowait())
            except (trio.EndOfChannel, trio.ClosedResourceError):
                if self._error:
                    raise self._error[0] from None
                return []
            return batch
        raise AssertionError("working() raises when it is cancelled")

    def close(self) -> None:
        """Let go of it; what it would still have given is lost."""
        self._scope.cancel()
        self._receive.close()
        self._items.clear()

    async def aclose(self) -> None:
        """The same, for `contextlib.aclosing` and generators' habits."""
        self.close()
        await trio.lowlevel.checkpoint()

    async def __aenter__(self) -> Stream[T]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        with suppress(trio.RunFinishedError, AttributeError):
            self._life.token.run_sync_soon(self._scope.cancel)


async def _pump(
    fill: Fill[T], send: trio.MemorySendChannel[T], scope: trio.CancelScope, error: list[Exception]
) -> None:
    """Fill the channel. It must not know the stream, so that a dropped one can be noticed."""
    with scope, send:
        try:
            await fill(send.send)
        except trio.BrokenResourceError:
            return  # closed by its reader
        except Exception as failed:  # whatever it is, it is the reader's to hear
            error.append(failed)
