"""The two clocks a system can live by: the machine's own, and one that jumps from event to event."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from kube_actors.kernel.clock import ClockMode, ClusterClock

LONGEST_REST = 1.0
"""Machine seconds after which the system clock is read again: after a suspend or a clock step, timers that came due
meanwhile are at most this late."""
SHORTEST_REST = 0.001
"""Timers are served in groups of a millisecond, so that thousands a second do not cost a wake-up each."""
CATCH_UP = 0.1
"""Share by which cluster time runs slower while it is ahead of a system clock that was set back."""
VIRTUAL_EPOCH = 1_735_689_600.0
"""2025-01-01T00:00:00Z, where virtual time starts unless told otherwise."""


class RealClock(ClusterClock):
    """The system clock, made to never go backwards.

    When the system clock is set back, cluster time goes on from where it was, 10 % slower until the system clock has
    caught up: set back by 6 s, the two agree again after a minute. Pausing leaves it behind for good, jumping ahead.
    """

    slice_seconds = 0.005

    def __init__(self, system_clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._system_clock = system_clock
        self._last = system_clock()
        self._ahead = 0.0
        self._shift = 0.0

    @property
    def mode(self) -> ClockMode:
        return ClockMode.REAL if self._paused_at is None else ClockMode.PAUSED

    def _read(self) -> float:
        reading = self._system_clock()
        elapsed = reading - self._last
        if elapsed < 0:
            self._ahead -= elapsed
        elif self._ahead:
            self._ahead = max(0.0, self._ahead - elapsed * CATCH_UP)
        self._last = reading
        return reading + self._ahead + self._shift

    def _set(self, to: float) -> None:
        self._shift += to - self._read()

    async def _turn(self) -> None:
        await self._go_off()
        due = self._timers.next_due()
        if due is None:
            await self._rest(math.inf)
        else:
            await self._rest(min(max(due - self.now(), SHORTEST_REST), LONGEST_REST))


class VirtualClock(ClusterClock):
    """Time that stands while anything is runnable or a hold is open, and then jumps to the next timer."""

    slice_seconds = math.inf

    def __init__(self, start: float = VIRTUAL_EPOCH) -> None:
        super().__init__()
        self._time = start

    @property
    def mode(self) -> ClockMode:
        return ClockMode.VIRTUAL if self._paused_at is None else ClockMode.PAUSED

    def _read(self) -> float:
        return self._time

    def _set(self, to: float) -> None:
        self._time = to

    async def _turn(self) -> None:
        if not await self._settled() or self._paused_at is not None:
            return
        due = self._timers.next_due()
        if due is None or due == math.inf:
            await self._rest(math.inf)
        else:
            self._time = max(due, self._time)
            await self._go_off()
