"""Copies of a container's output for those who are attached to it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kube_actors.node.agent.logs import LogFile, LogPump
from kube_actors.node.agent.loop import Callback, Loop, Timer, nonblocking_pipe

FLOOD = 4 * 1024 * 1024
LINES = (b"x" * 1023 + b"\n") * 32


class HurriedLoop(Loop):
    """Time goes a hundred times as fast."""

    def call_later(self, seconds: float, callback: Callback) -> Timer:
        """As the loop does."""
        return super().call_later(seconds / 100, callback)


class Pumped:
    """A stream that is pumped to a log, and whoever attaches to it."""

    def __init__(self, path: Path) -> None:
        self.loop = HurriedLoop()
        self.path = path
        reading, self.container = nonblocking_pipe()
        os.set_blocking(self.container, False)
        self.ended = False
        self.pump = LogPump(self.loop, reading, "stdout", LogFile(str(path), 1 << 30, 1), self._over)

    def _over(self) -> None:
        self.ended = True

    def attach(self) -> int:
        """A client's end."""
        reading, writing = nonblocking_pipe()
        self.pump.attach(writing)
        return reading

    def run(self, until: Callable[[], bool], seconds: float = 2000.0) -> None:
        """Let the loop run until something is so."""
        gave_up = False

        def look() -> None:
            if until() or gave_up:
                self.loop.stop()
            else:
                self.loop.call_later(0.01, look)

        def give_up() -> None:
            nonlocal gave_up
            gave_up = True

        self.loop._running = True
        self.loop.call_later(0, look)
        timer = self.loop.call_later(seconds, give_up)
        self.loop.run()
        timer.cancel()
        assert not gave_up, "it did not come to that"

    def print(self, data: bytes) -> int:
        """The container prints what the pipe takes."""
        try:
            return os.write(self.container, data)
        except BlockingIOError:
            return 0


@pytest.fixture
def pumped(tmp_path: Path) -> Iterator[Pumped]:
    """A container's stdout."""
    pumped = Pumped(tmp_path / "0.log")
    yield pumped
    pumped.pump.close()
    pumped.loop.close()


def read(fd: int) -> bytes:
    """What is there now."""
    try:
        return os.read(fd, 1 << 20)
    except BlockingIOError:
        return b""


def test_a_client_gets_a_copy_and_the_end(pumped: Pumped) -> None:
    """From now on, beside the log."""
    pumped.print(b"before\n")
    pumped.run(lambda: b"before" in pumped.path.read_bytes())
    client = pumped.attach()
    pumped.print(b"after\n")
    got = bytearray()

    def heard() -> bool:
        got.extend(read(client))
        return bool(got)

    pumped.run(heard)
    assert got == b"after\n"
    os.close(pumped.container)
    pumped.run(lambda: pumped.ended)
    assert os.read(client, 10) == b""


def test_who_does_not_read_holds_the_container_up(pumped: Pumped) -> None:
    """It loses nothing of what is printed, however slowly it reads."""
    client = pumped.attach()
    printed, got = 0, bytearray()

    def stuck() -> bool:
        nonlocal printed
        more = pumped.print(LINES)
        printed += more
        return not more and pumped.pump._paused

    pumped.run(stuck)
    assert pumped.pump._paused
    os.close(pumped.container)

    def all_read() -> bool:
        got.extend(read(client))
        return pumped.ended and len(got) >= printed

    pumped.run(all_read)
    assert len(got) == printed


def test_who_never_reads_is_let_go(pumped: Pumped) -> None:
    """The container and its log go on without it."""
    client = pumped.attach()
    printed = 0

    def all_printed() -> bool:
        nonlocal printed
        printed += pumped.print(LINES)
        return printed >= FLOOD

    pumped.run(all_printed)
    os.close(client)


def test_who_has_left_is_forgotten(pumped: Pumped) -> None:
    """Nothing waits for it."""
    os.close(pumped.attach())
    printed = 0

    def all_printed() -> bool:
        nonlocal printed
        printed += pumped.print(LINES)
        return printed >= FLOOD

    pumped.run(all_printed)
    assert pumped.pump._taps == []
