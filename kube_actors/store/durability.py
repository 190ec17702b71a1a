"""How far the journal has got, and who waits for it."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count

import trio

from kube_actors.errors import ApiError


class Durability:
    """`revision` is the highest number such that everything up to it is safe."""

    def __init__(self, revision: int) -> None:
        self.revision = revision
        self._refusal: ApiError | None = None
        self._waiting: list[tuple[int, int, trio.Event]] = []
        self._arrivals = count()

    def advance(self, revision: int) -> None:
        """Everything up to `revision` is safe now; wakes those who waited for that."""
        self.revision = max(self.revision, revision)
        while self._waiting and self._waiting[0][0] <= self.revision:
            heappop(self._waiting)[2].set()

    def fail(self, refusal: ApiError) -> None:
        """Nothing more will be safe: everybody who waits, now or later, gets `refusal`."""
        self._refusal = refusal
        while self._waiting:
            heappop(self._waiting)[2].set()

    def check(self) -> None:
        """Raises the refusal once the journal has failed."""
        if self._refusal is not None:
            raise self._refusal

    async def wait(self, revision: int) -> None:
        """Returns when everything up to `revision` is safe. Raises ApiError 503 when that will never be."""
        if revision > self.revision:
            self.check()
            safe = trio.Event()
            heappush(self._waiting, (revision, next(self._arrivals), safe))
            await safe.wait()
            if revision > self.revision:
                self.check()
        else:
            await trio.lowlevel.checkpoint()
