"""The two clocks a system can live by: the machine's own, and one that jumps from event to event."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import trio

from kube_actors.kernel.clock import CLOCK_TASK, ClockMode, ClusterClock

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


class _Turns(trio.abc.Instrument):
    """Counts the tasks, other than clocks, that trio ran in the last complete turn of its scheduler."""

    def __init__(self) -> None:
        self.in_last = 0
        self._in_this = 0

    def after_io_wait(self, timeout: float) -> None:
        self.in_last, self._in_this = self._in_this, 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._in_this += task.name != CLOCK_TASK


class VirtualClock(ClusterClock):
    """Time that stands while anything is runnable or a hold is open, and then jumps to the next timer.

    It stands as well for those who wait until all tasks are blocked (`trio.testing.wait_all_tasks_blocked`): they go on
    first, and time jumps when they have blocked too.
    """

    slice_seconds = math.inf

    def __init__(self, start: float = VIRTUAL_EPOCH) -> None:
        super().__init__()
        self._time = start
        self._turns = _Turns()

    @property
    def mode(self) -> ClockMode:
        return ClockMode.VIRTUAL if self._paused_at is None else ClockMode.PAUSED

    def _read(self) -> float:
        return self._time

    def _set(self, to: float) -> None:
        self._time = to

    async def _drive(self) -> None:
        trio.lowlevel.add_instrument(self._turns)
        try:
            await super()._drive()
        finally:
            trio.lowlevel.remove_instrument(self._turns)

    async def _settled(self) -> bool:
        """Nothing is runnable, and nobody else was woken by that in the same turn."""
        while await super()._settled():
            await trio.lowlevel.checkpoint()  # only then is that turn complete
            if not self._turns.in_last:
                return True
        return False

    async def _turn(self) -> None:
        if not await self._settled() or self._paused_at is not None:
            return
        due = self._timers.next_due()
        if due is None or due == math.inf:
            await self._rest(math.inf)
        else:
            self._time = max(due, self._time)
            await self._go_off()
