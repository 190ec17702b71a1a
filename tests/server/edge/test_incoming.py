"""Bodies that are passed on: of any length, as they come, and what happens to those that nobody reads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from kube_actors.network.proxy import bind_tcp
from kube_actors.server.edge import Binding, EdgeLimits, open_edge
from kube_actors.server.http import Full, Handler, HttpRequest, Response, Send, Streaming

from .clients import Client

PROXY = "/api/v1/namespaces/default/pods/web/proxy/upload"
MIB = 1 << 20


@asynccontextmanager
async def edge_of(handler: Handler) -> AsyncIterator[Client]:
    """A client of an edge that takes a mebibyte of body at most, and in all."""
    limits = EdgeLimits(body=MIB, bodies=MIB)
    async with open_edge(handler, [Binding(bind_tcp("127.0.0.1", 0))], limits=limits) as edge:
        host, _, port = edge.addresses[0].rpartition(":")
        async with Client(await trio.open_tcp_stream(host, int(port))) as client:
            yield client


def head(path: str, *headers: str, method: str = "POST") -> bytes:
    """A request's head."""
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", "")).encode()


async def counted(request: HttpRequest) -> Response:
    """How many bytes the body has, and how large its largest piece is."""
    if request.incoming is None:
        return Full(200, f"whole {len(request.body)}".encode())
    sizes = []
    while piece := await request.incoming.receive():
        sizes.append(len(piece))
    return Full(200, f"{sum(sizes)} {max(sizes, default=0) <= 64 << 10}".encode())


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_of_any_length(chunked: bool) -> None:
    """Twenty mebibytes in small pieces, with a length or in chunks; the connection goes on with the next request."""
    async with edge_of(counted) as client:
        framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {20 * MIB}"
        await client.send(head(PROXY, framing))
        for _ in range(20):
            await client.send(b"100000\r\n" + bytes(MIB) + b"\r\n" if chunked else bytes(MIB))
        if chunked:
            await client.send(b"0\r\n\r\n")
        assert (await client.answer()).body == f"{20 * MIB} True".encode()
        await client.send(head("/api/v1/pods", "Content-Length: 3") + b"abc")
        assert (await client.answer()).body == b"whole 3"


async def test_other_bodies_have_their_limit() -> None:
    """413 for what is not behind a proxy."""
    async with edge_of(counted) as client:
        await client.send(head("/api/v1/namespaces/proxy/pods", f"Content-Length: {2 * MIB}"))
        assert (await client.answer()).status == 413


async def test_the_body_is_asked_for_when_it_is_wanted() -> None:
    """`Expect: 100-continue` is met by whoever reads the body."""
    async with edge_of(counted) as client:
        await client.send(head(PROXY, "Content-Length: 2", "Expect: 100-continue"))
        assert await client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.send(b"ab")
        assert (await client.answer()).body == b"2 True"


async def test_a_body_that_nobody_reads() -> None:
    """The client gets its answer though it is still sending, and the connection ends."""

    async def refuse(_request: HttpRequest) -> Response:
        return Full(403, b"no")

    async with edge_of(refuse) as client:
        await client.send(head(PROXY, f"Content-Length: {4 * MIB}"))
        await client.send(bytes(MIB))
        answer = await client.answer()
    assert (answer.status, answer.body, answer.headers["connection"]) == (403, b"no", "close")


async def test_an_answer_while_the_body_comes() -> None:
    """Both go on at the same time: an echo."""

    async def echo(request: HttpRequest) -> Response:
        incoming = request.incoming
        assert incoming is not None

        async def write(send: Send) -> None:
            while piece := await incoming.receive():
                await send(piece)

        return Streaming(200, write, "text/plain")

    async with edge_of(echo) as client:
        await client.send(head(PROXY, "Transfer-Encoding: chunked") + b"3\r\none\r\n")
        assert b"200" in await client.until(b"\r\n\r\n")
        assert await client.chunk() == b"one"
        await client.send(b"3\r\ntwo\r\n0\r\n\r\n")
        assert await client.chunk() == b"two"
        assert await client.chunk() is None


async def test_a_body_that_is_no_http() -> None:
    """Whoever receives it is told; so is the client."""
    seen: list[Exception] = []

    async def handler(request: HttpRequest) -> Response:
        assert request.incoming is not None
        try:
            while await request.incoming.receive():
                pass
        except Exception as error:
            seen.append(error)
        return Full(400, b"bad")

    async with edge_of(handler) as client:
        await client.send(head(PROXY, "Transfer-Encoding: chunked") + b"3\r\noneXX")
        assert (await client.answer()).status == 400
    assert "not valid HTTP" in str(seen[0])
