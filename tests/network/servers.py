"""Small real servers that stand for pods."""

from __future__ import annotations

import contextlib
import random
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import trio

from kube_actors.network.proxy import Connector, ProxyLimits, ProxyParts, TcpProxy, bind_tcp, connect_directly
from kube_actors.network.relay import Relay
from kube_actors.network.services import Endpoint
from kube_actors.records import define

_LIMITS = ProxyLimits()
Serve = Callable[[trio.SocketStream], Awaitable[None]]


@define
class Pod:
    """A listening server; `accepted` counts its connections."""

    endpoint: Endpoint
    scope: trio.CancelScope
    accepted: int = 0

    def stop_listening(self) -> None:
        """Refuse new connections; those accepted, or in the queue, are served on."""
        self.scope.cancel()


async def start_pod(nursery: trio.Nursery, serve: Serve) -> Pod:
    """A pod on a port of its own; each connection is closed when `serve` returns."""
    listener = listening_socket()
    pod = Pod(Endpoint(*listener.getsockname()), trio.CancelScope())

    async def one(stream: trio.SocketStream) -> None:
        with contextlib.suppress(trio.BrokenResourceError):
            async with stream:
                await serve(stream)

    def accept_waiting() -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                sock, _ = listener.accept()
                pod.accepted += 1
                nursery.start_soon(one, trio.SocketStream(trio.socket.from_stdlib_socket(sock)))

    async def accept() -> None:
        with listener:
            with pod.scope:
                while True:
                    await trio.lowlevel.wait_readable(listener)
                    accept_waiting()
            accept_waiting()

    nursery.start_soon(accept)
    return pod


def listening_socket() -> socket.socket:
    """A socket listening at a free port of 127.0.0.1."""
    sock = bind_tcp("127.0.0.1", 0)
    sock.listen(1000)
    return sock


def refusing_endpoint() -> Endpoint:
    """A port nobody listens on."""
    with bind_tcp("127.0.0.1", 0) as sock:
        return Endpoint(*sock.getsockname())


def answering(name: bytes) -> Serve:
    """A server that answers each line with its name."""

    async def serve(stream: trio.SocketStream) -> None:
        async for data in stream:
            await stream.send_all(name * data.count(b"\n"))

    return serve


@asynccontextmanager
async def running_parts(
    connect: Connector = connect_directly, limits: ProxyLimits = _LIMITS
) -> AsyncIterator[tuple[ProxyParts, list[str]]]:
    """What proxies share, with the relay running, and what they report."""
    reports: list[str] = []
    relay = Relay()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(relay.run)
        yield ProxyParts(relay, connect, random.Random(1), reports.append, limits), reports
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def running_proxy(
    *endpoints: Endpoint, connect: Connector = connect_directly, limits: ProxyLimits = _LIMITS
) -> AsyncIterator[tuple[TcpProxy, list[str]]]:
    """A proxy in front of these endpoints."""
    async with running_parts(connect, limits) as (parts, reports), trio.open_nursery() as nursery:
        proxy = TcpProxy(bind_tcp("127.0.0.1", 0), parts)
        proxy.set_endpoints(endpoints)
        nursery.start_soon(proxy.serve)
        yield proxy, reports
        nursery.cancel_scope.cancel()


async def connect_to(proxy: TcpProxy) -> trio.SocketStream:
    """A client's connection."""
    return await trio.open_tcp_stream(*proxy.address)


async def ask(proxy: TcpProxy) -> bytes:
    """One request over a connection of its own."""
    async with await connect_to(proxy) as stream:
        await stream.send_all(b"?\n")
        return bytes(await stream.receive_some(100))


async def receive_all(stream: trio.SocketStream) -> bytes:
    """Everything until the end."""
    return b"".join([bytes(data) async for data in stream])


async def wait_until(condition: Callable[[], bool]) -> None:
    """Let other tasks and real sockets work until it holds, for at most a minute of the machine."""
    give_up = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up, "it never came true"
        await trio.lowlevel.checkpoint()
