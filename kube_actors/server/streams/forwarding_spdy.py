"""Port-forward over SPDY: the client opens a stream for errors and one for data for every connection it takes."""

from __future__ import annotations

import contextlib
from typing import Final

import attrs
import trio

from kube_actors.records import define
from kube_actors.server.streams.forwarding import GONE, ForwardedData, ForwardFailure, PodPorts, relay
from kube_actors.server.streams.spdy import SpdySession, SpdyStream
from kube_actors.server.streams.spdy_frames import Reset
from kube_actors.server.streams.upgrades import running_session

PAIR_SECONDS: Final = 30.0
"""Machine seconds a client may take to open the second stream of a pair, as in Kubernetes."""
LARGEST_PORT: Final = 65535


@define(eq=False)
class _Pair:
    """The streams of one connection, known by its request id."""

    error: SpdyStream | None = None
    data: SpdyStream | None = None
    complete: trio.Event = attrs.field(factory=trio.Event)


class _PairData(ForwardedData):
    def __init__(self, stream: SpdyStream) -> None:
        self._stream = stream

    async def receive(self) -> bytes:
        return await self._stream.receive()

    async def send(self, data: bytes) -> None:
        await self._stream.send(data)

    async def send_eof(self) -> None:
        await self._stream.send_eof()


async def forward_spdy(stream: trio.abc.Stream, ports: PodPorts) -> None:
    """Serve a client until it leaves."""
    async with running_session(SpdySession(stream)) as session:
        await _Forwarding(session, ports).run()


class _Forwarding:
    """The pairs of one client."""

    def __init__(self, session: SpdySession, ports: PodPorts) -> None:
        self._session, self._ports = session, ports
        self._pairs: dict[str, _Pair] = {}

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            with contextlib.suppress(*GONE):
                async for stream in self._session.opened:
                    await self._take(stream, nursery)
            nursery.cancel_scope.cancel()

    async def _take(self, stream: SpdyStream, nursery: trio.Nursery) -> None:
        kind, request = stream.headers.get("streamtype", ""), _request_id(stream)
        if kind not in ("data", "error") or _port_of(stream) is None:
            await stream.reset(Reset.PROTOCOL_ERROR)
            return
        pair = self._pairs.get(request)
        if pair is None:
            pair = self._pairs[request] = _Pair()
            nursery.start_soon(self._serve, request, pair, name=f"forward {request}")
        if getattr(pair, kind) is not None:
            await stream.reset(Reset.PROTOCOL_ERROR)
            return
        setattr(pair, kind, stream)
        if pair.error is not None and pair.data is not None:
            pair.complete.set()

    async def _serve(self, request: str, pair: _Pair) -> None:
        try:
            with contextlib.suppress(*GONE):
                with trio.move_on_after(PAIR_SECONDS):
                    await pair.complete.wait()
                if pair.error is not None and pair.data is not None:
                    await self._connect(pair.error, pair.data)
                else:
                    await self._give_up(request, pair)
        finally:
            del self._pairs[request]
            for stream in (pair.error, pair.data):
                if stream is not None:
                    stream.stop_reading()

    async def _connect(self, error: SpdyStream, data: SpdyStream) -> None:
        port = _port_of(data)
        assert port is not None, "a pair has ports"
        try:
            pod = await self._ports.connect(port)
        except ForwardFailure as failure:
            await error.send(str(failure).encode())
        else:
            await relay(_PairData(data), pod)
        await error.send_eof()
        await data.send_eof()

    async def _give_up(self, request: str, pair: _Pair) -> None:
        if pair.error is not None:
            await pair.error.send(f"(request={request}) timed out waiting for streams".encode())
            await pair.error.send_eof()
        if pair.data is not None:
            await pair.data.reset()


def _request_id(stream: SpdyStream) -> str:
    """Which connection a stream belongs to. Clients from before there were ids open error and data one after the
    other, so that the number of the error stream is told by the data stream's."""
    given = stream.headers.get("requestid")
    if given:
        return given
    return str(stream.number if stream.headers.get("streamtype") == "error" else stream.number - 2)


def _port_of(stream: SpdyStream) -> int | None:
    text = stream.headers.get("port", "")
    readable = text.isascii() and text.isdecimal() and len(text) <= 5
    return int(text) if readable and 0 < int(text) <= LARGEST_PORT else None
