"""Clients that are slow, silent or half gone, in a time that only passes when everybody waits."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from kube_actors.api.codecs import json

from .clients import GET, served

LATE = 1.5
"""Deadlines are kept to within a second, give or take a step of the test."""


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        (b"", 90),
        (GET, 90),
        (b"GET / HT", 32),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n", 32),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhel", 60),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n", 60),
    ],
)
async def test_silence_has_an_end(autojump_clock: MockClock, data: bytes, seconds: float) -> None:
    """Between requests, within a head, within a body."""
    async with served() as stage, await stage.connect() as client:
        await client.send(data)
        began = trio.current_time()
        await client.rest()
        assert abs(trio.current_time() - began - seconds) <= LATE


@pytest.mark.parametrize(
    ("start", "piece", "seconds"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"X: y\r\n", 32),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n", b"x", 60),
    ],
)
async def test_a_little_now_and_then_does_not_help(
    autojump_clock: MockClock, start: bytes, piece: bytes, seconds: float
) -> None:
    """The time is for the whole head, and the whole body."""
    async with served() as stage, await stage.connect() as client, trio.open_nursery() as nursery:
        began = trio.current_time()
        await client.send(start)

        @nursery.start_soon
        async def trickle() -> None:
            try:
                while True:
                    await trio.sleep(2)
                    await client.send(piece)
            except trio.BrokenResourceError:
                pass

        await client.rest()
        assert abs(trio.current_time() - began - seconds) <= LATE
        nursery.cancel_scope.cancel()


async def test_who_does_not_read_is_dropped(autojump_clock: MockClock) -> None:
    """Half a minute after the last byte it took; the handler is cancelled."""
    async with served() as stage, await stage.connect() as client:
        began = trio.current_time()
        await client.send(b"GET /flood HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while not stage.ended:
            await trio.sleep(0.5)
        assert abs(trio.current_time() - began - 30) <= LATE


async def test_a_handler_that_takes_too_long(autojump_clock: MockClock) -> None:
    """504 in kube-apiserver's words after a minute, and the handler is cancelled."""
    async with served() as stage, await stage.connect() as client:
        began = trio.current_time()
        await client.send(b"GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = await client.answer()
        assert abs(trio.current_time() - began - 60) <= LATE
        status = json.loads(answer.body)
        assert (answer.status, status["reason"]) == (504, "Timeout")
        assert status["message"] == "Timeout: request did not complete within the allotted timeout"
        assert stage.ended == ["/never"]


async def test_streams_and_long_requests_have_no_deadline(autojump_clock: MockClock) -> None:
    """A watch may be quiet for ten minutes, and a proxied request may take as long as it likes."""
    async with served() as stage, await stage.connect() as watch, await stage.connect() as terminal:
        await watch.send(b"GET /forever HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await terminal.send(b"GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
        await watch.until(b"first")
        await terminal.until(b"\r\n\r\n")
        await trio.sleep(600)
        assert stage.ended == []
        await terminal.send(b"still there")
        assert await terminal.exactly(11) == b"still there"
