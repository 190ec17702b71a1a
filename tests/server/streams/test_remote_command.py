"""A command and its client: what happens to the one when the other leaves."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from typing import Any

import attrs
import trio

from kube_actors.node.runtime.sessions import ExecSession
from kube_actors.records import define
from kube_actors.server.streams.client_streams import ClientStreams, InputSink
from kube_actors.server.streams.remote_command import run_command

PIECES = 40
"""More than wait for a command that does not read."""


@define(eq=False)
class Leaver(ClientStreams):
    """A client that sends pieces of input and leaves; with `waits` it stays until then."""

    pieces: int = PIECES
    waits: trio.Event | None = None
    heard: list[bytes] = attrs.field(factory=list)
    hung_up: bool = False

    async def serve_input(self, sink: InputSink) -> None:
        for number in range(self.pieces):
            await sink.stdin(b"%d " % number)
        if self.waits is not None:
            await self.waits.wait()

    async def send(self, stream: int, data: bytes) -> None:
        self.heard.append(data)

    async def finish(self, status: dict[str, Any]) -> None:
        raise AssertionError("nobody is told how it ended")

    async def hang_up(self) -> None:
        self.hung_up = True
        raise trio.BrokenResourceError


class Copier(ExecSession):
    """A command that reads its input slowly, prints how much it was, and ends with `code` after it."""

    def __init__(self, code: int) -> None:
        self.read = b""
        self._code = code
        self._ended = trio.Event()
        self._print, self._printed = trio.open_memory_channel[tuple[int, bytes]](math.inf)

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        async for item in self._printed:
            yield item

    async def send_stdin(self, data: bytes) -> None:
        for _ in range(5):
            await trio.lowlevel.checkpoint()
        self.read += data

    async def close_stdin(self) -> None:
        self._print.send_nowait((1, b"%d" % len(self.read)))
        self._print.close()
        self._ended.set()

    async def resize(self, rows: int, columns: int) -> None:
        raise AssertionError("there is no terminal")

    async def wait(self) -> int:
        await self._ended.wait()
        return self._code

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


async def test_a_command_outlives_its_client() -> None:
    """It gets all that was sent, then the end of its input, and runs to its end with nobody to hear it."""
    client, command = Leaver(), Copier(3)
    with trio.fail_after(30):
        assert await run_command(client, command, tty=False) is None
    assert command.read == b"".join(b"%d " % number for number in range(PIECES))
    assert (client.heard, client.hung_up) == ([], True)


async def test_a_command_with_a_terminal_is_left() -> None:
    """As when the line is cut: whoever closes the session then ends it."""
    command = Copier(0)
    with trio.fail_after(30):
        assert await run_command(Leaver(0), command, tty=True) is None
    assert command.read == b""


async def test_output_for_a_client_that_does_not_take_it() -> None:
    """What is being sent when it leaves is given up, and the command goes on."""

    class Deaf(Leaver):
        async def send(self, stream: int, data: bytes) -> None:
            self.waits.set()  # type: ignore[union-attr]
            await trio.sleep_forever()

    client, command = Deaf(1, trio.Event()), Copier(0)
    await command.close_stdin()
    with trio.fail_after(30):
        assert await run_command(client, command, tty=False) is None
