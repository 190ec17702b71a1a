"""The service model: which virtual address and port leads to which endpoints, and what changed.

Pure. The rules are kube-proxy's: a port of a Service is matched with the slice ports of the same name and protocol;
ready endpoints get the traffic; when none is ready, those that terminate but still serve get it. Traffic policies
(`internalTrafficPolicy`, `externalTrafficPolicy`) and topology hints are not looked at: every policy acts as `Cluster`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from ipaddress import IPv4Address
from typing import NamedTuple

from kube_actors.records import frozen


class ServiceName(NamedTuple):
    """Which Service."""

    namespace: str
    name: str


class Endpoint(NamedTuple):
    """Where a connection may go."""

    address: str
    port: int


class ServiceKey(NamedTuple):
    """What a packet is matched by. `protocol` is TCP, UDP or SCTP."""

    cluster_ip: str
    protocol: str
    port: int


@frozen
class PublishedPort:
    """A port of a Service's spec; `name` is empty when the Service has one unnamed port."""

    name: str
    protocol: str
    port: int
    node_port: int | None = None


@frozen
class PublishedService:
    """What the network needs to know of a Service. `cluster_ip` is None when headless or ExternalName.

    `affinity_seconds` is set with `sessionAffinity: ClientIP`. `external_ips` lead to the Service like its ClusterIP.
    """

    service: ServiceName
    cluster_ip: str | None
    ports: tuple[PublishedPort, ...] = ()
    affinity_seconds: int | None = None
    publish_not_ready_addresses: bool = False
    external_name: str | None = None
    external_ips: tuple[str, ...] = ()


@frozen
class SliceEndpoint:
    """One endpoint of an EndpointSlice with its conditions; `target_uid` is the pod's uid."""

    address: str
    ready: bool = True
    serving: bool = True
    terminating: bool = False
    target_uid: str = ""
    hostname: str = ""


@frozen
class SlicePort:
    """A port of an EndpointSlice: the number the pods listen on."""

    name: str
    protocol: str
    port: int


@frozen
class EndpointSlice:
    """Endpoints that share the same ports."""

    ports: tuple[SlicePort, ...]
    endpoints: tuple[SliceEndpoint, ...]

    def ipv4_endpoints(self) -> Iterator[SliceEndpoint]:
        """Those that can be reached: slices made by hand may hold IPv6 addresses or names, which nothing here can."""
        for endpoint in self.endpoints:
            try:
                IPv4Address(endpoint.address)
            except ValueError:
                continue
            yield endpoint


@frozen
class ServicePort:
    """A virtual address and port with the endpoints behind it, in order; no endpoints means connections are refused."""

    cluster_ip: str
    protocol: str
    port: int
    endpoints: tuple[Endpoint, ...]
    affinity_seconds: int | None
    service: ServiceName
    port_name: str = ""

    @property
    def key(self) -> ServiceKey:
        """What a packet is matched by."""
        return ServiceKey(self.cluster_ip, self.protocol, self.port)

    @property
    def name(self) -> str:
        """`default/web:http`, or `default/web` when the port has no name, as kube-proxy writes it."""
        return "/".join(self.service) + (f":{self.port_name}" if self.port_name else "")


@frozen
class Changes:
    """What to do to a data plane: service ports to set (new or replaced) and keys to take away; sorted."""

    program: tuple[ServicePort, ...] = ()
    remove: tuple[ServiceKey, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.program or self.remove)


def service_ports(
    published: PublishedService,
    slices: Iterable[EndpointSlice],
    *,
    node_addresses: Sequence[str] = (),
    withdrawn: AbstractSet[str] = frozenset(),
) -> tuple[ServicePort, ...]:
    """The service ports of one Service: for its ClusterIP, its external IPs, and each node address with the node port.

    `withdrawn` are uids of pods that are ending: they count as terminating, whatever their slice still says.
    """
    slices = tuple(slices)
    addresses = tuple(filter(None, (published.cluster_ip, *published.external_ips)))
    found = []
    for port in published.ports:
        endpoints = usable_endpoints(port, slices, withdrawn)
        targets = [(address, port.port) for address in addresses]
        if port.node_port:
            targets += [(address, port.node_port) for address in node_addresses]
        for address, number in targets:
            found.append(
                ServicePort(
                    address, port.protocol, number, endpoints, published.affinity_seconds, published.service, port.name
                )
            )
    return tuple(found)


def usable_endpoints(
    port: PublishedPort, slices: Iterable[EndpointSlice], withdrawn: AbstractSet[str] = frozenset()
) -> tuple[Endpoint, ...]:
    """Endpoints that get the traffic of a port, sorted and each once: the ready ones, else those still serving."""
    ready: set[Endpoint] = set()
    last_resort: set[Endpoint] = set()
    for slice_ in slices:
        numbers = [p.port for p in slice_.ports if p.name == port.name and p.protocol == port.protocol]
        for endpoint in slice_.ipv4_endpoints():
            ending = endpoint.terminating or endpoint.target_uid in withdrawn
            if endpoint.ready and endpoint.target_uid not in withdrawn:
                ready.update(Endpoint(endpoint.address, number) for number in numbers)
            elif endpoint.serving and ending:
                last_resort.update(Endpoint(endpoint.address, number) for number in numbers)
    return tuple(sorted(ready or last_resort))


def diff(old: Mapping[ServiceKey, ServicePort], new: Mapping[ServiceKey, ServicePort]) -> Changes:
    """The least that turns `old` into `new`."""
    program = tuple(new[key] for key in sorted(new) if old.get(key) != new[key])
    return Changes(program, tuple(key for key in sorted(old) if key not in new))


class ServiceTable:
    """Every service port of the cluster, updated one Service at a time.

    Two Services may claim the same key for a moment (one deleted, its address given to another, seen in the other
    order) or for long (the same external IP): the first by name has it, until it lets go.
    """

    def __init__(self) -> None:
        self._by_service: dict[ServiceName, tuple[ServicePort, ...]] = {}
        self._claims: dict[ServiceKey, dict[ServiceName, ServicePort]] = {}

    def ports(self) -> dict[ServiceKey, ServicePort]:
        """What the data plane should hold now."""
        return {key: self._holder(claims) for key, claims in self._claims.items()}

    def update(self, service: ServiceName, ports: Iterable[ServicePort]) -> Changes:
        """Set what a Service publishes (nothing when it is gone); what the data plane has to do about it."""
        fresh = tuple(ports)
        touched = {port.key for port in (*self._by_service.pop(service, ()), *fresh)}
        before = {key: self._holder(self._claims[key]) for key in touched if key in self._claims}
        for key in touched:
            self._claims.setdefault(key, {}).pop(service, None)
        for port in fresh:
            self._claims[port.key].setdefault(service, port)
        if fresh:
            self._by_service[service] = fresh
        for key in touched:
            if not self._claims[key]:
                del self._claims[key]
        return diff(before, {key: self._holder(self._claims[key]) for key in touched if key in self._claims})

    @staticmethod
    def _holder(claims: Mapping[ServiceName, ServicePort]) -> ServicePort:
        return claims[min(claims)]
