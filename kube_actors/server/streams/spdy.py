"""A SPDY/3.1 connection on a trio stream: the client opens streams, we take them.

Memory is bounded for the connection as a whole: when its streams together hold `LARGEST_WAITING` bytes that nobody has
taken, nothing more is read. A stream whose reader has left swallows what still comes for it.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Mapping
from typing import Final

import trio

from kube_actors.server.streams.spdy_frames import (
    LARGEST_DATA,
    DataReceived,
    FrameReader,
    FrameWriter,
    PingReceived,
    Reset,
    SpdyError,
    SpdyEvent,
    StreamOpened,
    StreamReset,
)

RECEIVE: Final = 64 * 1024
LARGEST_WAITING: Final = 1024 * 1024
MOST_STREAMS: Final = 1024
"""Streams open at once; a pair of them is one connection of a port-forward."""
FAREWELL_SECONDS: Final = 2.0
BROKEN: Final = (trio.BrokenResourceError, trio.ClosedResourceError)


class SpdyStream:
    """One stream of the client's. One task may receive while another sends."""

    def __init__(self, session: SpdySession, number: int, headers: Mapping[str, str]) -> None:
        self._session = session
        self.number = number
        self.headers = headers
        self._pieces: deque[bytes] = deque()
        self._arrived = trio.Event()
        self._no_more = False
        self._unread = False
        self._sent_all = False

    async def receive(self) -> bytes:
        """What came next; empty at the end, and when the client or the connection has gone."""
        while not self._pieces and not self._no_more:
            await self._arrived.wait()
        await trio.lowlevel.checkpoint()
        if not self._pieces:
            return b""
        piece = self._pieces.popleft()
        self._session.taken(len(piece))
        if not self._pieces and not self._no_more:
            self._arrived = trio.Event()
        return piece

    async def send(self, data: bytes) -> None:
        """Send; raises trio.BrokenResourceError when nobody is there any more."""
        view = memoryview(data)
        for start in range(0, len(view), LARGEST_DATA):
            await self._session.send(FrameWriter.data(self.number, view[start : start + LARGEST_DATA]))

    async def send_eof(self) -> None:
        """We send nothing more on it."""
        if not self._sent_all:
            self._sent_all = True
            await self._session.send(FrameWriter.data(self.number, b"", finished=True))
            self._session.forget_if_over(self)

    async def reset(self, why: Reset = Reset.CANCEL) -> None:
        """Give it up."""
        self._sent_all = self._no_more = True
        self.stop_reading()
        await self._session.send(FrameWriter.reset(self.number, why))
        self._session.forget_if_over(self)

    def stop_reading(self) -> None:
        """Nobody will receive any more: what is there and what still comes is thrown away."""
        self._unread = True
        self._session.taken(sum(map(len, self._pieces)))
        self._pieces.clear()

    @property
    def over(self) -> bool:
        """Whether neither side sends any more."""
        return self._no_more and self._sent_all

    def feed(self, data: bytes, *, finished: bool) -> int:
        """Take in what came; how many bytes of it now wait to be received."""
        kept = 0 if self._unread or self._no_more else len(data)
        if kept:
            self._pieces.append(data)
        if finished:
            self._no_more = True
        self._arrived.set()
        return kept


class SpdySession:
    """The server's end of one connection. `run` must run; it returns when the client has left."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._reader = FrameReader()
        self._writer = FrameWriter()
        self._sending = trio.Lock()
        self._open: dict[int, SpdyStream] = {}
        self._waiting = 0
        self._room = trio.Event()
        self.left = trio.Event()
        self._last = 0
        self._announce, self.opened = trio.open_memory_channel[SpdyStream](MOST_STREAMS)

    async def run(self) -> None:
        """Read until the client leaves or sends what is no SPDY; every stream has ended then."""
        try:
            with contextlib.suppress(SpdyError, *BROKEN):
                while data := await self._stream.receive_some(RECEIVE):
                    for event in self._reader.feed(bytes(data)):
                        await self._heard(event)
                    await self._wait_for_room()
        finally:
            self.left.set()
            self._announce.close()
            for stream in self._open.values():
                stream.feed(b"", finished=True)

    async def _heard(self, event: SpdyEvent) -> None:
        match event:
            case StreamOpened():
                await self._opened(event)
            case DataReceived(number, data, finished):
                if (stream := self._open.get(number)) is not None:
                    self._waiting += stream.feed(data, finished=finished)
                    self.forget_if_over(stream)
            case StreamReset(number):
                if (stream := self._open.pop(number, None)) is not None:
                    stream.feed(b"", finished=True)
            case PingReceived(number):
                await self.send(FrameWriter.ping(number))
            case _:
                pass  # it opens no more streams; those that are open go on

    async def _opened(self, event: StreamOpened) -> None:
        self._last = event.stream
        if len(self._open) >= MOST_STREAMS:
            await self.send(FrameWriter.reset(event.stream, Reset.REFUSED_STREAM))
            return
        stream = self._open[event.stream] = SpdyStream(self, event.stream, event.headers)
        if event.finished:
            stream.feed(b"", finished=True)
        await self.send(self._writer.reply(event.stream))
        with contextlib.suppress(*BROKEN):  # nobody takes streams any more
            await self._announce.send(stream)

    async def _wait_for_room(self) -> None:
        while self._waiting > LARGEST_WAITING:
            self._room = trio.Event()
            await self._room.wait()

    def taken(self, size: int) -> None:
        """So many bytes wait no longer."""
        self._waiting -= size
        if self._waiting <= LARGEST_WAITING:
            self._room.set()

    def forget_if_over(self, stream: SpdyStream) -> None:
        """A stream that has ended on both sides counts no longer."""
        if stream.over:
            self._open.pop(stream.number, None)

    async def send(self, frame: bytes) -> None:
        """Send a frame whole. Raises trio.BrokenResourceError."""
        async with self._sending:
            await self._stream.send_all(frame)

    async def hang_up(self) -> None:
        """Close the connection: the client has left."""
        await self._stream.aclose()

    async def close(self) -> None:
        """Say goodbye, and give the client a moment to leave first, so that it reads all that was sent."""
        with trio.move_on_after(FAREWELL_SECONDS), contextlib.suppress(*BROKEN):
            for stream in tuple(self._open.values()):
                await stream.send_eof()
                stream.stop_reading()
            await self.send(FrameWriter.go_away(self._last))
            await self.left.wait()
