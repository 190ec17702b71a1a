"""A served edge, and clients that speak to it byte by byte."""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from kube_actors.network.proxy import bind_tcp
from kube_actors.records import define, frozen
from kube_actors.server.edge import Binding, Edge, EdgeLimits, open_edge
from kube_actors.server.http import Full, Handler, HttpRequest, Response, Send, Streaming, Upgrade

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@define(eq=False)
class Stage:
    """An edge at a port of 127.0.0.1, and what its handler saw. Paths say what is answered: see `handle`."""

    edge: Edge
    seen: list[HttpRequest]
    ended: list[str]
    """Paths of streams that ended, or were cancelled."""

    async def connect(self) -> Client:
        """A new connection."""
        host, _, port = self.edge.addresses[0].rpartition(":")
        return Client(await trio.open_tcp_stream(host, int(port)))

    async def ask(self, data: bytes) -> Answer:
        """The answer to bytes sent over a connection of their own."""
        async with await self.connect() as client:
            await client.send(data)
            return await client.answer()


@frozen
class Answer:
    """One answer as it was received; chunks are joined."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """One end of a connection."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self._buffer = bytearray()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await trio.aclose_forcefully(self.stream)

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        await self.stream.send_all(data)

    async def answer(self, *, bodiless: bool = False) -> Answer:
        """The next answer; `bodiless` where the request asked for the head only."""
        head = (await self.until(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        status = int(first.split()[1])
        if bodiless or status in (101, 204, 304):
            return Answer(status, headers, b"")
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while (part := await self.chunk()) is not None:
                body += part
        elif "content-length" in headers:
            body = await self.exactly(int(headers["content-length"]))
        else:
            body = await self.rest()
        return Answer(status, headers, body)

    async def chunk(self) -> bytes | None:
        """The next chunk of a stream; None for the last."""
        size = int((await self.until(b"\r\n"))[:-2], 16)
        data = (await self.exactly(size + 2))[:-2]
        return data or None

    async def until(self, mark: bytes) -> bytes:
        """Everything up to and including this. AssertionError when the connection ends before."""
        while mark not in self._buffer:
            await self._more()
        end = self._buffer.index(mark) + len(mark)
        return self._take(end)

    async def exactly(self, size: int) -> bytes:
        """So many bytes."""
        while len(self._buffer) < size:
            await self._more()
        return self._take(size)

    async def rest(self) -> bytes:
        """Everything until the server closes the connection, or resets it."""
        try:
            while data := await self.stream.receive_some():
                self._buffer += data
        except trio.BrokenResourceError:
            pass
        return self._take(len(self._buffer))

    def _take(self, size: int) -> bytes:
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    async def _more(self) -> None:
        data = await self.stream.receive_some()
        assert data, f"the connection ended after {self._buffer!r}"
        self._buffer += data


def handler_of(stage: Stage) -> Handler:
    """A handler that answers by the path: `/size/N` so many bytes, `/ticks/N` a stream of so many parts, `/forever` one
    that does not end, `/echo` an upgrade, `/never` nothing, `/broken` an error; all else what was sent."""

    async def ticks(send: Send, count: int) -> None:
        for number in range(count):
            await send(b"%d\n" % number)

    async def forever(send: Send, path: str) -> None:
        try:
            await send(b"first\n")
            await trio.sleep_forever()
        finally:
            stage.ended.append(path)

    async def flood(send: Send) -> None:
        try:
            while True:
                await send(bytes(100_000))
        finally:
            stage.ended.append("/flood")

    async def echo(stream: trio.abc.Stream) -> None:
        try:
            while data := await stream.receive_some():
                await stream.send_all(data)
        finally:
            stage.ended.append("/echo")

    async def broken(send: Send) -> None:
        await send(b"a part\n")
        raise RuntimeError("this handler is broken")

    async def handle(request: HttpRequest) -> Response:
        stage.seen.append(request)
        if size := re.fullmatch(r"/size/(\d+)", request.path):
            return Full(200, (b"x" * (int(size[1]) - 1), b"y"))
        if count := re.fullmatch(r"/ticks/(\d+)", request.path):
            return Streaming(200, lambda send: ticks(send, int(count[1])))
        match request.path:
            case "/forever":
                return Streaming(200, lambda send: forever(send, request.path))
            case "/flood":
                return Streaming(200, flood)
            case "/broken":
                return Streaming(200, broken)
            case "/echo" if request.upgrade:
                return Upgrade(request.upgrade, echo, (("Sec-Test", "1"),))
            case "/never":
                try:
                    await trio.sleep_forever()
                finally:
                    stage.ended.append("/never")
            case "/nothing":
                return Full(204, b"")
        return Full(200, b"%b %d" % (request.method.encode(), len(request.body)), "text/plain", (("X-Test", "a\r\nb"),))

    return handle


@asynccontextmanager
async def served(limits: EdgeLimits | None = None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Stage]:
    """An edge for as long as the block."""
    stage: Stage

    async def handle(request: HttpRequest) -> Response:
        return await handler_of(stage)(request)

    async with open_edge(handle, [Binding(bind_tcp("127.0.0.1", 0), tls)], limits=limits) as edge:
        stage = Stage(edge, [], [])
        yield stage
