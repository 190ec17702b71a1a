"""A command in a container of the engine."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import AsyncIterator

import trio

from kube_actors.node.runtime.base import (
    RuntimeGone,
)
from kube_actors.node.runtime.docker.engine import Engine, EngineError, ExecStream
from kube_actors.node.runtime.sessions import AttachSession, ExecSession

MARK = "KUBE_ACTORS_EXEC"
"""The variable by which everything a command starts is found again, daemons included."""

KILL_SECONDS = 5.0
"""Seconds (of the machine) that leaving a command may take, also for who is cancelled."""


class DockerExec(ExecSession):
    """Its streams; `ended` is told by the runtime, which hears of it from the engine."""

    def __init__(self, engine: Engine, exec_id: str, stream: ExecStream, mark: str) -> None:
        self._engine = engine
        self._id = exec_id
        self._stream = stream
        self._mark = mark
        self._over = trio.Event()
        self._exit_code = 0

    def ended(self, exit_code: int) -> None:
        """The engine said so."""
        self._exit_code = exit_code
        self._over.set()

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        while (piece := await self._stream.receive()) is not None:
            yield piece

    async def send_stdin(self, data: bytes) -> None:
        if self._over.is_set():
            raise trio.BrokenResourceError("the command has ended")
        try:
            await self._stream.send(data)
        except (RuntimeGone, RuntimeError, AssertionError) as error:
            raise trio.BrokenResourceError(str(error)) from None

    async def close_stdin(self) -> None:
        await self._stream.send_eof()

    async def resize(self, rows: int, columns: int) -> None:
        try:
            await self._engine.ask(f"exec/{self._id}/resize", "POST", h=rows, w=columns)
        except EngineError as error:
            if error.status not in (404, 409, 500):  # it has ended, or has no terminal
                raise

    async def wait(self) -> int:
        await self._over.wait()
        return self._exit_code

    async def aclose(self) -> None:
        with trio.move_on_after(KILL_SECONDS, shield=True):
            await self._stream.close()
            await trio.to_thread.run_sync(kill_marked, self._mark, abandon_on_cancel=True)
            await self._over.wait()


class DockerAttach(AttachSession):
    """A container's own streams. The engine itself ends the input of a container with `stdinOnce`."""

    def __init__(self, engine: Engine, engine_id: str, stream: ExecStream, *, once: bool) -> None:
        self._engine, self._id, self._stream, self._once = engine, engine_id, stream, once

    @property
    def ends_with_input(self) -> bool:
        return not self._once

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        while (piece := await self._stream.receive()) is not None:
            yield piece

    async def send_stdin(self, data: bytes) -> None:
        try:
            await self._stream.send(data)
        except (RuntimeGone, RuntimeError, AssertionError) as error:
            raise trio.BrokenResourceError(str(error)) from None

    async def close_stdin(self) -> None:
        if self._once:
            await self._stream.send_eof()

    async def resize(self, rows: int, columns: int) -> None:
        try:
            await self._engine.ask(f"containers/{self._id}/resize", "POST", h=rows, w=columns)
        except EngineError as error:
            if error.status not in (404, 409, 500):  # it has ended, or has no terminal
                raise

    async def aclose(self) -> None:
        with trio.move_on_after(KILL_SECONDS, shield=True):
            await self._stream.close()


def kill_marked(mark: str) -> None:
    """SIGKILL every process of the machine whose environment has the mark, until none is left to start another; for
    `KILL_SECONDS` at the most, as one that sleeps in the kernel ends when it wakes."""
    deadline = time.monotonic() + KILL_SECONDS
    while _kill_once(f"{MARK}={mark}\0".encode()) and time.monotonic() < deadline:
        time.sleep(0.005)


def _kill_once(wanted: bytes) -> bool:
    """Whether there were any."""
    found = False
    for entry in os.listdir("/proc"):
        if not entry.isdecimal():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                if wanted not in file.read():
                    continue
            os.kill(int(entry), signal.SIGKILL)
            found = True
        except OSError:  # gone meanwhile, or not ours to look at
            continue
    return found
