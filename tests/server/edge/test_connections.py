"""Conversations over real connections."""

from __future__ import annotations

import contextlib
import gzip
import os
import socket
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from kube_actors.api.codecs import json
from kube_actors.server.edge import Binding, EdgeLimits, open_edge
from kube_actors.server.http import Full, HttpRequest, Peer, Response

from .clients import GET, Client, served

PATIENCE = 90.0


def request(path: str, *lines: str, method: str = "GET", version: str = "1.1") -> bytes:
    """A request as it is sent."""
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: localhost", *lines, "", ""]).encode()


async def test_one_connection_carries_many_requests() -> None:
    """Answers come in order, also to requests sent without waiting, and have the headers kube-apiserver sends."""
    async with served() as stage, await stage.connect() as client:
        await client.send(request("/a", "Content-Length: 5", method="POST") + b"hello")
        await client.send(request("/ticks/3") + request("/b", "Audit-ID: mine") + request("/nothing"))
        found = [await client.answer() for _ in range(4)]
        assert [(one.status, one.body) for one in found] == [
            (200, b"POST 5"),
            (200, b"0\n1\n2\n"),
            (200, b"GET 0"),
            (204, b""),
        ]
        first, stream, second, nothing = (one.headers for one in found)
        assert first["cache-control"] == "no-cache, private"
        assert first["content-type"] == "text/plain"
        assert first["x-test"] == "a b"
        assert second["audit-id"] == "mine"
        assert parsedate_to_datetime(first["date"]).tzinfo is not None
        assert stream["content-type"] == "application/json"
        assert "content-length" not in nothing
        assert not any(name.startswith("access-control") for one in found for name in one.headers)
        assert stage.seen[0].peer == Peer("127.0.0.1")


async def test_head_is_get_without_its_body() -> None:
    """The same headers, for whole answers, compressed ones and streams, and the connection goes on."""
    async with served() as stage, await stage.connect() as client:
        for path in ("/size/1000", "/size/200000", "/ticks/3"):
            await client.send(request(path, "Accept-Encoding: gzip", method="HEAD"))
            head = await client.answer(bodiless=True)
            await client.send(request(path, "Accept-Encoding: gzip"))
            whole = await client.answer()
            for unique in ("audit-id", "date"):
                del head.headers[unique], whole.headers[unique]
            assert (head.status, head.headers) == (whole.status, whole.headers)


async def test_large_answers_are_compressed_for_those_who_take_it() -> None:
    """From 128 KiB on, and only then."""
    async with served() as stage:
        for size, accepts, packed in ((200_000, "gzip", True), (200_000, "identity", False), (100_000, "gzip", False)):
            answer = await stage.ask(request(f"/size/{size}", f"Accept-Encoding: {accepts}"))
            assert ("content-encoding" in answer.headers) is packed
            assert answer.headers.get("vary") == ("Accept-Encoding" if packed else None)
            body = gzip.decompress(answer.body) if packed else answer.body
            assert body == b"x" * (size - 1) + b"y"


async def test_large_answers_come_whole() -> None:
    """Many slices, through small buffers, to a client that takes its time."""
    async with served() as stage, await stage.connect() as client:
        await client.send(request("/size/20000000"))
        await wait_all_tasks_blocked()
        answer = await client.answer()
        assert len(answer.body) == 20_000_000
        assert answer.body.endswith(b"xy")


@pytest.mark.parametrize(
    ("version", "line", "stays"),
    [
        ("1.1", "", True),
        ("1.1", "Connection: close", False),
        ("1.0", "", False),
        ("1.0", "Connection: keep-alive", True),
    ],
)
async def test_when_a_connection_ends(version: str, line: str, stays: bool) -> None:
    """HTTP/1.1 goes on unless told otherwise, HTTP/1.0 the other way round."""
    async with served() as stage, await stage.connect() as client:
        await client.send(request("/", *filter(None, [line]), version=version))
        answer = await client.answer()
        expected = {("1.1", True): None, ("1.0", True): "keep-alive"}.get((version, stays), "close")
        assert answer.headers.get("connection") == expected
        if stays:
            await client.send(GET)
            assert (await client.answer()).status == 200
        else:
            assert await client.rest() == b""


async def test_streams_to_old_clients_have_no_chunks() -> None:
    """HTTP/1.0 reads until the end."""
    async with served() as stage:
        answer = await stage.ask(request("/ticks/3", version="1.0"))
        assert (answer.body, "transfer-encoding" in answer.headers) == (b"0\n1\n2\n", False)


async def test_a_body_is_asked_for() -> None:
    """`Expect: 100-continue`: the client waits, and is refused before it has sent too much."""
    async with served() as stage, await stage.connect() as client:
        head = request("/", "Expect: 100-continue", "Content-Length: 5", method="POST")
        await client.send(head)
        assert await client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.send(b"hello")
        assert (await client.answer()).body == b"POST 5"
        await client.send(head.replace(b"Length: 5", b"Length: 4000000"))
        assert (await client.answer()).status == 413


@pytest.mark.parametrize(
    ("data", "code", "reason"),
    [
        (b"\x00\x01\x02\r\n\r\n", 400, "BadRequest"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "BadRequest"),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403, "Forbidden"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * (2 << 20), 431, "RequestHeaderFieldsTooLarge"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n", 413, "RequestEntityTooLarge"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501, "NotImplemented"),
    ],
)
async def test_refusals(data: bytes, code: int, reason: str) -> None:
    """A `Status` says what was wrong, the connection ends, and the handler never hears of it."""
    async with served() as stage, await stage.connect() as client:
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def send() -> None:
                with contextlib.suppress(trio.BrokenResourceError):  # refused before all of it was sent
                    await client.send(data)

            answer = await client.answer()
            status = json.loads(answer.body)
            assert (answer.status, status["code"], status["reason"]) == (code, code, reason)
            assert answer.headers["connection"] == "close"
            nursery.cancel_scope.cancel()
        assert stage.seen == []


async def test_requests_before_a_broken_one_are_answered() -> None:
    """Only then comes the refusal."""
    async with served() as stage, await stage.connect() as client:
        await client.send(GET + b"nonsense\r\n\r\n")
        assert (await client.answer()).status == 200
        assert (await client.answer()).status == 400


async def test_an_upgraded_connection_is_the_handlers() -> None:
    """With what the client had sent already; it ends when the handler is done."""
    async with served() as stage, await stage.connect() as client:
        await client.send(request("/echo", "Connection: Upgrade", "Upgrade: SPDY/3.1") + b"early ")
        answer = await client.answer()
        assert (answer.status, answer.headers["upgrade"], answer.headers["sec-test"]) == (101, "spdy/3.1", "1")
        await client.send(b"late")
        assert await client.exactly(10) == b"early late"
    with trio.fail_after(PATIENCE):
        while not stage.ended:
            await trio.sleep(0.01)


async def test_an_upgrade_that_is_not_wanted_is_a_request() -> None:
    """As curl asks for HTTP/2: it is answered, and so is what follows."""
    async with served() as stage, await stage.connect() as client:
        await client.send(request("/", "Connection: Upgrade", "Upgrade: h2c") + request("/size/3"))
        assert [(await client.answer()).body, (await client.answer()).body] == [b"GET 0", b"xxy"]


@pytest.mark.parametrize("path", ["/forever", "/never", "/echo"])
async def test_work_ends_when_its_client_goes(path: str) -> None:
    """A stream and a request that only wait notice it, too."""
    async with served() as stage:
        async with await stage.connect() as client:
            lines = ["Connection: Upgrade", "Upgrade: websocket"] if path == "/echo" else []
            await client.send(request(path, *lines))
            if path != "/never":
                await client.until(b"\r\n\r\n")
            while not stage.seen:
                await trio.sleep(0.01)
        with trio.fail_after(PATIENCE):
            while not stage.ended:
                await trio.sleep(0.01)
        assert stage.ended == [path]


async def test_a_stream_that_fails_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    """The client can tell it from one that came to its end; the log has the reason."""
    async with served() as stage, await stage.connect() as client:
        await client.send(request("/broken"))
        await client.until(b"\r\n\r\n")
        assert await client.rest() == b"7\r\na part\n\r\n"
    assert "this handler is broken" in caplog.text


async def test_requests_that_come_during_a_stream_are_answered_after_it() -> None:
    """Kept for later."""
    async with served() as stage, await stage.connect() as client:
        await client.send(request("/ticks/2"))
        await client.send(request("/size/2"))
        assert [(await client.answer()).body, (await client.answer()).body] == [b"0\n1\n", b"xy"]


async def test_the_owners_socket(tmp_path: Path) -> None:
    """Plain, and by whatever name: who can open it is the owner."""
    seen: list[Peer] = []

    async def handle(request: HttpRequest) -> Response:
        seen.append(request.peer)
        return Full(200, b"{}")

    path = str(tmp_path / "api.sock")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
        async with open_edge(handle, [Binding(sock, is_owner=True)]) as edge:
            assert edge.addresses == (path,)
            async with Client(await trio.open_unix_socket(path)) as client:
                await client.send(b"GET / HTTP/1.1\r\nHost: whatever\r\n\r\n")
                assert (await client.answer()).status == 200
    assert seen == [Peer("unix", is_owner=True)]


async def test_there_is_room_for_new_clients() -> None:
    """Those that only wait give way; those that are served stay, and then nobody else comes in."""
    async with (
        served(EdgeLimits(connections=3)) as stage,
        await stage.connect() as busy,
        await stage.connect() as other,
    ):
        for client in (busy, other):
            await client.send(request("/forever"))
            await client.until(b"first")
        async with await stage.connect() as idle:
            await idle.send(GET)
            await idle.answer()
            async with await stage.connect() as new:
                assert await idle.rest() == b""
                await new.send(request("/forever"))
                await new.until(b"first")
                async with await stage.connect() as one_too_many:
                    assert await one_too_many.rest() == b""
                assert stage.ended == []


async def test_draining() -> None:
    """No new clients; requests are answered, streams end as they should, terminals are closed."""
    async with served() as stage:
        idle, watch, terminal, half, stuck = [await stage.connect() for _ in range(5)]
        await watch.send(request("/forever"))
        await terminal.send(request("/echo", "Connection: Upgrade", "Upgrade: websocket"))
        await half.send(request("/", "Content-Length: 5", method="POST") + b"he")
        await stuck.send(request("/never"))
        await watch.until(b"first\n\r\n")
        await terminal.until(b"\r\n\r\n")
        while len(stage.seen) < 3:
            await trio.sleep(0.01)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stage.edge.drain, 4.0)
            assert await watch.rest() == b"0\r\n\r\n"
            assert await terminal.rest() == b""
            assert await idle.rest() == b""
            await half.send(b"llo")
            answer = await half.answer()
            assert (answer.body, answer.headers["connection"]) == (b"POST 5", "close")
            with pytest.raises(OSError, match="all attempts to connect"):
                await stage.connect()
            assert await stuck.rest() == b""
        for client in (idle, watch, terminal, half, stuck):
            await trio.aclose_forcefully(client.stream)


async def test_a_client_that_does_not_read_costs_little() -> None:
    """What it is sent waits with the handler, not in memory."""
    async with served() as stage, await stage.connect() as client:
        await client.send(request("/flood"))
        await client.until(b"\r\n\r\n")
        await wait_all_tasks_blocked(0.05)
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        await trio.sleep(0.2)
        grown = int(Path("/proc/self/statm").read_text().split()[1]) - pages
        assert grown * os.sysconf("SC_PAGE_SIZE") < 8 << 20
        assert stage.ended == []


async def test_many_who_leave_at_once() -> None:
    """Clients that go while their requests are looked at do no harm to those who stay."""
    async with served() as stage:
        clients = [await stage.connect() for _ in range(50)]
        for client in clients:
            await client.send(request("/never"))
        while len(stage.seen) < 50:
            await trio.sleep(0.01)
        await trio.sleep(1.0)
        for client in clients:
            await trio.aclose_forcefully(client.stream)
        with trio.fail_after(PATIENCE):
            while len(stage.ended) < 50:
                await trio.sleep(0.01)
        assert (await stage.ask(GET)).status == 200
