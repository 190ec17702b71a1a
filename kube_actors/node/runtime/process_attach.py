"""The streams of a container of the process runtime: the agent copies its output to us, its input is ours to write."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import trio

from kube_actors.node.runtime.agent_link import FINISH_WITHIN, AgentLink
from kube_actors.node.runtime.base import (
    ContainerId,
    RuntimeFailure,
    RuntimeGone,
)
from kube_actors.node.runtime.process_exec import forward, resize_terminal
from kube_actors.node.runtime.sessions import AttachSession


class ProcessAttach(AttachSession):
    """See AttachSession. Owns the descriptors: of the terminal or the input, if the container has one, then of each
    output. `about` is the agent's answer."""

    def __init__(
        self, link: AgentLink, container: ContainerId, about: dict[str, Any], fds: list[int], *, stdin: bool
    ) -> None:
        self._link, self._container = link, container
        self._input = trio.lowlevel.FdStream(fds.pop(0)) if about["tty"] or about["stdin"] else None
        self._terminal = self._input.fileno() if self._input is not None and about["tty"] else None
        self._may_write = stdin and bool(about["stdin"])
        self._once = self._may_write and bool(about["stdin_once"]) and not about["tty"]
        self._outputs = [trio.lowlevel.FdStream(fd) for fd in fds]
        send, self._received = trio.open_memory_channel[tuple[int, bytes]](0)
        with send:
            for number, stream in enumerate(self._outputs, start=1):
                link.start_task(forward, number, stream, send.clone())

    @property
    def ends_with_input(self) -> bool:
        return self._may_write and not self._once

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        async for item in self._received:
            yield item

    async def send_stdin(self, data: bytes) -> None:
        if self._input is None or not self._may_write:
            raise trio.BrokenResourceError("the container has no input")
        await self._input.send_all(data)

    async def close_stdin(self) -> None:
        if self._once and self._input is not None:
            await self._input.aclose()
            await self._link.request("close_stdin", container=list(self._container))

    async def resize(self, rows: int, columns: int) -> None:
        await trio.lowlevel.checkpoint()
        if self._terminal is not None:
            resize_terminal(self._terminal, rows, columns)

    async def aclose(self) -> None:
        with trio.CancelScope(shield=True):
            with trio.move_on_after(FINISH_WITHIN), contextlib.suppress(RuntimeGone, RuntimeFailure):
                await self.close_stdin()
            self._terminal = None
            self._received.close()
            for stream in [*self._outputs, *([self._input] if self._input else [])]:
                await stream.aclose()
