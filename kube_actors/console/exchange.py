"""One request: where a command reads its input and writes its output, whoever is at the other end."""

from __future__ import annotations

import abc
import codecs
from collections.abc import AsyncIterator

import trio

from kube_actors.text import visible
from kube_actors.verbs.errors import UsageError
from kube_actors.verbs.session import Session

STDOUT = 1
STDERR = 2
INPUT_LIMIT = 16 << 20
"""Bytes a command takes that wants to have all its input at once (`apply -f -`)."""


class Exchange(abc.ABC):
    """A request under way. `terminal`: output goes to one, so nothing may steer it; `columns` is its width.

    `directory` is where relative paths start, None when nobody said. `resizes` brings new (rows, columns).
    Writing waits until the other end takes it.
    """

    session: Session
    terminal: bool = False
    columns: int = 80
    directory: str | None = None
    resizes: trio.MemoryReceiveChannel[tuple[int, int]]

    @abc.abstractmethod
    async def send(self, stream: int, data: bytes) -> None:
        """Hand bytes to the other end as they are."""

    @abc.abstractmethod
    def input(self) -> AsyncIterator[bytes]:
        """What is typed or piped in, until its end."""

    @abc.abstractmethod
    async def begin_terminal(self) -> None:
        """From now on keys are to be passed on one by one, and output is another terminal's."""

    async def out(self, text: str) -> None:
        """Print text; on a terminal with everything harmful written out."""
        await self.send(STDOUT, self._encoded(text))

    async def line(self, text: str) -> None:
        """Print a line."""
        await self.out(f"{text}\n")

    async def err(self, text: str) -> None:
        """Print a line of errors, warnings or remarks."""
        await self.send(STDERR, self._encoded(f"{text}\n"))

    async def read_input(self) -> bytes:
        """All of the input. UsageError when there is more than `INPUT_LIMIT`."""
        pieces: list[bytes] = []
        size = 0
        async for piece in self.input():
            size += len(piece)
            if size > INPUT_LIMIT:
                raise UsageError(f"the input is larger than {INPUT_LIMIT >> 20} MiB")
            pieces.append(piece)
        return b"".join(pieces)

    def _encoded(self, text: str) -> bytes:
        shown = visible(text) if self.terminal else text
        return shown.encode("utf-8", "surrogateescape")


class ProgramOutput:
    """What a program in a pod prints, on its way to the other end: made harmless for a terminal, else untouched."""

    def __init__(self, exchange: Exchange, stream: int) -> None:
        self._exchange = exchange
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    async def send(self, data: bytes) -> None:
        """Pass a piece on."""
        if self._exchange.terminal:
            data = visible(self._decoder.decode(data)).encode()
        if data:
            await self._exchange.send(self._stream, data)
