"""Bounded ends of a connection: lines that come in, input that waits, output that has to be taken."""

from __future__ import annotations

from collections import deque

import trio

from kube_actors.console.exchange import INPUT_LIMIT
from kube_actors.console.protocol import CHUNK, LINE_LIMIT
from kube_actors.records import define


class LineTooLong(Exception):
    """A line has more than `LINE_LIMIT` bytes."""


class LineReader:
    """Lines of a stream, without their ends. Never keeps more than one line's limit and one read."""

    def __init__(self, stream: trio.abc.ReceiveStream) -> None:
        self._stream = stream
        self._buffer = bytearray()
        self._searched = 0

    async def next(self) -> bytes | None:
        """The next line; None at the end. LineTooLong."""
        while True:
            end = self._buffer.find(b"\n", self._searched)
            if end >= 0:
                line = bytes(self._buffer[:end])
                del self._buffer[: end + 1]
                self._searched = 0
                await trio.lowlevel.checkpoint()
                return line.removesuffix(b"\r")
            self._searched = len(self._buffer)
            if self._searched > LINE_LIMIT:
                raise LineTooLong
            data = await self._stream.receive_some(CHUNK)
            if not data:
                rest, self._buffer = bytes(self._buffer), bytearray()
                return rest or None
            self._buffer += data


class SlowReader(Exception):
    """The other end does not take its output."""


class BoundedSender:
    """Sends on a stream, one at a time, and gives up on a reader that takes nothing for `patience` machine seconds."""

    def __init__(self, stream: trio.abc.SendStream, patience: float) -> None:
        self._stream = stream
        self._patience = patience
        self._lock = trio.Lock()

    async def send(self, data: bytes) -> None:
        """Return when the data has been taken. SlowReader; `trio.BrokenResourceError` when the other end has gone."""
        async with self._lock:
            for start in range(0, len(data), CHUNK):
                with trio.move_on_after(self._patience) as scope:
                    await self._stream.send_all(data[start : start + CHUNK])
                if scope.cancelled_caught:
                    raise SlowReader


@define
class InputBudget:
    """How many bytes of input may wait in all connections together."""

    left: int

    def take(self, size: int) -> bool:
        """Whether there is room for so many more."""
        if size > self.left:
            return False
        self.left -= size
        return True

    def give_back(self, size: int) -> None:
        """They have been read, or are no longer wanted."""
        self.left += size


class InputQueue:
    """Input on its way to a command: never blocks who brings it, and refuses what nobody reads."""

    def __init__(self, budget: InputBudget) -> None:
        self._budget = budget
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._readers = trio.lowlevel.ParkingLot()

    def put(self, data: bytes) -> bool:
        """Take a piece; False when too much waits already. After the end nothing more is taken in."""
        if self._ended:
            return True
        if self._size + len(data) > INPUT_LIMIT + CHUNK or not self._budget.take(len(data)):
            return False
        self._pieces.append(data)
        self._size += len(data)
        self._readers.unpark_all()
        return True

    def end(self) -> None:
        """There is no more."""
        self._ended = True
        self._readers.unpark_all()

    async def get(self) -> bytes | None:
        """The next piece; None at the end."""
        await trio.lowlevel.checkpoint()
        while not self._pieces:
            if self._ended:
                return None
            await self._readers.park()
        piece = self._pieces.popleft()
        self._size -= len(piece)
        self._budget.give_back(len(piece))
        return piece

    def close(self) -> None:
        """Nobody reads any more."""
        self._budget.give_back(self._size)
        self._pieces.clear()
        self._size = 0
        self._ended = True
