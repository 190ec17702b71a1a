"""A TCP proxy: connections to one address go to the endpoints of one service port.

An endpoint that refuses or does not answer costs the client nothing: no byte has been sent yet, so the next one is
tried. Endpoints may change at any moment: new connections and attempts under way follow at once, connections that stand
go on until one of their sides ends them. There is no idle time-out; dead machines are found by TCP keep-alive.
"""

from __future__ import annotations

import errno
import os
import random
import socket
from collections.abc import Awaitable, Callable, Sequence

import trio

from kube_actors.network.balancer import Balancer
from kube_actors.network.relay import Pair, Relay, reset_on_close
from kube_actors.network.services import Endpoint
from kube_actors.records import frozen

Connector = Callable[[str, int], Awaitable[socket.socket]]
"""`connect(address, port)`: a connected, non-blocking TCP socket, then the caller's to close. OSError as connect(2)."""

_SHORTAGE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})
"""Errors that say we are out of something, not that the endpoint is at fault."""
_ACCEPTS_AT_ONCE = 64
_BACKLOG = 4096


@frozen
class ProxyLimits:
    """Bounds of one proxy. Beyond `connections` new ones wait in the kernel's queue. Times in seconds of the machine.

    `attempt`: how long one endpoint may take to answer. `shortage`: how long to wait for a descriptor before giving up.
    """

    connections: int = 10_000
    attempt: float = 3.0
    shortage: float = 5.0


@frozen
class ProxyParts:
    """What the proxies of one process share. `report` is told in a sentence what a person should know."""

    relay: Relay
    connect: Connector
    random: random.Random
    report: Callable[[str], None]
    limits: ProxyLimits = ProxyLimits()


async def connect_directly(address: str, port: int) -> socket.socket:
    """The Connector for endpoints this process can reach itself."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        code = sock.connect_ex((address, port))
        if code == errno.EINPROGRESS:
            # On this machine the handshake is done before connect(2) returns; asking again saves a turn of the loop.
            code = sock.connect_ex((address, port))
        if code == errno.EALREADY:
            await trio.lowlevel.wait_writable(sock)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
    except BaseException:
        sock.close()
        raise
    return sock


def plain_socket(sock: trio.socket.SocketType) -> socket.socket:
    """The same socket without trio around it, non-blocking; the trio object is empty afterwards."""
    plain = socket.socket(fileno=sock.detach())
    plain.setblocking(False)
    return plain


def bind_tcp(address: str, port: int) -> socket.socket:
    """A bound, non-blocking socket that does not listen yet (port 0: the kernel chooses). OSError as bind(2).

    Linux keeps the port of a socket that stops listening only when it was asked for by number, so a chosen one is
    bound a second time by number, while the first socket still holds it.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        if port:
            return sock
        by_number = bind_tcp(address, sock.getsockname()[1])
    except OSError:
        sock.close()
        raise
    sock.close()
    return by_number


class TcpProxy:
    """Serves one bound socket, which it owns. While there are no endpoints it is bound but does not listen, so that
    clients are refused at once, as kube-proxy does, and nobody else can take the port."""

    def __init__(self, sock: socket.socket, parts: ProxyParts) -> None:
        self.address: tuple[str, int] = sock.getsockname()
        self._sock = sock
        self._parts = parts
        self._balancer = Balancer(parts.random)
        self._attempts: dict[trio.CancelScope, Endpoint] = {}
        self._pairs: set[Pair] = set()
        self._open = 0
        self._listening = trio.Event()
        self._room = trio.Event()
        self._ended = trio.Event()
        self._accepting = trio.CancelScope()
        self._closed = False

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return self._open

    def set_endpoints(self, endpoints: Sequence[Endpoint], affinity_seconds: float | None = None) -> None:
        """From now on connections go to these; attempts at withdrawn ones turn to another."""
        self._balancer.set_endpoints(endpoints, affinity_seconds)
        for scope, endpoint in self._attempts.items():
            if endpoint not in self._balancer.endpoints:
                scope.cancel()
        self._listen(bool(endpoints))

    def _listen(self, wanted: bool) -> None:
        """shutdown(2) takes a Linux socket out of the listening state and leaves it bound; listen(2) brings it back."""
        if wanted == self._listening.is_set() or self._closed:
            return
        if wanted:
            self._sock.listen(_BACKLOG)
            self._listening.set()
        else:
            self._sock.shutdown(socket.SHUT_RDWR)
            self._listening = trio.Event()

    async def serve(self) -> None:
        """Accept until `close`, then return when the last connection has ended. Cancelling resets what is open."""
        try:
            async with trio.open_nursery() as nursery:
                with self._accepting:
                    while True:
                        await self._listening.wait()
                        await trio.lowlevel.wait_readable(self._sock)
                        await self._accept(nursery)
                self._accept_waiting(nursery, _BACKLOG)
                self._sock.close()
            await self._ended.wait()
        finally:
            self.close()
            self._sock.close()
            self.abort()

    def close(self) -> None:
        """Stop accepting; clients that are connected, or wait in the queue already, are served on."""
        self._closed = True
        self._accepting.cancel()
        if not self._open:
            self._ended.set()

    async def ended(self) -> None:
        """Returns when, after `close`, the last connection has ended."""
        await self._ended.wait()

    def abort(self) -> None:
        """Reset every connection, and give up those that are being made."""
        self._balancer.set_endpoints(())
        for scope in self._attempts:
            scope.cancel()
        for pair in tuple(self._pairs):
            self._parts.relay.abort(pair)

    async def _accept(self, nursery: trio.Nursery) -> None:
        while self._open >= self._parts.limits.connections:
            self._room = trio.Event()
            await self._room.wait()
        shortage = self._accept_waiting(nursery, min(_ACCEPTS_AT_ONCE, self._parts.limits.connections - self._open))
        if shortage is not None:
            self._parts.report(f"{self.address[0]}:{self.address[1]} cannot accept connections: {shortage.strerror}")
            await trio.sleep(0.1)

    def _accept_waiting(self, nursery: trio.Nursery, at_most: int) -> OSError | None:
        """Take clients off the kernel's queue; an error when we are out of what it takes."""
        for _ in range(at_most):
            try:
                client, address = self._sock.accept()
            except OSError as error:
                # EAGAIN: none left; EINVAL: no longer listening; ECONNABORTED and the like: that client went away.
                return error if error.errno in _SHORTAGE else None
            self._open += 1
            client.setblocking(False)
            nursery.start_soon(self._serve, client, address[0], name=f"connection from {address[0]}:{address[1]}")
        return None

    async def _serve(self, client: socket.socket, address: str) -> None:
        server = None
        try:
            server = await self._reach(address)
        finally:
            if server is None:
                reset_on_close(client)
                client.close()
                self._one_ended()
        if server is not None:
            self._join(client, server)

    def _join(self, client: socket.socket, server: socket.socket) -> None:
        for sock in (client, server):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

        def ended() -> None:
            self._pairs.discard(pair)
            self._one_ended()

        pair = self._parts.relay.join(client, server, ended)
        self._pairs.add(pair)

    def _one_ended(self) -> None:
        self._open -= 1
        self._room.set()
        if self._closed and not self._open:
            self._ended.set()

    async def _reach(self, client: str) -> socket.socket | None:
        """A connection to the first endpoint that answers; None when none does."""
        give_up = trio.current_time() + self._parts.limits.shortage
        while True:
            short = False
            for endpoint in self._balancer.candidates(client, trio.current_time()):
                try:
                    server = await self._attempt(endpoint)
                except OSError as error:
                    short |= error.errno in _SHORTAGE
                    continue
                if server is not None:
                    self._balancer.connected(client, endpoint, trio.current_time())
                    return server
            if not short or trio.current_time() > give_up:
                return None
            await trio.sleep(0.05)

    async def _attempt(self, endpoint: Endpoint) -> socket.socket | None:
        """None when the endpoint was withdrawn meanwhile or took too long."""
        with trio.move_on_after(self._parts.limits.attempt) as scope:
            self._attempts[scope] = endpoint
            try:
                return await self._parts.connect(*endpoint)
            finally:
                del self._attempts[scope]
        return None
