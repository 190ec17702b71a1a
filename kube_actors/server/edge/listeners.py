"""Sockets that accept clients, the deadlines of all connections, and the orderly end."""

from __future__ import annotations

import contextlib
import errno
import heapq
import math
import os
import socket
import ssl
import struct
import traceback
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import trio

from kube_actors.log import Log
from kube_actors.records import frozen
from kube_actors.server.edge.connection import Connection
from kube_actors.server.edge.hosts import HostCheck
from kube_actors.server.edge.limits import BodyBudget, EdgeLimits
from kube_actors.server.edge.line import GIVING_WAY, Phase
from kube_actors.server.edge.service import Service
from kube_actors.server.edge.wire import Wire
from kube_actors.server.flow_control import may_take_long
from kube_actors.server.http import Handler, HttpRequest, Peer

_TICK: Final = 1.0
_PAUSE: Final = 0.1
"""Machine seconds to wait when the process has no descriptors left."""
_GIVE_WAY: Final = 32
"""Connections that are ended at a time when there are too many: finding them means looking at all."""
_COMPRESSING: Final = 2
"""Worker threads that compress answers."""
_CREDENTIALS: Final = struct.Struct("3i")  # struct ucred: pid, uid, gid
_BACKLOG: Final = 1024
_OUT_OF_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_KEEPALIVE_OPTIONS: Final = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
_KEEPALIVE: Final = (60, 15, 4)
"""A silent peer is asked after so many seconds, every so many, so many times, and then taken for gone."""

log = Log(__name__)


@frozen(eq=False)
class Binding:
    """A bound socket to serve: TLS with a context, plain without.

    `is_owner`: a private unix socket, whose clients need no credentials. Never over TCP.
    """

    socket: socket.socket
    tls: ssl.SSLContext | None = None
    is_owner: bool = False


LongRunning = Callable[[HttpRequest], bool]
"""Whether a request may take as long as it likes."""


class Edge:
    """A running edge; made by `open_edge`."""

    def __init__(self, service: Service, bindings: Sequence[Binding], long_running: LongRunning) -> None:
        self.addresses = tuple(address_of(binding.socket) for binding in bindings)
        """Where it listens, in the order of the bindings: `host:port`, or the path of a unix socket."""
        self._service, self._bindings, self._long_running = service, tuple(bindings), long_running
        self._room = service.limits.connections
        self._connections: set[Connection] = set()
        self._accepting = trio.CancelScope()
        self._serving = trio.CancelScope()
        self._changes = trio.lowlevel.ParkingLot()

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self._connections)

    @property
    def is_busy(self) -> bool:
        """Whether a client is in the middle of something: of its handshake, a request, or its answer."""
        return any(connection.line.phase not in (Phase.IDLE, Phase.STREAMING) for connection in self._connections)

    async def drain(self, seconds: float) -> None:
        """Take no more clients and let the others come to their ends: requests are answered, streams end where they
        are. What is not done after so many machine seconds is dropped. The sockets are closed."""
        self._accepting.cancel()
        for connection in tuple(self._connections):
            connection.end()
        with trio.move_on_after(seconds):
            while self._connections:
                await self._changes.park()
        self._serving.cancel()

    # --- its tasks

    async def run(self) -> None:
        """Serve until drained or cancelled."""
        with self._serving:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._keep_deadlines, name="edge deadlines")
                with self._accepting:
                    async with trio.open_nursery() as accepting:
                        for binding in self._bindings:
                            accepting.start_soon(self._accept, binding, nursery, name="edge listener")
                await trio.sleep_forever()

    async def _accept(self, binding: Binding, nursery: trio.Nursery) -> None:
        with binding.socket:
            while True:
                await trio.lowlevel.wait_readable(binding.socket)
                try:
                    sock, address = binding.socket.accept()
                except OSError as error:
                    if error.errno in _OUT_OF_ROOM:
                        self._make_room()
                        await trio.sleep(_PAUSE)
                    continue  # a client that went before it was accepted
                if len(self._connections) >= self._room and not self._make_room():
                    sock.close()
                    continue
                if binding.is_owner and not _is_owner(sock):
                    sock.close()
                    continue
                self._admit(sock, address, binding, nursery)

    def _admit(self, sock: socket.socket, address: object, binding: Binding, nursery: trio.Nursery) -> None:
        where = "unix"
        if isinstance(address, tuple):
            where = address[0]
            _prepare(sock)
        self._service.now = trio.current_time()
        connection = Connection(self._service, Wire(sock), Peer(where, is_owner=binding.is_owner), binding.tls)
        self._connections.add(connection)
        if len(self._connections) == 1:
            self._changes.unpark_all()
        nursery.start_soon(self._serve, connection, name="edge connection")

    async def _serve(self, connection: Connection) -> None:
        try:
            await connection.run()
        except Exception as error:  # a boundary: one connection's fault is no other's
            log.error("a connection failed", traceback="".join(traceback.format_exception(error)))
        finally:
            self._connections.discard(connection)
            self._changes.unpark_all()

    # --- deadlines and room

    async def _keep_deadlines(self) -> None:
        """Look at every connection once a second: cheaper than a timer for each step of each request."""
        while True:
            while not self._connections:
                await self._changes.park()
            await trio.sleep(_TICK)
            now = self._service.now = trio.current_time()
            for connection in self._connections:
                line = connection.line
                if now - line.since >= self._allowed(connection):
                    connection.drop(overdue=line.phase is Phase.HANDLING)
                elif line.phase is Phase.HANDLING and now - line.since > _TICK and line.wire.is_gone():
                    connection.drop()

    def _allowed(self, connection: Connection) -> float:
        """Seconds a connection may go on with what it is doing."""
        limits = self._service.limits
        match connection.line.phase:
            case Phase.HANDSHAKE:
                return limits.handshake_time
            case Phase.IDLE:
                return limits.idle_time
            case Phase.HEAD:
                return limits.head_time
            case Phase.BODY:
                return limits.body_time
            case Phase.SENDING:
                return limits.send_time
            case Phase.HANDLING:
                request = connection.handling
                return math.inf if request is None or self._long_running(request) else limits.request_time
            case Phase.STREAMING:
                return math.inf

    def _make_room(self) -> bool:
        """End the connections that have waited longest for a request; False when all are busy."""
        waiting = [connection for connection in self._connections if connection.line.phase in GIVING_WAY]
        for connection in heapq.nsmallest(_GIVE_WAY, waiting, key=lambda one: one.line.since):
            connection.drop()
        return bool(waiting)


@asynccontextmanager
async def open_edge(
    handler: Handler,
    bindings: Sequence[Binding],
    *,
    names: Iterable[str] = (),
    limits: EdgeLimits | None = None,
    long_running: LongRunning = may_take_long,
) -> AsyncIterator[Edge]:
    """Answer what comes in at these sockets, which it takes over, for as long as the block; at its end clients are
    dropped, so `drain` first.

    `names` are what clients may call the server beside its addresses and the usual names. `long_running` tells the
    requests that may take longer than others.
    """
    limits = limits or EdgeLimits()
    budget, now = BodyBudget(limits.bodies), trio.current_time()
    service = Service(handler, limits, HostCheck.of(names), budget, trio.CapacityLimiter(_COMPRESSING), now)
    for binding in bindings:
        binding.socket.setblocking(False)
        binding.socket.listen(_BACKLOG)
    edge = Edge(service, bindings, long_running)
    body_error: Exception | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(edge.run, name="edge")
        try:
            yield edge
        except Exception as error:  # raised again below, outside the nursery, so that it is not wrapped
            body_error = error
        nursery.cancel_scope.cancel()
    if body_error is not None:
        raise body_error


def address_of(sock: socket.socket) -> str:
    """`127.0.0.1:6443`, `[::1]:6443`, or a path."""
    name = sock.getsockname()
    if sock.family == socket.AF_INET6:
        return f"[{name[0]}]:{name[1]}"
    return f"{name[0]}:{name[1]}" if sock.family == socket.AF_INET else str(name)


def _is_owner(sock: socket.socket) -> bool:
    """Whether the peer is this user or root (SO_PEERCRED, unix(7))."""
    _, uid, _ = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return uid in (0, os.geteuid())


def _prepare(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for option, value in zip(_KEEPALIVE_OPTIONS, _KEEPALIVE, strict=True):
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
