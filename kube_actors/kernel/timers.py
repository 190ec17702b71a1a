"""Things to do at a time: a heap in which cancelling is cheap and equal times keep the order they were set in."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable


class Timer:
    """One call that is due at `when`."""

    __slots__ = ("_callback", "_heap", "when")

    def __init__(self, heap: TimerHeap, when: float, callback: Callable[[], object]) -> None:
        self.when = when
        self._heap = heap
        self._callback: Callable[[], object] | None = callback

    @property
    def is_set(self) -> bool:
        """It has neither gone off nor been cancelled."""
        return self._callback is not None

    def cancel(self) -> None:
        """Never go off. Does nothing once it has gone off or was cancelled."""
        if self._callback is not None:
            self._callback = None
            self._heap.forget_one()

    def go_off(self) -> None:
        """Call back, once."""
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()


class TimerHeap:
    """All timers of a clock by (when, order of setting). Cancelled ones stay inside until half of the heap is such."""

    __slots__ = ("_cancelled", "_entries", "_order")

    def __init__(self) -> None:
        self._entries: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._cancelled = 0

    def __len__(self) -> int:
        return len(self._entries) - self._cancelled

    def add(self, when: float, callback: Callable[[], object]) -> Timer:
        """Set a timer."""
        timer = Timer(self, when, callback)
        heapq.heappush(self._entries, (when, next(self._order), timer))
        return timer

    def forget_one(self) -> None:
        """A timer inside was cancelled."""
        self._cancelled += 1
        if self._cancelled > 64 and self._cancelled * 2 > len(self._entries):
            self._entries = [entry for entry in self._entries if entry[2].is_set]
            heapq.heapify(self._entries)
            self._cancelled = 0

    def next_due(self) -> float | None:
        """When the earliest timer is due; None when there is none."""
        entries = self._entries
        while entries and not entries[0][2].is_set:
            heapq.heappop(entries)
            self._cancelled -= 1
        return entries[0][0] if entries else None

    def pop_due(self, now: float) -> Timer | None:
        """Take out the earliest timer if it is due at `now`."""
        due = self.next_due()
        if due is None or due > now:
            return None
        return heapq.heappop(self._entries)[2]
