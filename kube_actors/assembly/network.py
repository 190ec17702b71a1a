"""The network a cluster's Services live in: the data plane that fits the machine, DNS, and cluster.yaml's listeners."""

from __future__ import annotations

import errno
import random
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import trio

from kube_actors.config.types import ClusterConfig, ListenerConfig
from kube_actors.errors import InputError, Problem
from kube_actors.log import Log
from kube_actors.network.data_plane import CombinedDataPlane, DataPlane, NftDataPlane
from kube_actors.network.dns import DnsServer
from kube_actors.network.dns_authority import Authority
from kube_actors.network.dns_records import RecordIndex
from kube_actors.network.dns_upstream import Upstream
from kube_actors.network.ports_in_use import port_holder
from kube_actors.network.proxy import Connector, ProxyParts, bind_tcp, connect_directly
from kube_actors.network.proxy_planes import ListenerDataPlane, ListenerTarget, ProxyDataPlane
from kube_actors.network.ranges import NetworkRanges
from kube_actors.network.relay import Relay
from kube_actors.network.services import ServiceName
from kube_actors.node.runtime.agent_link import AgentLink
from kube_actors.records import frozen

DNS_PORT = 53
RESOLV_CONF = Path("/etc/resolv.conf")

log = Log(__name__)


@frozen
class BoundListener:
    """A port of the machine that leads to a Service."""

    service: ServiceName
    host: str
    port: int

    @property
    def url(self) -> str:
        """Where a browser goes."""
        return f"http://{self.host}:{self.port}/"


@frozen
class ClusterNetwork:
    """The running network. `has_dns`: pods' resolvers may be pointed at the cluster's own DNS.

    `listeners` are those of the configuration; `opened` those that `listener_to` made, by service and port.
    """

    data_plane: DataPlane
    records: RecordIndex
    listeners: tuple[BoundListener, ...]
    ranges: NetworkRanges
    has_dns: bool
    listening: ListenerDataPlane
    opened: dict[tuple[ServiceName, int | str | None], BoundListener] = attrs.field(factory=dict)

    def listener_to(self, service: ServiceName, port: int | str | None = None) -> BoundListener:
        """A port of 127.0.0.1 that leads to a port of a Service (None: its first); always the same one. OSError when
        the machine has none left."""
        if port is None:
            for listener in self.listeners:
                if listener.service == service:
                    return listener
        if (service, port) not in self.opened:
            self.opened[service, port] = _open(self.listening, service, port, bind_tcp("127.0.0.1", 0))
        return self.opened[service, port]


def bind_listeners(config: ClusterConfig) -> list[tuple[ListenerConfig, socket.socket]]:
    """Every listener's socket, before anything is started. InputError names who holds a port that is taken."""
    bound: list[tuple[ListenerConfig, socket.socket]] = []
    problems = []
    for index, listener in enumerate(config.listeners):
        try:
            bound.append((listener, bind_tcp(listener.host, listener.port)))
        except OSError as error:
            problems.append(_not_bound(index, listener, error))
    if problems:
        for _, sock in bound:
            sock.close()
        raise InputError(problems)
    return bound


def _not_bound(index: int, listener: ListenerConfig, error: OSError) -> Problem:
    where = f"{listener.host}:{listener.port}"
    message = f"cannot listen on {where}: {error.strerror}"
    hint = None
    if error.errno == errno.EADDRINUSE:
        holder = port_holder(listener.port)
        message = f"{where} is in use" + (f" by {holder}" if holder is not None else "")
        hint = "choose another port, or 0 for a free one"
    return Problem(message, path=f"$.spec.listeners[{index}].port", hint=hint)


@asynccontextmanager
async def running_network(
    config: ClusterConfig,
    bound: Sequence[tuple[ListenerConfig, socket.socket]],
    link: AgentLink | None,
    ranges: NetworkRanges,
    source: random.Random,
) -> AsyncIterator[ClusterNetwork]:
    """Everything that carries traffic, for as long as the block runs; at the end connections get a moment to end.

    `bound` are the sockets of `bind_listeners`, which it takes over.
    """
    relay = Relay()
    parts = ProxyParts(relay, _connector(link), source, lambda text: log.warning(text))
    listening = ListenerDataPlane(parts)
    records = RecordIndex(config.network.cluster_domain)
    proxies: list[ListenerDataPlane | ProxyDataPlane] = [listening]
    planes: list[DataPlane] = [listening]
    if link is not None and link.tier in ("A", "B"):
        planes.append(NftDataPlane(link))
    elif any(node.runtime != "simulated" for node in config.nodes):
        own = ProxyDataPlane(parts)
        proxies.append(own)
        planes.append(own)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(relay.run, name="relay")
        for plane in proxies:
            await nursery.start(plane.serve)
        listeners = tuple(_open(listening, _service(wanted), _port(wanted), sock) for wanted, sock in bound)
        has_dns = link is not None and link.tier in ("A", "B")
        if has_dns and link is not None:
            await _serve_dns(nursery, link, records, ranges, source)
        yield ClusterNetwork(CombinedDataPlane(planes), records, listeners, ranges, has_dns, listening)
        with trio.CancelScope(shield=True):
            for plane in proxies:
                await plane.drain(1.0)
        nursery.cancel_scope.cancel()


def _service(listener: ListenerConfig) -> ServiceName:
    return ServiceName(listener.namespace, listener.service)


def _port(listener: ListenerConfig) -> int | str | None:
    """Which port of its Service a listener leads to: by number, by name, or the first."""
    port = listener.service_port
    return int(port) if port.isdecimal() else port or None


def _open(plane: ListenerDataPlane, service: ServiceName, port: int | str | None, sock: socket.socket) -> BoundListener:
    host, number = plane.open(sock, ListenerTarget(service, port)).address
    return BoundListener(service, host, number)


def _connector(link: AgentLink | None) -> Connector:
    """How this process reaches a pod: directly, or (rootless) by a socket made inside the cluster's namespace."""
    if link is None or link.tier != "B":
        return connect_directly

    async def connect_inside(address: str, port: int) -> socket.socket:
        sock = await link.socket("cluster")
        try:
            await sock.connect((address, port))
        except BaseException:
            sock.close()
            raise
        return socket.socket(fileno=sock.detach())

    return connect_inside


async def _serve_dns(
    nursery: trio.Nursery, link: AgentLink, records: RecordIndex, ranges: NetworkRanges, source: random.Random
) -> None:
    address = ranges.dns_address
    authority = Authority(records, address, (ranges.pod_cidr, ranges.service_cidr), source)
    server = DnsServer(authority, Upstream(RESOLV_CONF, (address,)))
    for kind, serve in (("UDP", server.serve_udp), ("TCP", server.serve_tcp)):
        sock = await link.listen("cluster", address, DNS_PORT, kind)
        plain = socket.socket(fileno=sock.detach())
        plain.setblocking(False)
        nursery.start_soon(serve, plain, name=f"dns {kind.lower()}")
