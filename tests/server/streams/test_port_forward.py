"""Port-forward in its three ways, and what a client sees when a port is closed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from kube_actors.server.streams.websocket import WebSocket, WebSocketBytes

from ...verbs.stage import create, pod
from .spdy_client import SpdyClient, data
from .stage import PATIENCE, POD, SPDY, WEBSOCKET, Stage, staged

GET = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
FORWARD = f"{POD}/portforward"
OVER_SPDY = SPDY | {"x-stream-protocol-version": "portforward.k8s.io"}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A pod `web` that answers every port."""
    async with staged(tmp_path) as stage:
        yield stage


async def ask_for(client: SpdyClient, first: int, request: str, port: str = "80") -> None:
    """Open a pair of streams (`first` and the one behind) and send a request for a page."""
    await client.send(
        client.frames.open(first, streamtype="error", port=port, requestid=request),
        client.frames.open(first + 2, streamtype="data", port=port, requestid=request),
        data(first + 2, GET),
        data(first + 2, finished=True),
    )


async def test_several_connections_over_one_spdy(stage: Stage) -> None:
    """Each pair of streams is a connection of its own."""
    client = SpdyClient(await stage.open(FORWARD, OVER_SPDY))
    await ask_for(client, 1, "0")
    await ask_for(client, 5, "1")
    with trio.fail_after(PATIENCE):
        await client.until_ended(1, 3, 5, 7)
    assert client.data[3].endswith(b"\r\n\r\nweb\n")
    assert client.data[7] == client.data[3]
    assert client.data[1] == b""


async def test_spdy_in_a_websocket(stage: Stage) -> None:
    """The way of kubectl since 1.31: the same SPDY in binary messages, cut anywhere."""
    client = await stage.websocket(FORWARD, "SPDY/3.1+portforward.k8s.io")

    class Tunnel(trio.abc.Stream):
        async def send_all(self, data: bytes | bytearray | memoryview) -> None:
            for byte in bytes(data):
                await client.send(bytes((byte,)))

        async def receive_some(self, max_bytes: int | None = None) -> bytes:
            message = await client.receive()
            assert message is None or isinstance(message, bytes)
            return message or b""

        async def wait_send_all_might_not_block(self) -> None:
            await trio.lowlevel.checkpoint()

        async def aclose(self) -> None:
            await client.stream.aclose()

    spdy = SpdyClient(Tunnel())
    await ask_for(spdy, 1, "0")
    with trio.fail_after(PATIENCE):
        await spdy.until_ended(1, 3)
    assert spdy.data[3].endswith(b"\r\n\r\nweb\n")


async def test_ports_of_the_query_over_channels(stage: Stage) -> None:
    """The way of client libraries: two channels for each port, each beginning with it."""
    client = await stage.websocket(f"{FORWARD}?ports=80&ports=8080", "v4.channel.k8s.io")
    await client.send(b"\0" + GET)
    await client.send(b"\2" + GET)
    channels = await client.rest()
    assert [channels[number][:2] for number in range(4)] == [b"\x50\0", b"\x50\0", b"\x90\x1f", b"\x90\x1f"]
    assert channels[0].endswith(b"\r\n\r\nweb\n")
    assert channels[2].endswith(b"\r\n\r\nweb\n")
    assert client.code == 1000


async def test_a_closed_port_is_told_on_the_error_stream(tmp_path: Path) -> None:
    """And the other ports go on."""
    async with staged(tmp_path, simulation={"readySeconds": 1e9}) as stage:
        client = SpdyClient(await stage.open(FORWARD, OVER_SPDY))
        await ask_for(client, 1, "0", port="81")
        with trio.fail_after(PATIENCE):
            await client.until_ended(1, 3)
        said = client.data[1].decode()
        assert said.startswith("error forwarding port 81 to pod web_default, uid ")
        assert said.endswith("dial tcp4 127.0.0.1:81: connect: connection refused")


async def test_a_stream_without_a_port_is_reset(stage: Stage) -> None:
    """The others of the connection are served all the same."""
    client = SpdyClient(await stage.open(FORWARD, OVER_SPDY))
    await client.send(client.frames.open(1, streamtype="data"), client.frames.open(3, streamtype="soap", port="80"))
    await ask_for(client, 5, "1")
    with trio.fail_after(PATIENCE):
        await client.until_ended(5, 7)
    assert set(client.reset) == {1, 3}


@pytest.mark.parametrize(
    ("target", "headers", "code", "message"),
    [
        (FORWARD, {}, 400, "Upgrade request required"),
        (FORWARD, WEBSOCKET, 400, 'query parameter "ports" is required'),
        (f"{FORWARD}?ports=0", WEBSOCKET, 400, 'port "0" must be between 1 and 65535'),
        (f"{FORWARD}?ports=x", WEBSOCKET, 400, 'unable to parse "x" as a port'),
        (FORWARD, SPDY | {"x-stream-protocol-version": "soap"}, 403, "unable to negotiate protocol"),
    ],
)
async def test_refused(stage: Stage, target: str, headers: dict[str, str], code: int, message: str) -> None:
    """As an ordinary `Status`."""
    answered, said = await stage.refused(target, headers=headers)
    assert answered == code
    assert message in said


async def test_a_pod_that_does_not_run_has_no_ports(tmp_path: Path) -> None:
    """Pods that wait for a node, too."""
    async with staged(tmp_path) as stage:
        body = pod("late")
        body["spec"]["nodeSelector"] = {"no": "such"}
        await create(stage.cluster.session, body)
        answered = await stage.refused(FORWARD.replace("web", "late"), headers=OVER_SPDY)
        assert answered == (400, "pod late does not have a host assigned")


async def test_bytes_of_a_websocket_are_cut_as_asked() -> None:
    """A stream in messages gives no more than it is asked for."""
    from trio.testing import memory_stream_pair
    from wsproto.connection import Connection, ConnectionType
    from wsproto.events import BytesMessage

    ours, theirs = memory_stream_pair()
    frames = Connection(ConnectionType.CLIENT)
    await ours.send_all(frames.send(BytesMessage(b"")) + frames.send(BytesMessage(b"abc")))
    stream = WebSocketBytes(WebSocket(theirs))
    assert await stream.receive_some(2) == b"ab"
    assert await stream.receive_some() == b"c"
