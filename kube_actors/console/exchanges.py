"""The two sorts of requests: a program's, in lines of JSON, and a person's, typed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

import trio

from kube_actors.console.exchange import STDERR, Exchange
from kube_actors.console.protocol import INPUT_CREDIT, Request, line_of, output_line, pieces
from kube_actors.console.streams import BoundedSender, InputBudget, InputQueue
from kube_actors.verbs.session import Session

STOP = b"."
"""A typed line of this alone ends the input of a command, or the command."""


class JsonExchange(Exchange):
    """A request of a program."""

    def __init__(self, session: Session, sender: BoundedSender, budget: InputBudget, request: Request) -> None:
        self.session = session
        self.terminal = request.tty
        self.columns = request.columns
        self.directory = request.directory
        self.id = request.id
        self.scope = trio.CancelScope()
        self.refusal: str | None = None
        self._sizes, self.resizes = trio.open_memory_channel[tuple[int, int]](1)
        self._sender = sender
        self._waiting = InputQueue(budget)
        if request.stdin is not None:
            self.take_input(request.stdin)
            self._waiting.end()
        self._whole = request.stdin is not None

    async def send(self, stream: int, data: bytes) -> None:
        name = "stderr" if stream == STDERR else "stdout"
        for piece in pieces(data):
            await self._sender.send(output_line(self.id, name, piece))

    async def say(self, **said: object) -> None:
        """Tell the client something about the request itself."""
        await self._sender.send(line_of({"id": self.id, **said}))

    async def begin_terminal(self) -> None:
        await self.say(raw=True)

    async def input(self) -> AsyncIterator[bytes]:
        if not self._whole:
            await self.say(input=INPUT_CREDIT)
        while (piece := await self._waiting.get()) is not None:
            yield piece
            if not self._whole and piece:
                await self.say(input=len(piece))

    def take_input(self, data: bytes) -> None:
        """Input has come; the request ends when far too much of it waits."""
        if not self._waiting.put(data):
            self.stop("error: too much input waits for the command to read it")

    def end_input(self) -> None:
        """No more input comes."""
        self._waiting.end()

    def resize(self, rows: int, columns: int) -> None:
        """The newest size counts; one that nobody has seen yet is replaced."""
        with suppress(trio.WouldBlock):
            self.resizes.receive_nowait()
        self._sizes.send_nowait((rows, columns))

    def stop(self, why: str | None = None) -> None:
        """End the request, with a line of explanation."""
        self.refusal = self.refusal or why
        self.scope.cancel()

    def close(self) -> None:
        """The request is over."""
        self._waiting.close()


class TypedExchange(Exchange):
    """A command that a person typed: output goes out as it is, input is what is typed until a line with a dot."""

    terminal = True

    def __init__(self, session: Session, sender: BoundedSender, lines: trio.MemoryReceiveChannel[bytes]) -> None:
        self.session = session
        self._sender = sender
        self._lines = lines
        self.reads_input = False
        self.scope = trio.CancelScope()
        self._sizes, self.resizes = trio.open_memory_channel[tuple[int, int]](1)

    async def send(self, stream: int, data: bytes) -> None:
        await self._sender.send(data)

    async def begin_terminal(self) -> None:
        await trio.lowlevel.checkpoint()

    async def input(self) -> AsyncIterator[bytes]:
        self.reads_input = True
        await self.err("(a line with only a dot ends the input)")
        async for line in self._lines:
            if line == STOP:
                return
            yield line + b"\n"
