"""A watch as a browser follows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Event, TextMessage

from kube_actors.api.codecs import json
from kube_actors.errors import ApiError
from kube_actors.server.http import Upgrade
from kube_actors.server.reading.watch import watch
from kube_actors.store import Key
from kube_actors.verbs.session import Session
from tests.server import kit

TARGET = "/api/v1/namespaces/default/configmaps?watch=true"
HEADERS = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
}


class Browser:
    """The client's end of a WebSocket."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.frames = Connection(ConnectionType.CLIENT)
        self.events: list[Event] = []

    async def next(self) -> Event:
        """The next event of the connection."""
        with trio.fail_after(30):
            while not self.events:
                self.frames.receive_data(bytes(await self.stream.receive_some()))
                self.events += self.frames.events()
        return self.events.pop(0)

    async def next_object(self) -> Any:
        """The next message, which is a watch event in JSON."""
        message = await self.next()
        assert isinstance(message, TextMessage)
        return json.loads(message.data)

    async def leave(self) -> None:
        """Say goodbye."""
        await self.stream.send_all(self.frames.send(CloseConnection(1000)))


@asynccontextmanager
async def browsing(session: Session, target: str) -> AsyncIterator[tuple[Browser, trio.Event]]:
    """A browser that follows a watch, and the end of that watch."""
    response = await watch(kit.make_call(session, "GET", target, headers=HEADERS))
    assert isinstance(response, Upgrade)
    ours, theirs = trio.testing.memory_stream_pair()
    ended = trio.Event()

    async def serve() -> None:
        await response.run(ours)
        ended.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        yield Browser(theirs), ended
        nursery.cancel_scope.cancel()


async def test_every_event_is_a_message(autojump_clock: trio.testing.MockClock) -> None:
    """Also when several are there at once; the end of the watch is the end of the connection."""
    session = await kit.new_session()
    await kit.create(session, kit.config_map("a"))
    await kit.create(session, kit.config_map("b"))
    async with browsing(session, f"{TARGET}&timeoutSeconds=1") as (browser, ended):
        events = [await browser.next_object() for _ in range(2)]
        assert [event["object"]["metadata"]["name"] for event in events] == ["a", "b"]
        await session.client.delete(Key("configmaps", "default", "a"))
        assert (await browser.next_object())["type"] == "DELETED"
        assert isinstance(await browser.next(), CloseConnection)
        await browser.leave()
        with trio.fail_after(30):
            await ended.wait()


async def test_a_browser_that_leaves_ends_the_watch() -> None:
    """Nothing goes on for a client that is gone."""
    session = await kit.new_session()
    async with browsing(session, TARGET) as (browser, ended):
        await browser.leave()
        with trio.fail_after(30):
            await ended.wait()
        assert session.plane.store.watchers == 0


async def test_a_subprotocol_is_chosen_but_never_a_token() -> None:
    """What carries the credential is not repeated."""
    token = "base64url.bearer.authorization.k8s.io.c2VjcmV0"
    headers = {**HEADERS, "sec-websocket-protocol": f"{token}, base64.binary.k8s.io"}
    response = await watch(kit.make_call(await kit.new_session(), "GET", TARGET, headers=headers))
    assert ("Sec-WebSocket-Protocol", "base64.binary.k8s.io") in response.headers


async def test_a_broken_handshake() -> None:
    """400 for a key that is none."""
    headers = {**HEADERS, "sec-websocket-key": "short"}
    with pytest.raises(ApiError) as refused:
        await watch(kit.make_call(await kit.new_session(), "GET", TARGET, headers=headers))
    assert refused.value.code == 400
