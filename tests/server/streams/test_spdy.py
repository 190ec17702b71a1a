"""A SPDY connection: bounded memory, and streams that come and go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from trio.testing import lockstep_stream_pair, memory_stream_pair, wait_all_tasks_blocked

from kube_actors.server.streams.client_streams import Wanted, take_streams
from kube_actors.server.streams.spdy import LARGEST_WAITING, MOST_STREAMS, SpdySession
from kube_actors.server.streams.spdy_frames import Reset
from kube_actors.server.streams.upgrades import running_session

from .spdy_client import SpdyClient, data
from .stage import PATIENCE

PIECE = bytes(65536)


@asynccontextmanager
async def connected(*, lockstep: bool = False) -> AsyncIterator[tuple[SpdyClient, SpdySession]]:
    """A client and a session that reads; with `lockstep` nothing is buffered in between."""
    ours, theirs = lockstep_stream_pair() if lockstep else memory_stream_pair()
    with trio.fail_after(PATIENCE):
        async with running_session(SpdySession(theirs)) as session:
            yield SpdyClient(ours), session


async def test_a_flood_has_to_wait() -> None:
    """What nobody takes is not read without end; taking it lets the sender go on."""
    sent = 0
    async with connected(lockstep=True) as (client, session), trio.open_nursery() as nursery:

        async def flood() -> None:
            nonlocal sent
            await client.send(client.frames.open(1, streamtype="data"))
            while True:
                await client.send(data(1, PIECE))
                sent += len(PIECE)

        nursery.start_soon(flood)
        assert await client.read_frame()
        await wait_all_tasks_blocked()
        assert LARGEST_WAITING <= sent <= LARGEST_WAITING + 3 * len(PIECE)
        stream = await session.opened.receive()
        before = sent
        taken = 0
        while taken < LARGEST_WAITING:
            taken += len(await stream.receive())
        await wait_all_tasks_blocked()
        assert sent > before
        nursery.cancel_scope.cancel()


async def test_what_a_reader_left_is_thrown_away() -> None:
    """A connection of the pod's that has ended does not hold up the others."""
    async with connected(lockstep=True) as (client, session), trio.open_nursery() as nursery:

        async def talk() -> None:
            await client.send(client.frames.open(1, streamtype="data"), client.frames.open(3, streamtype="data"))
            for _ in range(4 * LARGEST_WAITING // len(PIECE)):
                await client.send(data(1, PIECE))
            await client.send(data(3, b"after all"), data(3, finished=True))

        nursery.start_soon(talk)
        assert await client.read_frame()
        assert await client.read_frame()
        (await session.opened.receive()).stop_reading()
        other = await session.opened.receive()
        assert await other.receive() == b"after all"
        assert await other.receive() == b""


async def test_streams_are_numbered() -> None:
    """More than there may be at once are refused; one that has ended makes room for another."""
    async with connected() as (client, session):
        for index in range(MOST_STREAMS + 1):
            await client.send(client.frames.open(2 * index + 1, streamtype="data"))
        while not client.reset:
            await client.read_frame()
        assert client.reset == {2 * MOST_STREAMS + 1: Reset.REFUSED_STREAM}
        first = await session.opened.receive()
        await first.reset()
        await client.send(client.frames.open(2 * MOST_STREAMS + 3, streamtype="data"))
        while 2 * MOST_STREAMS + 3 not in client.accepted:
            await client.read_frame()


async def test_streams_end_with_the_connection() -> None:
    """Whoever waits for input is told."""
    async with connected() as (client, session):
        await client.send(client.frames.open(1, streamtype="data"), data(1, b"last"))
        stream = await session.opened.receive()
        assert await stream.receive() == b"last"
        await client.stream.aclose()
        assert await stream.receive() == b""


class SlowProgram:
    """Takes its input piece by piece."""

    def __init__(self) -> None:
        self.read = b""
        self.ended = False

    async def stdin(self, data: bytes) -> None:
        """Takes a while."""
        for _ in range(5):
            await trio.lowlevel.checkpoint()
        self.read += data

    async def stdin_ended(self) -> None:
        """No more comes."""
        self.ended = True

    async def resized(self, rows: int, columns: int) -> None:
        """There is no terminal."""


async def test_a_client_that_leaves_has_sent_what_it_sent() -> None:
    """Its input is passed on to the end, though it has hung up."""
    program = SlowProgram()
    async with connected() as (client, session):
        await client.send(client.frames.open(1, streamtype="error"), client.frames.open(3, streamtype="stdin"))
        streams = await take_streams(session, 4, Wanted(stdin=True))
        assert streams is not None
        await client.send(*(data(3, b"%d " % number) for number in range(40)))
        await client.stream.aclose()
        await session.left.wait()
        await streams.serve_input(program)
    assert program.read == b"".join(b"%d " % number for number in range(40))
    assert program.ended
