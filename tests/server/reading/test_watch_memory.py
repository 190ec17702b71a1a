"""Watches whose clients do not read: what they keep of large objects is nothing but the objects themselves."""

from __future__ import annotations

import tracemalloc

import trio

from kube_actors.server.http import Streaming
from kube_actors.server.reading.watch import watch
from kube_actors.verbs.session import Session
from tests.server.kit import config_map, create, make_call, new_session, stream_of

LARGE = 512 << 10
WATCH = "/api/v1/namespaces/default/configmaps?watch=true"


async def session_of_large_objects() -> Session:
    """Three small ConfigMaps, and between them two large ones."""
    session = await new_session()
    for number, size in enumerate((1, LARGE, 1, LARGE, 1)):
        await create(session, config_map(f"map-{number}", text="x" * size))
    return session


async def test_clients_that_never_read_share_what_they_are_sent() -> None:
    """Fifty of them cost less than one copy each."""
    session, clients = await session_of_large_objects(), 50
    blocked = 0

    async def never(part: bytes | tuple[bytes, ...], /) -> None:
        nonlocal blocked
        size = len(part) if isinstance(part, bytes) else sum(map(len, part))
        if size > LARGE:
            blocked += 1
            await trio.sleep_forever()

    async def follow() -> None:
        response = await watch(make_call(session, "GET", WATCH))
        assert isinstance(response, Streaming)
        await response.write(never)

    tracemalloc.start()
    try:
        async with trio.open_nursery() as nursery:
            for _ in range(clients):
                nursery.start_soon(follow)
            with trio.fail_after(30):
                while blocked < clients:
                    await trio.sleep(0.001)
            kept, _ = tracemalloc.get_traced_memory()
            nursery.cancel_scope.cancel()
    finally:
        tracemalloc.stop()
    assert kept < clients * LARGE / 4


async def test_large_and_small_objects_come_in_order() -> None:
    """Each in a line of its own, however they were sent."""
    session = await session_of_large_objects()
    response = await watch(make_call(session, "GET", f"{WATCH}&timeoutSeconds=1"))
    sent = (await stream_of(response)).splitlines()
    assert [line[:30] for line in sent] == [b'{"type":"ADDED","object":{"api'] * 5
    assert [b"x" * LARGE in line for line in sent] == [False, True, False, True, False]
