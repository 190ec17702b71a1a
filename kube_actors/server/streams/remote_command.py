"""A command and its client brought together: output one way, input and sizes the other, and in the end a status."""

from __future__ import annotations

import contextlib
import math
from typing import Any, Final

import attrs
import trio

from kube_actors.errors import ApiError
from kube_actors.node.runtime.base import ExecSession, RuntimeGone
from kube_actors.server.streams.client_streams import ClientStreams

STDIN_PIECES: Final = 16
"""Pieces of input (of up to 64 KiB) that wait for a program that does not read, before the client has to."""
DRAIN_SECONDS: Final = 1.0
"""Machine seconds without output after which a command that has ended is done, though something it left holds it."""
SUCCESS: Final[dict[str, Any]] = {"metadata": {}, "status": "Success"}
GONE: Final = (trio.BrokenResourceError, trio.ClosedResourceError)


async def run_command(client: ClientStreams, command: ExecSession) -> int | None:
    """Serve the client until the command has ended; its exit code, or None when the client left before.

    RuntimeGone when the runtime was lost meanwhile. The command is not closed: that is the caller's.
    """
    code: int | None = None
    async with trio.open_nursery() as nursery:
        sink = _CommandInput(command)
        nursery.start_soon(sink.run)

        async def serve_input() -> None:
            await client.serve_input(sink)
            nursery.cancel_scope.cancel()  # the client has left: nobody is there for the rest

        nursery.start_soon(serve_input)
        try:
            code = await _pass_output(client, command)
        except GONE:
            code = None
        nursery.cancel_scope.cancel()
    return code


async def _pass_output(client: ClientStreams, command: ExecSession) -> int:
    """Pass everything on that the command prints; its exit code."""
    idle = trio.CancelScope()
    code = 0

    async def wait_for_end() -> None:
        nonlocal code
        code = await command.wait()
        idle.deadline = min(idle.deadline, trio.current_time() + DRAIN_SECONDS)
        ended.set()

    ended = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait_for_end)
        output = command.output()
        with idle:
            async for stream, data in output:
                idle.deadline = math.inf
                await client.send(stream, data)
                if ended.is_set():
                    idle.deadline = trio.current_time() + DRAIN_SECONDS
        await ended.wait()
    return code


@attrs.define(eq=False)
class _CommandInput:
    """Hands the client's input on to the command; input nobody reads any more is dropped."""

    command: ExecSession
    _send: trio.MemorySendChannel[bytes] = attrs.field(init=False)
    _receive: trio.MemoryReceiveChannel[bytes] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel[bytes](STDIN_PIECES)

    async def run(self) -> None:
        """Feed the command until its input has ended."""
        reads = True
        async for data in self._receive:
            if reads:
                try:
                    await self.command.send_stdin(data)
                except GONE:
                    reads = False
        with contextlib.suppress(*GONE):
            await self.command.close_stdin()

    async def stdin(self, data: bytes) -> None:
        with contextlib.suppress(*GONE):
            await self._send.send(data)

    async def stdin_ended(self) -> None:
        await trio.lowlevel.checkpoint()
        self._send.close()

    async def resized(self, rows: int, columns: int) -> None:
        await self.command.resize(rows, columns)


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
