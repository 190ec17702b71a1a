"""Cluster time: a clock of our own that can stand still, step and jump.

Machine time is trio's and is used for I/O and for the deadlines of asks. Everything else happens in cluster time.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

import attrs
import trio

from kube_actors.kernel.timers import Timer, TimerHeap
from kube_actors.records import define

CLOCK_TASK = "/ clock"
"""Name of the task that runs a clock; it shows that the task is no actor's."""


class ClockMode(Enum):
    """How a clock goes."""

    REAL = "real"
    PAUSED = "paused"
    VIRTUAL = "virtual"


@define(eq=False)
class _Step:
    """A paused clock is to live through everything up to `target`."""

    target: float
    reached: trio.Event = attrs.field(factory=trio.Event)


class ClusterClock(abc.ABC):
    """Epoch seconds that never go backwards, and the timers that go off by them.

    One task (`run`, started by the actor system) lets all timers go off. Those due at the same instant do so in the
    order in which they were set, and what one wakes runs before what the next wakes.
    """

    slice_seconds: float
    """Machine seconds an actor may work before others get a turn; infinite where only counting is repeatable."""

    def __init__(self) -> None:
        self._timers = TimerHeap()
        self._paused_at: float | None = None
        self._step: _Step | None = None
        self._one_step = trio.Lock()
        self._holds = 0
        self._driven = False
        self._resting = trio.lowlevel.ParkingLot()
        self._armed_until = -math.inf

    @property
    @abc.abstractmethod
    def mode(self) -> ClockMode:
        """How the clock goes now."""

    @property
    def open_holds(self) -> int:
        """Pieces of I/O for cluster work that are in flight."""
        return self._holds

    @abc.abstractmethod
    def _read(self) -> float:
        """The time while not paused."""

    @abc.abstractmethod
    def _set(self, to: float) -> None:
        """Move the reading to `to`, which is not before it."""

    @abc.abstractmethod
    async def _turn(self) -> None:
        """Let what is due go off, or rest until something may be; called again and again while not paused."""

    def now(self) -> float:
        """Cluster time in epoch seconds."""
        return self._read() if self._paused_at is None else self._paused_at

    async def sleep(self, seconds: float) -> None:
        """Sleep for a span of cluster time; zero or less is only a checkpoint."""
        await self.sleep_until(self.now() + seconds)

    async def sleep_until(self, when: float) -> None:
        """Sleep until a point of cluster time; one that is not ahead is only a checkpoint."""
        if not when > self.now():
            await trio.lowlevel.checkpoint()
            return
        task = trio.lowlevel.current_task()
        timer = self.call_at(when, lambda: trio.lowlevel.reschedule(task))

        def wake_early(_raise_cancel: Callable[[], Any]) -> trio.lowlevel.Abort:
            timer.cancel()
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(wake_early)

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        """Call `callback` at cluster time `when`; soon, but not before returning, when that has passed.

        It runs in the clock's own task: it must be quick, and an error in it ends the system.
        """
        if math.isnan(when):
            raise ValueError("a timer cannot be set to nan")
        timer = self._timers.add(when, callback)
        if when < self._armed_until:
            self._look_again()
        return timer

    @contextmanager
    def move_on_after(self, seconds: float) -> Iterator[trio.CancelScope]:
        """A scope that is cancelled when it has lasted `seconds` of cluster time; `cancelled_caught` says so."""
        with trio.CancelScope() as scope:
            timer = self.call_at(self.now() + seconds, scope.cancel)
            try:
                yield scope
            finally:
                timer.cancel()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Around I/O in flight for cluster work: virtual time does not jump past it."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
            if not self._holds:
                self._look_again()

    def pause(self) -> None:
        """Stand still. Pausing twice is pausing once."""
        if self._paused_at is None:
            self._paused_at = self._read()
            self._look_again()

    def resume(self) -> None:
        """Go on from where the clock stands; a step under way ends there."""
        if self._paused_at is not None:
            self._set(self._paused_at)
            self._paused_at = None
            self._end_step()
            self._look_again()

    def jump(self, seconds: float) -> None:
        """Be `seconds` later at once, as after a suspend: what came due in between goes off late, in order, next."""
        to = self.now() + self._checked(seconds)
        if self._paused_at is None:
            self._set(to)
        else:
            self._paused_at = to
        self._look_again()

    async def step(self, seconds: float) -> None:
        """Live through `seconds` at once: every timer in between goes off at its own instant, and all that follows from
        it (holds included) is finished before the next. Leaves the clock paused."""
        self._checked(seconds)
        if not self._driven:
            raise RuntimeError("a clock steps only while an actor system lives by it")
        async with self._one_step:
            self.pause()
            step = self._step = _Step(self.now() + seconds)
            self._look_again()
            try:
                await step.reached.wait()
            finally:
                if self._step is step:
                    self._end_step()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Let timers go off, for ever. Called by the actor system that lives by this clock."""
        if self._driven:
            raise RuntimeError("an actor system lives by this clock already; give each its own")
        self._driven = True
        task_status.started()
        try:
            await self._drive()
        finally:
            self._driven = False
            self._end_step()

    async def _drive(self) -> None:
        while True:
            if self._step is not None:
                await self._walk(self._step)
            elif self._paused_at is not None:
                await self._go_off()
                await self._rest(math.inf)
            else:
                await self._turn()

    @staticmethod
    def _checked(seconds: float) -> float:
        if not 0 <= seconds < math.inf:
            raise ValueError(f"a clock goes forward by a finite span, not by {seconds} seconds")
        return seconds

    async def _walk(self, step: _Step) -> None:
        """One instant of a step, or its end."""
        if not await self._settled() or self._step is not step:
            return
        due = self._timers.next_due()
        if due is not None and due <= step.target:
            self._paused_at = max(due, self.now())
            await self._go_off()
        else:
            self._paused_at = max(step.target, self.now())
            self._end_step()

    def _end_step(self) -> None:
        step, self._step = self._step, None
        if step is not None:
            step.reached.set()

    async def _go_off(self) -> None:
        """Let all that is due go off. trio runs what became runnable in one turn of its scheduler in any order, so
        what each timer wakes gets a turn of its own."""
        timer = self._timers.pop_due(self.now())
        while timer is not None:
            timer.go_off()
            due = self._timers.next_due()
            if due is None or due > self.now():
                return
            await trio.lowlevel.checkpoint()
            timer = self._timers.pop_due(self.now())

    async def _settled(self) -> bool:
        """Wait until nothing is runnable. False when a hold is open: then something has changed meanwhile."""
        from trio.testing import wait_all_tasks_blocked  # 0.1 s to import, and real time needs it only for steps

        await wait_all_tasks_blocked()
        if self._holds:
            await self._rest(math.inf)
            return False
        return True

    async def _rest(self, seconds: float) -> None:
        """Let the clock's task sleep, at most for these machine seconds, until it has to look again."""
        self._armed_until = self.now() + seconds
        try:
            with trio.move_on_after(seconds):
                await self._resting.park()
        finally:
            self._armed_until = -math.inf

    def _look_again(self) -> None:
        self._resting.unpark_all()
