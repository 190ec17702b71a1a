"""The other end of the console for programs: any number of commands at once over one connection.

async with connect(state.console_socket) as console:
    answer = await console.run(["get", "pods", "-o", "json"])
    if answer.exit_code == 0: ...
"""

from __future__ import annotations

import math
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import trio

from kube_actors.api.codecs import json
from kube_actors.console.protocol import CHUNK, input_line, line_of, output_of
from kube_actors.errors import KubeActorsError
from kube_actors.records import frozen

STDOUT = 1
STDERR = 2


class ConsoleUnavailable(KubeActorsError):
    """Nobody answers at the console's socket, or the connection was lost."""


@frozen
class Answer:
    """How a command ended and what it printed."""

    exit_code: int
    stdout: bytes
    stderr: bytes


class Call:
    """A command under way. Read `output` to its end, or leave by `cancel`."""

    def __init__(self, client: ConsoleClient, id: int) -> None:
        self.id = id
        self.raw = trio.Event()
        """Set when a remote terminal has begun."""
        self._client = client
        self._exit_code: int | None = None
        self._is_over = False
        self._put, self._output = trio.open_memory_channel[tuple[int, bytes]](math.inf)
        self._credit = 0
        self._credited = trio.lowlevel.ParkingLot()

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """(1 or 2, bytes) as they come, until the command has ended. ConsoleUnavailable when the connection is lost."""
        async for piece in self._output:
            yield piece
        if self._exit_code is None:
            raise ConsoleUnavailable("the connection to the cluster was lost")

    @property
    def exit_code(self) -> int:
        """How it ended; known when `output` has come to its end."""
        assert self._exit_code is not None, "the command has not ended"
        return self._exit_code

    async def send_stdin(self, data: bytes) -> None:
        """Hand input to the command, no faster than it reads. One that is over, or lost, takes no more."""
        for start in range(0, len(data), CHUNK):
            piece = data[start : start + CHUNK]
            while self._credit < len(piece) and not self._is_over:
                await self._credited.park()
            if self._is_over:
                return
            self._credit -= len(piece)
            await self._client._send(input_line(self.id, piece))

    async def close_stdin(self) -> None:
        """End of input."""
        await self._client._send(line_of({"id": self.id, "eof": True}))

    async def resize(self, rows: int, columns: int) -> None:
        """The terminal has another size."""
        await self._client._send(line_of({"id": self.id, "resize": [rows, columns]}))

    async def cancel(self) -> None:
        """It is no longer wanted; its output ends soon."""
        await self._client._send(line_of({"id": self.id, "cancel": True}))

    def _hear(self, said: dict[str, Any]) -> None:
        """A line of the server about this command."""
        if "stream" in said:
            self._put.send_nowait((STDERR if said["stream"] == "stderr" else STDOUT, output_of(said)))
        elif "input" in said:
            self._credit += said["input"]
            self._credited.unpark_all()
        elif "raw" in said:
            self.raw.set()
        elif "exit" in said:
            self._exit_code = said["exit"]
            self._close()

    def _close(self) -> None:
        self._is_over = True
        self._put.close()
        self._credited.unpark_all()


class ConsoleClient:
    """A connection to the console of a running cluster; made by `connect`."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._sending = trio.Lock()
        self._calls: dict[int, Call] = {}
        self._ids = count(1)

    async def start(
        self,
        argv: Sequence[str],
        *,
        tty: bool = False,
        columns: int = 80,
        directory: str | None = None,
    ) -> Call:
        """Begin a command. Its input is open for `send_stdin` until `close_stdin`."""
        call = Call(self, next(self._ids))
        self._calls[call.id] = call
        where = os.getcwd() if directory is None else directory
        request = {"id": call.id, "argv": list(argv), "tty": tty, "columns": columns, "directory": where}
        await self._send(line_of(request))
        return call

    async def run(self, argv: Sequence[str], *, stdin: bytes = b"") -> Answer:
        """Run a command to its end. ConsoleUnavailable when the connection is lost."""
        printed: dict[int, list[bytes]] = {STDOUT: [], STDERR: []}
        call = await self.start(argv)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_feed, call, stdin)
            async for stream, data in call.output():
                printed[stream].append(data)
            nursery.cancel_scope.cancel()
        return Answer(call.exit_code, b"".join(printed[STDOUT]), b"".join(printed[STDERR]))

    async def _send(self, line: bytes) -> None:
        try:
            async with self._sending:
                await self._stream.send_all(line)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise ConsoleUnavailable("the connection to the cluster was lost") from error

    async def _listen(self) -> None:
        buffer = b""
        try:
            while data := await self._stream.receive_some(CHUNK):
                *lines, buffer = (buffer + data).split(b"\n")
                for line in lines:
                    self._hear(json.loads_trusted(line))
        except (trio.BrokenResourceError, trio.ClosedResourceError, ValueError):
            pass  # every command under way learns of it below
        for call in self._calls.values():
            call._close()

    def _hear(self, said: dict[str, Any]) -> None:
        call = self._calls.get(said.get("id", 0))
        if call is not None:
            call._hear(said)
            if "exit" in said:
                del self._calls[call.id]


async def _feed(call: Call, stdin: bytes) -> None:
    await call.send_stdin(stdin)
    await call.close_stdin()


@asynccontextmanager
async def connect(path: Path) -> AsyncIterator[ConsoleClient]:
    """A client for as long as the block. ConsoleUnavailable when nobody answers at `path`."""
    try:
        stream = await trio.open_unix_socket(path)
    except OSError as error:
        raise ConsoleUnavailable(f"no cluster answers at {path}: {error.strerror}") from error
    client = ConsoleClient(stream)
    body_error: Exception | None = None
    async with stream, trio.open_nursery() as nursery:
        nursery.start_soon(client._listen)
        try:
            yield client
        except Exception as error:  # raised again below, outside the nursery, so that it is not wrapped
            body_error = error
        finally:
            nursery.cancel_scope.cancel()
    if body_error is not None:
        raise body_error
