"""A program and its client brought together: output one way, input and sizes the other, and in the end a status."""

from __future__ import annotations

import contextlib
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import attrs
import trio

from kube_actors.errors import ApiError
from kube_actors.node.runtime.base import (
    RuntimeGone,
)
from kube_actors.node.runtime.sessions import AttachSession, ExecSession, StreamSession
from kube_actors.records import define
from kube_actors.server.streams.client_streams import ClientStreams

STDIN_PIECES: Final = 16
"""Pieces of input (of up to 64 KiB) that wait for a program that does not read, before the client has to."""
DRAIN_SECONDS: Final = 1.0
"""Machine seconds without output after which a command that has ended is done, though something it left holds it."""
SUCCESS: Final[dict[str, Any]] = {"metadata": {}, "status": "Success"}
GONE: Final = (trio.BrokenResourceError, trio.ClosedResourceError)


async def run_command(client: ClientStreams, command: ExecSession, *, tty: bool) -> int | None:
    """Serve the client until the command has ended; its exit code, or None when the client left before.

    A client that leaves does not end the command, as in Kubernetes: it gets all that was sent to it and then the end of
    its input, and goes on with nobody to hear it. Only one with a terminal is left to its end with the session.
    RuntimeGone when the runtime was lost meanwhile. The command is not closed: that is the caller's.
    """
    end, listener = _CommandEnd(command), _Listener(client)
    async with trio.open_nursery() as nursery:
        sink = _ProgramInput(command)

        async def serve_input() -> None:
            await client.serve_input(sink)
            listener.leave()
            await sink.stdin_ended()
            if tty:
                nursery.cancel_scope.cancel()
            with contextlib.suppress(*GONE):
                await client.hang_up()

        nursery.start_soon(sink.run)
        nursery.start_soon(serve_input)
        async with trio.open_nursery() as running:
            running.start_soon(end.wait)
            await _pass_output(listener, command, end)
        nursery.cancel_scope.cancel()
    if end.lost is not None:
        raise end.lost
    return None if listener.left else end.code


@define(eq=False)
class _Listener:
    """Takes output for the client, and drops it once the client has left."""

    client: ClientStreams
    _presence: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    left: bool = attrs.field(default=False, init=False)

    def leave(self) -> None:
        """The client has left: what is being sent to it is given up."""
        self.left = True
        self._presence.cancel()

    async def send(self, stream: int, data: bytes) -> None:
        """Pass it on, however long the client takes."""
        if not self.left:
            with trio.CancelScope() as self._presence, contextlib.suppress(*GONE):
                await self.client.send(stream, data)


@define(eq=False)
class _CommandEnd:
    """How the command ended, once it has; `idle` ends the wait for its output some time after."""

    command: ExecSession
    code: int = 0
    lost: RuntimeGone | None = None
    over: bool = False
    idle: trio.CancelScope = attrs.field(factory=trio.CancelScope)

    async def wait(self) -> None:
        try:
            self.code = await self.command.wait()
        except RuntimeGone as error:
            self.lost = error
        self.over = True
        self.restart_idle()

    def restart_idle(self) -> None:
        """Output came, or the command ended: there may be more for a while."""
        self.idle.deadline = trio.current_time() + DRAIN_SECONDS if self.over else math.inf


async def _pass_output(client: _Listener, command: ExecSession, end: _CommandEnd) -> None:
    """Pass on everything the command prints. A client that is slow to take it loses nothing."""
    with end.idle:
        async for stream, data in command.output():
            end.idle.deadline = math.inf
            await client.send(stream, data)
            end.restart_idle()


async def run_attached(client: ClientStreams, attached: AttachSession, *, stdin: bool) -> bool:
    """Serve the client until the container has ended, or the client's input where that is the end; False when the
    client left before. The session is not closed: that is the caller's."""
    done = False
    async with _input_served(client, attached) as input_ended, trio.open_nursery() as nursery:

        async def end_with_input() -> None:
            await input_ended.wait()
            await trio.sleep(DRAIN_SECONDS)  # what the container answers to the last of it
            nursery.cancel_scope.cancel()

        if stdin and attached.ends_with_input:
            nursery.start_soon(end_with_input)
        async for stream, data in attached.output():
            await client.send(stream, data)
        done = True
        nursery.cancel_scope.cancel()
    return done or input_ended.is_set()


@asynccontextmanager
async def _input_served(client: ClientStreams, program: StreamSession) -> AsyncIterator[trio.Event]:
    """Pass the client's input on while the block runs, which is cancelled when the client leaves. The event tells that
    the client's input has ended."""
    async with trio.open_nursery() as nursery:
        sink = _ProgramInput(program)
        nursery.start_soon(sink.run)

        async def serve_input() -> None:
            await client.serve_input(sink)
            nursery.cancel_scope.cancel()  # the client has left: nobody is there for the rest

        nursery.start_soon(serve_input)
        with contextlib.suppress(*GONE):
            yield sink.ended
        nursery.cancel_scope.cancel()


@define(eq=False)
class _ProgramInput:
    """Hands the client's input on to the program; input nobody reads any more is dropped."""

    program: StreamSession
    ended: trio.Event = attrs.field(factory=trio.Event, init=False)
    _send: trio.MemorySendChannel[bytes] = attrs.field(init=False)
    _receive: trio.MemoryReceiveChannel[bytes] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel[bytes](STDIN_PIECES)

    async def run(self) -> None:
        """Feed the program until its input has ended."""
        reads = True
        async for data in self._receive:
            if reads:
                try:
                    await self.program.send_stdin(data)
                except GONE:
                    reads = False
        with contextlib.suppress(*GONE):
            await self.program.close_stdin()
        self.ended.set()

    async def stdin(self, data: bytes) -> None:
        with contextlib.suppress(*GONE):
            await self._send.send(data)

    async def stdin_ended(self) -> None:
        await trio.lowlevel.checkpoint()
        self._send.close()

    async def resized(self, rows: int, columns: int) -> None:
        await self.program.resize(rows, columns)


def status_of_exit(code: int, argv: tuple[str, ...]) -> dict[str, Any]:
    """How a command ended, as `Status`: success, or its exit code as a cause."""
    if code == 0:
        return SUCCESS
    said = f"error executing command [{' '.join(argv)}], exit code {code}"
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: {said}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def status_of_error(error: Exception, what: str) -> dict[str, Any]:
    """A command that could not begin or was lost, as `Status`: `what` says what was being done."""
    if isinstance(error, ApiError):
        return error.status()
    gone = "the container runtime went away: " if isinstance(error, RuntimeGone) else ""
    message = f"Internal error occurred: {what}: {gone}{error}"
    return ApiError("InternalError", 500, message).status()
