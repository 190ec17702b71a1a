"""The client's side of exec and attach: what WebSocket channels and SPDY streams have in common."""

from __future__ import annotations

import abc
import contextlib
from typing import Any, Final, Protocol

import trio

from kube_actors.api.codecs import json
from kube_actors.records import define, frozen
from kube_actors.server.streams.channels import (
    Channel,
    ChannelClosed,
    ChannelError,
    ChannelEvent,
    ChannelProtocol,
    ChannelReader,
    encode,
)
from kube_actors.server.streams.spdy import FAREWELL_SECONDS, SpdySession, SpdyStream
from kube_actors.server.streams.spdy_frames import Reset
from kube_actors.server.streams.terminal_sizes import SizeReader
from kube_actors.server.streams.websocket import PROTOCOL_ERROR, WebSocket

STATUS_SINCE: Final = 4
"""From this version on the error channel carries a `Status`; before, a text, and nothing for success."""
RESIZE_SINCE: Final = 3
STREAMS_SECONDS: Final = 30.0
"""Machine seconds a SPDY client may take to open its streams, as in Kubernetes."""


class InputSink(Protocol):
    """Takes what the client sends. A call that waits keeps the client waiting."""

    async def stdin(self, data: bytes) -> None:
        """Input for the program."""

    async def stdin_ended(self) -> None:
        """The client will send no more input."""

    async def resized(self, rows: int, columns: int) -> None:
        """The client's terminal has this size now."""


@frozen
class Wanted:
    """Which streams the client asked for; with a terminal there is no stderr."""

    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False


class ClientStreams(abc.ABC):
    """Input from the client, output and one final status to it."""

    @abc.abstractmethod
    async def serve_input(self, sink: InputSink) -> None:
        """Pass on what the client sends; returns when it has left."""

    @abc.abstractmethod
    async def send(self, stream: int, data: bytes) -> None:
        """Output on stdout (1) or stderr (2), dropped if it was not asked for. trio.BrokenResourceError: it left."""

    @abc.abstractmethod
    async def finish(self, status: dict[str, Any]) -> None:
        """Say how it ended, and part in good order."""

    @abc.abstractmethod
    async def hang_up(self) -> None:
        """Close the connection of a client that has left."""


class WebSocketStreams(ClientStreams):
    """Channels of a WebSocket."""

    def __init__(self, socket: WebSocket, protocol: ChannelProtocol, wanted: Wanted) -> None:
        self._socket, self._protocol, self._wanted = socket, protocol, wanted
        self._sizes = SizeReader()

    async def begin(self) -> None:
        """An empty message on the first channel to be written tells the client that it is connected."""
        wanted = self._wanted
        first = Channel.STDOUT if wanted.stdout else Channel.STDERR if wanted.stderr else Channel.ERROR
        await self._write(first, b"")

    async def serve_input(self, sink: InputSink) -> None:
        reader = ChannelReader(self._protocol)
        try:
            while (piece := await self._socket.receive()) is not None:
                for event in reader.feed(piece.data, last=piece.last):
                    await self._pass_on(event, sink)
        except ChannelError:
            await self._socket.close(PROTOCOL_ERROR)

    async def _pass_on(self, event: ChannelEvent, sink: InputSink) -> None:
        if isinstance(event, ChannelClosed):
            if event.channel == Channel.STDIN:
                await sink.stdin_ended()
        elif event.channel == Channel.STDIN and event.data:
            await sink.stdin(event.data)
        elif event.channel == Channel.RESIZE:
            for size in self._sizes.feed(event.data):
                await sink.resized(*size)

    async def send(self, stream: int, data: bytes) -> None:
        if (stream == Channel.STDOUT and self._wanted.stdout) or (stream == Channel.STDERR and self._wanted.stderr):
            await self._write(stream, data)

    async def finish(self, status: dict[str, Any]) -> None:
        if (told := status_as_told(status, self._protocol.version)) is not None:
            with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                await self._write(Channel.ERROR, told)
        await self._socket.close()

    async def hang_up(self) -> None:
        await self._socket.hang_up()

    async def _write(self, channel: int, data: bytes) -> None:
        await self._socket.send(encode(self._protocol, channel, data))


@define(eq=False)
class SpdyStreams(ClientStreams):
    """Streams of a SPDY connection, by their type."""

    session: SpdySession
    version: int
    by_type: dict[str, SpdyStream]

    async def serve_input(self, sink: InputSink) -> None:
        async with trio.open_nursery() as nursery:
            if "stdin" in self.by_type:
                nursery.start_soon(self._pass_stdin, self.by_type["stdin"], sink)
            if "resize" in self.by_type:
                nursery.start_soon(self._pass_sizes, self.by_type["resize"], sink)
            await self.session.left.wait()
            # The streams end with what they still hold, if the program takes it.
            nursery.cancel_scope.deadline = trio.current_time() + FAREWELL_SECONDS

    async def _pass_stdin(self, stream: SpdyStream, sink: InputSink) -> None:
        while data := await stream.receive():
            await sink.stdin(data)
        await sink.stdin_ended()

    async def _pass_sizes(self, stream: SpdyStream, sink: InputSink) -> None:
        sizes = SizeReader()
        while data := await stream.receive():
            for size in sizes.feed(data):
                await sink.resized(*size)

    async def send(self, stream: int, data: bytes) -> None:
        found = self.by_type.get("stdout" if stream == Channel.STDOUT else "stderr")
        if found is not None:
            await found.send(data)

    async def finish(self, status: dict[str, Any]) -> None:
        told = status_as_told(status, self.version)
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            if told is not None:
                await self.by_type["error"].send(told)
        await self.session.close()

    async def hang_up(self) -> None:
        await self.session.hang_up()


async def take_streams(session: SpdySession, version: int, wanted: Wanted) -> SpdyStreams | None:
    """The streams of an exec or attach, once the client has opened them all; None when it does not."""
    expected = {"error"}
    expected |= {name for name in ("stdin", "stdout", "stderr") if getattr(wanted, name)}
    if wanted.tty and version >= RESIZE_SINCE:
        expected.add("resize")
    found: dict[str, SpdyStream] = {}
    with trio.move_on_after(STREAMS_SECONDS):
        while expected - found.keys():
            try:
                stream = await session.opened.receive()
            except trio.EndOfChannel:
                return None
            kind = stream.headers.get("streamtype", "")
            if kind in expected and kind not in found:
                found[kind] = stream
            else:
                await stream.reset(Reset.REFUSED_STREAM)
        return SpdyStreams(session, version, found)
    return None


def status_as_told(status: dict[str, Any], version: int) -> bytes | None:
    """The status as the protocol's version has it: JSON, or only a failure's message."""
    if version >= STATUS_SINCE:
        return json.dumps(status)
    if status["status"] == "Success":
        return None
    return str(status["message"]).encode()
