"""A cluster whose API is asked without an edge, and clients at the other end of what it upgrades to."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio
from trio.testing import memory_stream_pair
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Message, Ping, Pong, TextMessage

from kube_actors.access.attributes import Authorizer
from kube_actors.api.codecs import json
from kube_actors.cluster import Cluster
from kube_actors.server.chain import Chain
from kube_actors.server.http import Full, Response, Streaming, Upgrade

from ...access.allowing import AllowAll
from ...verbs.stage import create, pod, simulated_cluster, until_ready
from ..kit import make_api, make_request

PATIENCE = 90.0
POD = "/api/v1/namespaces/default/pods/web"
WEBSOCKET = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": base64.b64encode(b"0123456789abcdef").decode(),
}
SPDY = {"connection": "Upgrade", "upgrade": "SPDY/3.1"}


class Stage:
    """A cluster and its API."""

    def __init__(self, cluster: Cluster, nursery: trio.Nursery, authorizer: Authorizer) -> None:
        self.cluster, self._nursery = cluster, nursery
        self.chain = Chain(make_api(cluster.session, authorizer=authorizer))

    async def ask(
        self, target: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Response:
        """Send a request through the chain."""
        with trio.fail_after(PATIENCE):
            return await self.chain(make_request(method, target, body, headers))

    async def refused(self, target: str, **options: Any) -> tuple[int, str]:
        """Code and message of the `Status` answered."""
        response = await self.ask(target, **options)
        assert isinstance(response, Full)
        assert isinstance(response.body, bytes)
        return response.status, json.loads(response.body)["message"]

    async def open(self, target: str, headers: Mapping[str, str]) -> trio.abc.HalfCloseableStream:
        """The client's end of an upgraded connection."""
        response = await self.ask(target, headers=headers)
        assert isinstance(response, Upgrade), response
        ours, theirs = memory_stream_pair()

        async def run() -> None:
            await response.run(theirs)
            await trio.aclose_forcefully(theirs)

        self._nursery.start_soon(run)
        return ours

    async def websocket(self, target: str, protocol: str = "v5.channel.k8s.io") -> WebSocketClient:
        """A WebSocket to the path."""
        headers = WEBSOCKET | ({"sec-websocket-protocol": protocol} if protocol else {})
        return WebSocketClient(await self.open(target, headers))

    async def text(self, target: str) -> str:
        """The whole of a streamed answer."""
        response = await self.ask(target)
        assert isinstance(response, Streaming), response
        pieces: list[bytes] = []

        async def send(data: bytes | tuple[bytes, ...], /) -> None:
            pieces.extend((data,) if isinstance(data, bytes) else data)

        with trio.fail_after(PATIENCE):
            await response.write(send)
        return b"".join(pieces).decode()


@asynccontextmanager
async def staged(directory: Path, authorizer: Authorizer | None = None, **options: Any) -> AsyncIterator[Stage]:
    """A simulated cluster with a running pod `web` of one container `main`."""
    async with simulated_cluster(directory, nodes=1, **options) as cluster, trio.open_nursery() as nursery:
        await create(cluster.session, pod("web"))
        await until_ready(cluster.session, "web")
        yield Stage(cluster, nursery, authorizer or AllowAll())
        nursery.cancel_scope.cancel()


class WebSocketClient:
    """A client's end: messages whole, as Kubernetes' clients read them."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self._frames = Connection(ConnectionType.CLIENT)
        self._message: bytes | str = b""
        self.pongs: list[bytes] = []
        self.code: int | None = None

    async def send(self, message: bytes | str) -> None:
        """Send one message."""
        event = TextMessage(message) if isinstance(message, str) else BytesMessage(message)
        await self.stream.send_all(self._frames.send(event))

    async def ping(self, payload: bytes) -> None:
        """Ask whether anybody is there."""
        await self.stream.send_all(self._frames.send(Ping(payload)))

    async def receive(self) -> bytes | str | None:
        """The next message; None when the server has said goodbye or left."""
        with trio.fail_after(PATIENCE):
            while True:
                for event in self._frames.events():
                    if isinstance(event, Message):
                        whole = self._message + event.data if self._message else event.data
                        self._message = whole if not event.message_finished else b""
                        if event.message_finished:
                            return whole if isinstance(whole, str) else bytes(whole)
                    elif isinstance(event, Pong):
                        self.pongs.append(bytes(event.payload))
                    elif isinstance(event, CloseConnection):
                        self.code = event.code
                        if event.code != 1006:
                            with contextlib.suppress(trio.BrokenResourceError):  # it need not wait for our goodbye
                                await self.stream.send_all(self._frames.send(event.response()))
                        return None
                self._frames.receive_data(bytes(await self.stream.receive_some()) or None)

    async def rest(self) -> dict[int, bytes]:
        """Everything until the goodbye, by channel."""
        channels: dict[int, bytes] = {}
        while (message := await self.receive()) is not None:
            assert isinstance(message, bytes)
            channels[message[0]] = channels.get(message[0], b"") + message[1:]
        return channels
