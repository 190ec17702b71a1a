"""The records of Services, as Kubernetes' "DNS-Based Service Discovery" (version 1.1.0) lays down.

The index is updated one Service at a time, when it or its EndpointSlices change; a lookup reads two dictionaries.
"""

from __future__ import annotations

import socket
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from kube_actors.network.dns_wire import Type, wire_name
from kube_actors.network.services import EndpointSlice, PublishedService, ServiceName, SliceEndpoint

Data = dict[int, tuple[bytes, ...]]
"""The records of one name: type → data of each."""


def service_records(published: PublishedService, slices: Iterable[EndpointSlice], domain: str) -> dict[bytes, Data]:
    """Every name of one Service with its records.

    ClusterIP: its address, SRV for named ports, PTR. Headless: an address per endpoint that is ready (every one with
    publishNotReadyAddresses), each under a name of its own too, SRV and PTR to those. ExternalName: an alias.
    Malformed when a name does not fit DNS, which validated objects never have.
    """
    namespace, name = published.service
    own = f"{name}.{namespace}.svc.{domain}"
    found: dict[bytes, dict[int, set[bytes]]] = {}
    if published.external_name:
        facts: Iterable[tuple[bytes, int, bytes]] = [(wire_name(own), Type.CNAME, wire_name(published.external_name))]
    elif published.cluster_ip:
        facts = _cluster_ip_facts(published, published.cluster_ip, own)
    else:
        facts = _headless_facts(published, slices, own)
    for owner, type_, data in facts:
        found.setdefault(owner, {}).setdefault(type_, set()).add(data)
    return {owner: {type_: tuple(sorted(data)) for type_, data in types.items()} for owner, types in found.items()}


def _cluster_ip_facts(published: PublishedService, address: str, own: str) -> Iterator[tuple[bytes, int, bytes]]:
    yield wire_name(own), Type.A, socket.inet_aton(address)
    yield reverse_name(address), Type.PTR, wire_name(own)
    for port in published.ports:
        if port.name:
            yield wire_name(f"_{port.name}._{port.protocol.lower()}.{own}"), Type.SRV, _srv(port.port, own)


def _headless_facts(
    published: PublishedService, slices: Iterable[EndpointSlice], own: str
) -> Iterator[tuple[bytes, int, bytes]]:
    for slice_ in slices:
        for endpoint in slice_.ipv4_endpoints():
            if not (endpoint.ready or published.publish_not_ready_addresses):
                continue
            pod = f"{_host(endpoint)}.{own}"
            yield wire_name(own), Type.A, socket.inet_aton(endpoint.address)
            yield wire_name(pod), Type.A, socket.inet_aton(endpoint.address)
            yield reverse_name(endpoint.address), Type.PTR, wire_name(pod)
            for port in slice_.ports:
                if port.name:
                    yield wire_name(f"_{port.name}._{port.protocol.lower()}.{own}"), Type.SRV, _srv(port.port, pod)


def _host(endpoint: SliceEndpoint) -> str:
    """`spec.hostname` of the pod, or its address with dashes: `10-244-0-7`."""
    return endpoint.hostname or endpoint.address.replace(".", "-")


def _srv(port: int, target: str) -> bytes:
    """Priority 0, weight 100: all targets alike."""
    return struct.pack("!3H", 0, 100, port) + wire_name(target)


def reverse_name(address: str) -> bytes:
    """`7.0.96.10.in-addr.arpa` for 10.96.0.7, in wire form."""
    return wire_name(".".join(reversed(address.split("."))) + ".in-addr.arpa")


class RecordIndex:
    """All names of the cluster's Services, and which names have others beneath them."""

    def __init__(self, domain: str = "cluster.local") -> None:
        self.domain = domain
        self.changes = 0
        self._by_service: dict[ServiceName, dict[bytes, Data]] = {}
        self._by_name: dict[bytes, dict[ServiceName, Data]] = {}
        self._beneath: Counter[bytes] = Counter()

    def set_service(self, published: PublishedService, slices: Iterable[EndpointSlice]) -> None:
        """Put a Service's records in place of those it had."""
        fresh = service_records(published, slices, self.domain)
        if fresh == self._by_service.get(published.service):
            return
        self.remove_service(published.service)
        self.changes += 1
        self._by_service[published.service] = fresh
        for name, data in fresh.items():
            self._by_name.setdefault(name, {})[published.service] = data
            self._beneath.update(_parents(name))

    def remove_service(self, service: ServiceName) -> None:
        """The Service is gone; an unknown one is no error."""
        for name in self._by_service.pop(service, ()):
            self.changes += 1
            del self._by_name[name][service]
            if not self._by_name[name]:
                del self._by_name[name]
            for parent in _parents(name):
                self._beneath[parent] -= 1
                if not self._beneath[parent]:
                    del self._beneath[parent]

    def lookup(self, name: bytes) -> Mapping[int, tuple[bytes, ...]] | None:
        """Records of a name in wire form; empty when it only has names beneath it, None when it does not exist."""
        owners = self._by_name.get(name)
        if owners is None:
            return {} if name in self._beneath else None
        if len(owners) == 1:
            return next(iter(owners.values()))
        merged: Data = {}
        for service in sorted(owners):
            for type_, data in owners[service].items():
                merged[type_] = (*merged.get(type_, ()), *data)
        return merged


def _parents(name: bytes) -> Iterator[bytes]:
    """Every name above this one, without the root."""
    at = name[0] + 1
    while name[at]:
        yield name[at:]
        at += name[at] + 1
