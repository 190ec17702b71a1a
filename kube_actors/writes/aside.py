"""Where the work on an object is done: at once, or, when the object is large, aside.

Reading, judging and comparing three megabytes takes a second in which nobody else would be served. It is done in a
worker thread then, for one write at a time: what such a body becomes in memory is fifty times its size.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol, TypeVar

import trio

LARGE: Final = 64 << 10
"""Bytes of JSON from which on the work is done aside: some ten milliseconds' work, if there is much in them."""
T = TypeVar("T")


class Work(Protocol):
    """Does the pure parts of one write. What it is given belongs to that write alone until it returns."""

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """What the function answers, or raises."""


class AtOnce:
    """Work that takes no time worth mentioning."""

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call it; nobody else has a turn in between."""
        return function(*arguments)


AT_ONCE: Final = AtOnce()


class Aside:
    """The worker thread for large objects; one for all writes of a cluster."""

    def __init__(self) -> None:
        self._turns = trio.Lock()
        self._thread = trio.CapacityLimiter(1)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Work]:
        """Waits until no other large write is under way, and keeps the others waiting for as long as the block."""
        async with self._turns:
            yield self

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call it in the thread. A cancellation waits for its end."""
        return await trio.to_thread.run_sync(function, *arguments, limiter=self._thread)
