"""The relay between two sockets: what is lost when a side breaks, and what must not be."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from kube_actors.network.relay import Relay
from kube_actors.records import define

from .servers import listening_socket, wait_until

RESET = b"\1\0\0\0\0\0\0\0"


def tcp_pair(peer_buffer: int = 0) -> tuple[socket.socket, socket.socket]:
    """Two ends of a TCP connection; the first for the relay, the second as its peer (with a receive buffer so long)."""
    with listening_socket() as listener:
        peer = socket.socket()
        if peer_buffer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, peer_buffer)
        peer.connect(listener.getsockname())
        listener.setblocking(True)
        ours, _ = listener.accept()
    ours.setblocking(False)
    return ours, peer


@define
class Wire:
    """A relayed connection as its two users see it."""

    client: trio.SocketStream
    pod: trio.SocketStream
    inner: tuple[socket.socket, socket.socket]
    ended: list[str]


@asynccontextmanager
async def a_wire(client_buffer: int = 0) -> AsyncIterator[Wire]:
    """Client and pod with a running relay between them."""
    relay = Relay()
    (one, client), (other, pod) = tcp_pair(client_buffer), tcp_pair()
    ended: list[str] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(relay.run)
        relay.join(one, other, lambda: ended.append("ended"))
        streams = [trio.SocketStream(trio.socket.from_stdlib_socket(sock)) for sock in (client, pod)]
        async with streams[0], streams[1]:
            yield Wire(streams[0], streams[1], (one, other), ended)
        nursery.cancel_scope.cancel()


async def all_of(stream: trio.SocketStream) -> bytes:
    """Everything until the end."""
    return b"".join([bytes(data) async for data in stream])


async def fill(stream: trio.SocketStream) -> None:
    """Send until nothing more fits: the other side does not read."""
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:

            async def stop() -> None:
                await wait_all_tasks_blocked(0.02)
                scope.cancel()

            nursery.start_soon(stop)
            while True:
                await stream.send_all(bytes(100_000))


async def test_bytes_go_both_ways_at_once() -> None:
    """Ten megabytes each way, neither waiting for the other."""
    there, back = os.urandom(10_000_000), os.urandom(10_000_000)
    received: dict[str, bytes] = {}

    async def send(stream: trio.SocketStream, data: bytes) -> None:
        await stream.send_all(data)
        await stream.send_eof()

    async def receive(stream: trio.SocketStream, name: str) -> None:
        received[name] = hashlib.sha256(await all_of(stream)).digest()

    async with a_wire() as wire:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send, wire.client, there)
            nursery.start_soon(send, wire.pod, back)
            nursery.start_soon(receive, wire.pod, "there")
            nursery.start_soon(receive, wire.client, "back")
        await wait_until(lambda: wire.ended == ["ended"])
    assert received == {"there": hashlib.sha256(there).digest(), "back": hashlib.sha256(back).digest()}


async def test_an_answer_outlives_the_pod_that_gave_it() -> None:
    """The pod answers, ends, and is written to again: a slow client still gets what waits on this side of the pod."""
    answer = os.urandom(100_000)
    async with a_wire(client_buffer=4096) as wire:
        wire.inner[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        for part in (
            answer[:60_000],
            answer[60_000:],
        ):  # the second stays in the kernel: the relay waits for the client
            await wire.pod.send_all(part)
            await wait_all_tasks_blocked(0.02)
        await wire.pod.aclose()
        for _ in range(2):  # the first is answered by a reset, the second cannot be sent
            await wire.client.send_all(b"one more")
            await wait_all_tasks_blocked(0.02)
        received = b""
        with contextlib.suppress(trio.BrokenResourceError):  # the pod did not read what came last: that is a reset
            while data := await wire.client.receive_some(1_000_000):
                received += data
        assert received == answer
        await wait_until(lambda: wire.ended == ["ended"])


async def test_what_is_on_its_way_survives_a_reset() -> None:
    """The pod answers and resets while the kernel still holds the answer for a slow client."""
    answer = os.urandom(400_000)
    async with a_wire(client_buffer=4096) as wire:
        await wire.pod.send_all(answer)
        await wait_all_tasks_blocked(0.02)
        wire.pod.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        await wire.pod.aclose()
        await wait_until(lambda: wire.ended == ["ended"])
        assert await all_of(wire.client) == answer


async def test_a_side_that_dies_when_both_ways_are_full_leaves_the_relay_at_rest() -> None:
    """The pod is gone, its last bytes wait for the client: nothing turns round and round meanwhile."""
    async with a_wire() as wire:
        await fill(wire.pod)
        await fill(wire.client)
        wire.pod.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        await wire.pod.aclose()
        with trio.fail_after(60):
            await wait_all_tasks_blocked(0.05)
        with pytest.raises(trio.BrokenResourceError):
            await all_of(wire.client)
        await wait_until(lambda: wire.ended == ["ended"])


async def test_a_client_that_dies_in_the_middle_of_a_download_stops_the_pod() -> None:
    """The pod's connection breaks instead of being written to for ever."""
    async with a_wire() as wire:
        await fill(wire.pod)
        wire.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        await wire.client.aclose()
        with pytest.raises(trio.BrokenResourceError):
            await wire.pod.send_all(bytes(100_000_000))
        await wait_until(lambda: wire.ended == ["ended"])


async def test_a_pod_that_dies_in_the_middle_of_an_upload_breaks_the_client() -> None:
    """A reset, also while the relay waits for room on the pod's side."""
    async with a_wire() as wire:
        await fill(wire.client)
        wire.pod.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        await wire.pod.aclose()
        with pytest.raises(trio.BrokenResourceError):
            await wire.client.receive_some(1)
        await wait_until(lambda: wire.ended == ["ended"])


async def test_a_client_that_said_all_and_dies_is_noticed() -> None:
    """Half-closed and then reset, while the pod is still thinking."""
    async with a_wire() as wire:
        await wire.client.send_all(b"?")
        await wire.client.send_eof()
        assert await all_of(wire.pod) == b"?"
        wire.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        await wire.client.aclose()
        await wait_until(lambda: wire.ended == ["ended"])


async def test_a_descriptor_that_another_process_holds_too_does_no_harm() -> None:
    """Handed-over sockets may have a second holder: the relay lets go of its own, and rests."""
    async with a_wire() as wire:
        duplicates = [sock.dup() for sock in wire.inner]
        await wire.client.aclose()
        await wire.pod.aclose()
        await wait_until(lambda: wire.ended == ["ended"])
        await wait_all_tasks_blocked(0.01)
        for sock in duplicates:
            sock.close()


async def test_idle_connections_cost_nothing_while_one_side_is_paused() -> None:
    """A hang-up of a side that may not be read yet does not keep the relay busy."""
    async with a_wire() as wire:
        await fill(wire.pod)
        wire.pod.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        await wire.pod.aclose()
        with trio.fail_after(60):
            await wait_all_tasks_blocked(0.05)
        assert wire.ended == []


async def test_after_its_end_the_relay_takes_nothing_over() -> None:
    """What is joined too late is reset at once."""
    relay = Relay()
    with trio.CancelScope() as scope:
        scope.cancel()
        await relay.run()
    (one, client), (other, pod) = tcp_pair(), tcp_pair()
    ended: list[str] = []
    relay.join(one, other, lambda: ended.append("ended"))
    assert ended == ["ended"]
    for sock in (client, pod):
        with sock, pytest.raises(ConnectionResetError):
            sock.recv(1)
