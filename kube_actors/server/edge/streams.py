"""Streams that an answer writes to or takes over."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from kube_actors.log import Log
from kube_actors.server.edge.bodies import Body, slices
from kube_actors.server.edge.heads import chunk
from kube_actors.server.edge.line import Line, is_going
from kube_actors.server.http import HttpRequest, Send

_SLICE: Final = 64 << 10
"""Bytes of a stream that are sent, and so kept, at a time: thousands of clients may not be reading theirs."""

log = Log(__name__)


class WithLeftover(trio.abc.Stream):
    """A connection after an upgrade: begins with what the client has sent already. Closing it is the edge's business,
    but allowed."""

    def __init__(self, leftover: bytes, stream: trio.abc.Stream) -> None:
        self._leftover, self._stream = leftover, stream

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """As `trio.abc.ReceiveStream`."""
        if not self._leftover:
            return await self._stream.receive_some(max_bytes)
        await trio.lowlevel.checkpoint()
        size = len(self._leftover) if max_bytes is None else max_bytes
        data, self._leftover = self._leftover[:size], self._leftover[size:]
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """As `trio.abc.SendStream`."""
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """As `trio.abc.SendStream`."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """As `trio.abc.AsyncResource`."""
        await self._stream.aclose()


class StreamAnswer:
    """An answer in parts. `whole`: it came to an end that the client may take for one.

    It ends when its handler is done with it, when the client goes away, or (between two parts) by `end`.
    """

    def __init__(self, request: HttpRequest, line: Line, *, chunked: bool) -> None:
        self.whole = True
        self._request, self._line, self._chunked = request, line, chunked
        self._scope = trio.CancelScope()
        self._sending = self._ending = self._gone = False

    def end(self) -> None:
        """End it, but not in the middle of a part."""
        self._ending = True
        if not self._sending:
            self._scope.cancel()

    async def run(self, write: Callable[[Send], Awaitable[None]], until_gone: Callable[[], Awaitable[None]]) -> None:
        """Let `write` send its parts for as long as `until_gone` does not return."""
        with self._scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._leave_when, until_gone)
                try:
                    await write(self._part)
                except Exception as error:  # a handler's fault or the client's going: the stream ends here either way
                    self._failed(error)
                nursery.cancel_scope.cancel()
        self.whole = self.whole and not self._sending and not self._gone

    async def _part(self, data: Body, /) -> None:
        self._sending = True  # stays so when this is cancelled or fails: the rest of a part cannot be left out
        whole = (data,) if isinstance(data, bytes) and 0 < len(data) <= _SLICE else None
        for piece in whole or slices(data, size=_SLICE):
            await self._line.send(chunk(piece) if self._chunked else piece)
            await trio.lowlevel.checkpoint()
        self._sending = False
        if self._ending:
            self._scope.cancel()

    def _failed(self, error: Exception) -> None:
        self.whole = False
        if not is_going(error):
            text = "".join(traceback.format_exception(error))
            log.error("a stream failed", method=self._request.method, path=self._request.path, traceback=text)

    async def _leave_when(self, until_gone: Callable[[], Awaitable[None]]) -> None:
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await until_gone()
        self._gone = True
        self._scope.cancel()
