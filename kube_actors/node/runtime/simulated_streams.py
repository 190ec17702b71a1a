"""What a simulated container says when somebody talks to it: a handful of commands, and an HTTP server of one line.

Neither has a task of its own: they answer when they are asked.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import trio

from kube_actors.node.runtime.sessions import AttachSession, ExecSession
from kube_actors.records import frozen

if TYPE_CHECKING:
    from kube_actors.kernel import ClusterClock, Timer

KILLED = 137


@frozen
class Surroundings:
    """What commands can see of their container."""

    hostname: str
    env: tuple[tuple[str, str], ...] = ()


class SimulatedExec(ExecSession):
    """A command: `echo`, `cat`, `env`, `hostname`, `true`, `false`, `exit N` and `sleep N` do what they say, also as
    the one command of `sh -c`; any other prints that it was simulated and succeeds. Sleeping is on cluster time."""

    def __init__(self, argv: tuple[str, ...], surroundings: Surroundings, clock: ClusterClock) -> None:
        self._output, self._printed = trio.open_memory_channel[tuple[int, bytes]](math.inf)
        self._ended = trio.Event()
        self._exit_code = 0
        self._copies_input = False
        self._timer: Timer | None = None
        self._begin(_command_of(argv), surroundings, clock)

    def _begin(self, command: list[str], surroundings: Surroundings, clock: ClusterClock) -> None:
        match command:
            case ["true"]:
                self.end(0)
            case ["false"]:
                self.end(1)
            case ["exit", code] if code.isdecimal():
                self.end(int(code) & 255)
            case ["echo", *words]:
                self._print(" ".join(words))
                self.end(0)
            case ["hostname"]:
                self._print(surroundings.hostname)
                self.end(0)
            case ["env"]:
                self._print("\n".join(f"{name}={value}" for name, value in surroundings.env))
                self.end(0)
            case ["cat"]:
                self._copies_input = True
            case ["sleep", seconds] if seconds.replace(".", "", 1).isdecimal():
                self._timer = clock.call_at(clock.now() + float(seconds), lambda: self.end(0))
            case _:
                self._print(f"simulated: {shlex.join(command)}")
                self.end(0)

    def _print(self, text: str) -> None:
        self._output.send_nowait((1, f"{text}\n".encode()))

    def end(self, exit_code: int) -> None:
        """The command is over, by itself or with its container; later calls change nothing."""
        if self._ended.is_set():
            return
        if self._timer is not None:
            self._timer.cancel()
        self._exit_code = exit_code
        self._output.close()
        self._ended.set()

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self._ended.is_set()

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        async for piece in self._printed:
            yield piece

    async def send_stdin(self, data: bytes) -> None:
        await trio.lowlevel.checkpoint()
        if self.ended:
            raise trio.BrokenResourceError("the command has ended")
        if self._copies_input:
            self._output.send_nowait((1, data))

    async def close_stdin(self) -> None:
        await trio.lowlevel.checkpoint()
        if self._copies_input:
            self.end(0)

    async def resize(self, rows: int, columns: int) -> None:
        await trio.lowlevel.checkpoint()

    async def wait(self) -> int:
        await self._ended.wait()
        return self._exit_code

    async def aclose(self) -> None:
        self.end(KILLED)
        await trio.lowlevel.checkpoint()


class SimulatedAttach(AttachSession):
    """A simulated container's streams: what it writes to its log from now on. It swallows what it is told."""

    def __init__(self) -> None:
        self._output, self._printed = trio.open_memory_channel[tuple[int, bytes]](math.inf)
        self.over = False

    @property
    def ends_with_input(self) -> bool:
        return True

    def print(self, text: str) -> None:
        """The container says something."""
        if not self.over:
            self._output.send_nowait((1, f"{text}\n".encode()))

    def end(self) -> None:
        """The container has ended, or the client has left."""
        self.over = True
        self._output.close()

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        async for piece in self._printed:
            yield piece

    async def send_stdin(self, data: bytes) -> None:
        await trio.lowlevel.checkpoint()
        if self.over:
            raise trio.BrokenResourceError("the container has ended")

    async def close_stdin(self) -> None:
        await trio.lowlevel.checkpoint()

    async def resize(self, rows: int, columns: int) -> None:
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        self.end()
        await trio.lowlevel.checkpoint()


def _command_of(argv: tuple[str, ...]) -> list[str]:
    """The words of the command, taken out of `sh -c` when that is all there is."""
    shells = ("sh", "/bin/sh", "bash", "/bin/bash")
    if len(argv) == 3 and argv[0] in shells and argv[1] == "-c":
        try:
            return shlex.split(argv[2])
        except ValueError:
            return list(argv)
    return list(argv)


class SimulatedConnection(trio.abc.HalfCloseableStream):
    """A connection to a container that answers every HTTP request with 200 and `text`, for as long as `alive` holds."""

    def __init__(self, text: str, alive: Callable[[], bool]) -> None:
        self._body = f"{text}\n".encode()
        self._alive = alive
        self._asked = bytearray()
        self._answers = bytearray()
        self._no_more_answers = False
        self._closed = False
        self._readers = trio.lowlevel.ParkingLot()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()
        if self._closed:
            raise trio.ClosedResourceError("the connection was closed")
        if not self._alive():
            raise trio.BrokenResourceError("the simulated container no longer answers")
        self._asked += data
        while not self._no_more_answers and (request := self._take_request()) is not None:
            self._answer(request)
        self._readers.unpark_all()

    def _take_request(self) -> bytes | None:
        """The next complete request's head; its body is taken off as well."""
        head, end, rest = bytes(self._asked).partition(b"\r\n\r\n")
        length = _content_length(head)
        if not end or len(rest) < length:
            return None
        del self._asked[: len(head) + len(end) + length]
        return head

    def _answer(self, head: bytes) -> None:
        lines = head.lower().split(b"\r\n")
        words = lines[0].split()
        if len(words) != 3 or not words[2].startswith(b"http/1."):
            self._no_more_answers = True
            return
        self._no_more_answers = b"connection: close" in lines or words[2] == b"http/1.0"
        self._answers += b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
        self._answers += b"Content-Length: %d\r\n" % len(self._body)
        self._answers += b"Connection: close\r\n\r\n" if self._no_more_answers else b"\r\n"
        self._answers += b"" if words[0] == b"head" else self._body

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        while not self._answers and not self._no_more_answers and not self._closed:
            await self._readers.park()
        if self._closed:
            raise trio.ClosedResourceError("the connection was closed")
        piece = bytes(self._answers[:max_bytes])
        del self._answers[: len(piece)]
        return piece

    async def send_eof(self) -> None:
        await trio.lowlevel.checkpoint()
        self._no_more_answers = True
        self._readers.unpark_all()

    async def aclose(self) -> None:
        self._closed = True
        self._readers.unpark_all()
        await trio.lowlevel.checkpoint()


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length" and value.strip().isdigit():
            return int(value)
    return 0
