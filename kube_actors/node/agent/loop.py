"""The agent's event loop: readable descriptors and timers, in one thread."""

from __future__ import annotations

import heapq
import os
import select
import sys
import time
import traceback
from collections.abc import Callable
from itertools import count

Callback = Callable[[], None]


class Timer:
    """A call that is due once; `cancel` forgets it."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callback) -> None:
        self.callback: Callback | None = callback

    def cancel(self) -> None:
        self.callback = None


class Loop:
    """epoll with callbacks. A callback that raises is reported on stderr and the loop goes on."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._readers: dict[int, Callback] = {}
        self._writers: dict[int, Callback] = {}
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = count()
        self._running = True

    def add_reader(self, fd: int, callback: Callback) -> None:
        """Call back while `fd` is readable or hung up."""
        self._epoll.register(fd, select.EPOLLIN)
        self._readers[fd] = callback

    def remove_reader(self, fd: int) -> None:
        """Forget `fd`; to be called before it is closed."""
        if self._readers.pop(fd, None) is not None:
            self._writers.pop(fd, None)
            self._epoll.unregister(fd)

    def want_write(self, fd: int, callback: Callback | None) -> None:
        """Also call back while a registered `fd` is writable (None: no longer)."""
        if callback is None:
            if self._writers.pop(fd, None) is not None:
                self._epoll.modify(fd, select.EPOLLIN)
        else:
            self._writers[fd] = callback
            self._epoll.modify(fd, select.EPOLLIN | select.EPOLLOUT)

    def call_later(self, seconds: float, callback: Callback) -> Timer:
        """Call once after `seconds` of machine time."""
        timer = Timer(callback)
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._order), timer))
        return timer

    def stop(self) -> None:
        """Leave `run` after the current round."""
        self._running = False

    def close(self) -> None:
        """Close the epoll descriptor."""
        self._epoll.close()

    def run(self) -> None:
        """Serve until `stop`."""
        while self._running:
            for fd, events in self._epoll.poll(self._wait()):
                if events & select.EPOLLOUT and (writer := self._writers.get(fd)):
                    guarded(writer)
                if events & ~select.EPOLLOUT and (reader := self._readers.get(fd)):
                    guarded(reader)
            now = time.monotonic()
            while self._timers and self._timers[0][0] <= now:
                callback = heapq.heappop(self._timers)[2].callback
                if callback is not None:
                    guarded(callback)

    def _wait(self) -> float:
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else -1


def guarded(callback: Callback) -> None:
    """Run a callback; what it raises goes to stderr (the agent's log) and nowhere else."""
    try:
        callback()
    except Exception:  # one pod's fault must not end the agent of all of them
        traceback.print_exc()
        sys.stderr.flush()


def nonblocking_pipe() -> tuple[int, int]:
    """A pipe whose reading end does not block (the writing end does, as programs expect)."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(reading, False)
    return reading, writing


def ended_pipe() -> int:
    """The reading end of a pipe that nobody writes to."""
    reading, writing = nonblocking_pipe()
    os.close(writing)
    return reading
