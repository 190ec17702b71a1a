"""A UDP proxy for machines without a kernel data plane: each client has a socket of its own towards one endpoint."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence

import trio

from kube_actors.network.balancer import Balancer
from kube_actors.network.proxy import ProxyParts
from kube_actors.network.services import Endpoint
from kube_actors.records import define

_DATAGRAM = 65_535
_DATAGRAMS_AT_ONCE = 64
IDLE_SECONDS = 60.0
"""An association ends after this long without a datagram; the kernel's conntrack keeps them 30 to 120 s."""


@define(eq=False)
class _Association:
    endpoint: Endpoint
    sock: socket.socket
    scope: trio.CancelScope


def bind_udp(address: str, port: int) -> socket.socket:
    """A bound, non-blocking datagram socket. OSError as bind(2)."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        sock.bind((address, port))
    except OSError:
        sock.close()
        raise
    return sock


class UdpProxy:
    """Serves one bound socket, which it owns. A client whose endpoint is withdrawn goes to another with its next
    datagram, as kube-proxy clears conntrack for UDP; beyond the limit of clients the one idle longest is forgotten."""

    def __init__(self, sock: socket.socket, parts: ProxyParts) -> None:
        self.address: tuple[str, int] = sock.getsockname()
        self._sock = sock
        self._parts = parts
        self._balancer = Balancer(parts.random)
        self._associations: dict[tuple[str, int], _Association] = {}
        self._serving = trio.CancelScope()
        self._ended = trio.Event()

    @property
    def connections(self) -> int:
        """How many clients have an association."""
        return len(self._associations)

    def set_endpoints(self, endpoints: Sequence[Endpoint], affinity_seconds: float | None = None) -> None:
        """From now on datagrams go to these."""
        self._balancer.set_endpoints(endpoints, affinity_seconds)
        for association in self._associations.values():
            if association.endpoint not in self._balancer.endpoints:
                association.scope.cancel()

    def close(self) -> None:
        """Stop; a datagram service has nothing to finish."""
        self._serving.cancel()

    def abort(self) -> None:
        """The same as close."""
        self.close()

    async def ended(self) -> None:
        """Returns when `serve` has."""
        await self._ended.wait()

    async def serve(self) -> None:
        """Until `close` or cancelled."""
        try:
            with self._serving:
                async with trio.open_nursery() as nursery:
                    while True:
                        await trio.lowlevel.wait_readable(self._sock)
                        self._receive(nursery)
        finally:
            self._sock.close()
            self._ended.set()

    def _receive(self, nursery: trio.Nursery) -> None:
        for _ in range(_DATAGRAMS_AT_ONCE):
            try:
                data, client = self._sock.recvfrom(_DATAGRAM)
            except OSError:
                return
            association = self._associations.get(client)
            if association is None or association.scope.cancel_called:
                association = self._associate(client, nursery)
            if association is not None:
                association.scope.deadline = trio.current_time() + IDLE_SECONDS
                with contextlib.suppress(OSError):
                    association.sock.send(data)

    def _associate(self, client: tuple[str, int], nursery: trio.Nursery) -> _Association | None:
        now = trio.current_time()
        endpoint = next(self._balancer.candidates(client[0], now), None)
        if endpoint is None:
            return None
        self._balancer.connected(client[0], endpoint, now)
        if len(self._associations) >= self._parts.limits.connections:
            min(self._associations.values(), key=lambda a: a.scope.deadline).scope.cancel()
        try:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        except OSError as error:
            self._parts.report(f"{self.address[0]}:{self.address[1]}/UDP drops datagrams: {error.strerror}")
            return None
        try:
            sock.connect(endpoint)
        except OSError:
            sock.close()
            return None
        association = _Association(endpoint, sock, trio.CancelScope())
        self._associations[client] = association
        nursery.start_soon(self._answer, client, association, name=f"datagrams of {client[0]}:{client[1]}")
        return association

    async def _answer(self, client: tuple[str, int], association: _Association) -> None:
        try:
            with association.scope:
                while True:
                    await trio.lowlevel.wait_readable(association.sock)
                    # ECONNREFUSED: nobody listens there; UDP has no way to tell the client.
                    with contextlib.suppress(OSError):
                        data = association.sock.recv(_DATAGRAM)
                        association.scope.deadline = trio.current_time() + IDLE_SECONDS
                        self._sock.sendto(data, client)
        finally:
            association.sock.close()
            if self._associations.get(client) is association:
                del self._associations[client]
