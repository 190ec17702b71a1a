"""A command in a container of the process runtime: the streams are ours, the agent keeps the process."""

from __future__ import annotations

import contextlib
import fcntl
import struct
import termios
from collections.abc import AsyncIterator

import trio

from kube_actors.node.runtime.agent_link import FINISH_WITHIN, AgentLink
from kube_actors.node.runtime.base import (
    RuntimeFailure,
    RuntimeGone,
)
from kube_actors.node.runtime.sessions import ExecSession

_CHUNK = 64 * 1024


class ProcessExec(ExecSession):
    """See ExecSession. Owns the descriptors; `on_end` is called once when it was left."""

    def __init__(self, link: AgentLink, number: int, fds: list[int], *, stdin: bool, tty: bool) -> None:
        self._link, self._number = link, number
        self._terminal = fds[0] if tty else None
        self._code: int | None = None
        self._lost = False
        self._done = trio.Event()
        self._stdin: trio.lowlevel.FdStream | None
        if tty:
            stream = trio.lowlevel.FdStream(fds[0])
            self._stdin, self._outputs = (stream if stdin else None), [(1, stream)]
        else:
            streams = [trio.lowlevel.FdStream(fd) for fd in fds]
            self._stdin = streams.pop(0) if stdin else None
            self._outputs = [(1, streams[0]), (2, streams[1])]
        send, self._received = trio.open_memory_channel[tuple[int, bytes]](0)
        with send:
            for stream_number, stream in self._outputs:
                link.start_task(forward, stream_number, stream, send.clone())

    def ended(self, code: int | None) -> None:
        """The agent reported the end (None: it was lost)."""
        self._code, self._lost = code, code is None
        self._done.set()

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        async for item in self._received:
            yield item

    async def send_stdin(self, data: bytes) -> None:
        if self._stdin is None:
            raise trio.BrokenResourceError("the command has no stdin")
        await self._stdin.send_all(data)

    async def close_stdin(self) -> None:
        if self._stdin is None:
            return
        if self._terminal is not None:
            with contextlib.suppress(trio.BrokenResourceError):
                await self._stdin.send_all(b"\x04")  # what a person types to end input
        else:
            await self._stdin.aclose()

    async def resize(self, rows: int, columns: int) -> None:
        await trio.lowlevel.checkpoint()
        if self._terminal is not None:
            resize_terminal(self._terminal, rows, columns)

    async def wait(self) -> int:
        await self._done.wait()
        if self._code is None:
            raise RuntimeGone("the agent went away while the command ran")
        return self._code

    async def aclose(self) -> None:
        with trio.CancelScope(shield=True):
            if not self._done.is_set():
                with trio.move_on_after(FINISH_WITHIN), contextlib.suppress(RuntimeGone, RuntimeFailure):
                    await self._link.request("kill_exec", exec=self._number)
                    await self._done.wait()
            self._terminal = None
            self._received.close()
            for stream in [stream for _, stream in self._outputs] + ([self._stdin] if self._stdin else []):
                await stream.aclose()


def resize_terminal(master: int, rows: int, columns: int) -> None:
    """Set a terminal's size; its programs get SIGWINCH. One whose programs have gone needs none."""
    with contextlib.suppress(OSError):
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))


async def forward(number: int, stream: trio.lowlevel.FdStream, send: trio.MemorySendChannel[tuple[int, bytes]]) -> None:
    """Pass a stream on until it ends (a terminal ends with an error) or nobody takes it any more."""
    async with send:
        with contextlib.suppress(OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            while data := await stream.receive_some(_CHUNK):
                await send.send((number, bytes(data)))
