"""Cluster IPs and node ports of services: what is in use is read from the store, so nothing can leak."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from kube_actors.errors import ApiError, Cause
from kube_actors.kinds import causes
from kube_actors.records import frozen
from kube_actors.store import Commit, Key, Revision, Store
from kube_actors.writes.request import Operation, Request

HEADLESS = "None"
TRIES = 16
V = TypeVar("V", bound=Hashable)


class InUse(Generic[V]):
    """Who uses which value, kept up to date by the store's commits."""

    def __init__(self, store: Store, values: Callable[[Revision], tuple[V, ...]]) -> None:
        self._values = values
        self._holders: dict[V, Key] = {}
        for revision in store.list("services"):
            self._add(revision)
        store.subscribe(self._committed, "services")

    def holder(self, value: V) -> Key | None:
        """The service that uses the value."""
        return self._holders.get(value)

    def _add(self, revision: Revision) -> None:
        for value in self._values(revision):
            self._holders[value] = revision.key

    def _committed(self, commit: Commit) -> None:
        before = commit.previous or commit.revision
        for value in self._values(before):
            if self._holders.get(value) == before.key:
                del self._holders[value]
        if commit.kind != "deleted":
            self._add(commit.revision)


def _cluster_ips(revision: Revision) -> tuple[str, ...]:
    return tuple(each for each in revision.projection.facts.cluster_ips if each != HEADLESS)


def _node_ports(revision: Revision) -> tuple[tuple[str, int], ...]:
    found: tuple[tuple[str, int], ...] = revision.projection.facts.node_ports
    return found


@frozen(eq=False)
class ServiceAddresses:
    """Gives services their cluster IPs and node ports; what a service names itself must be free and in range."""

    network: ipaddress.IPv4Network
    node_ports: range
    source: random.Random
    addresses_in_use: InUse[str]
    ports_in_use: InUse[tuple[str, int]]

    @classmethod
    def over(
        cls,
        store: Store,
        source: random.Random,
        network: ipaddress.IPv4Network | None = None,
        node_ports: range = range(30000, 32768),
    ) -> ServiceAddresses:
        """An allocator for the services of this store. Without a network: 10.96.0.0/12, as in Kubernetes."""
        chosen = network or ipaddress.IPv4Network("10.96.0.0/12")
        return cls(chosen, node_ports, source, InUse(store, _cluster_ips), InUse(store, _node_ports))

    def matches(self, request: Request) -> bool:
        """Services, not their status."""
        if request.resource.id != "services" or request.subresource:
            return False
        return request.operation is not Operation.DELETE

    def allocate(self, request: Request) -> None:
        """Fill in `clusterIP`, `clusterIPs` and `nodePort`."""
        spec = request.new["spec"]
        kind = spec.get("type")
        if kind != "ExternalName":
            self._cluster_ip(request, spec)
        if kind == "NodePort" or (kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts", True)):
            self._node_ports(request, spec)

    def _cluster_ip(self, request: Request, spec: dict[str, Any]) -> None:
        wanted = spec.get("clusterIP", "")
        if wanted == HEADLESS:
            return
        if wanted:
            self._check_address(request, wanted)
        else:
            spec["clusterIP"] = self.free_address()
            spec["clusterIPs"] = [spec["clusterIP"]]

    def _check_address(self, request: Request, wanted: str) -> None:
        problem = ""
        if ipaddress.ip_address(wanted) not in self.network:
            problem = f"the provided IP ({wanted}) is not in the valid range. The range of valid IPs is {self.network}"
        elif self.addresses_in_use.holder(wanted) not in (None, request.key):
            problem = "provided IP is already allocated"
        if problem:
            why = f"failed to allocate IP {wanted}: {problem}"
            raise request.invalid([causes.invalid("spec.clusterIPs", [wanted], why)])

    def free_address(self) -> str:
        """A random one from the upper band; the lower stays for services that name their address."""
        size = self.network.num_addresses
        first, last = 1, size - 2
        lower = min(max(16, size // 16), 256)
        start = first + lower if last - first > lower else first
        for _ in range(TRIES):
            address = str(self.network[self.source.randint(start, last)])
            if self.addresses_in_use.holder(address) is None:
                return address
        for offset in (*range(start, last + 1), *range(first, start)):
            address = str(self.network[offset])
            if self.addresses_in_use.holder(address) is None:
                return address
        raise ApiError("InternalError", 500, "failed to allocate a serviceIP: range is full")

    def _node_ports(self, request: Request, spec: dict[str, Any]) -> None:
        """One node port per port; TCP and UDP of the same port share theirs."""
        found: list[Cause] = []
        shared = {port["port"]: port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")}
        for index, port in enumerate(spec.get("ports") or ()):
            protocol, wanted = port.get("protocol", "TCP"), port.get("nodePort")
            if wanted:
                found += self._check_port(request, protocol, wanted, f"spec.ports[{index}].nodePort")
                continue
            number = shared.get(port["port"]) or self._free_port(protocol, set(shared.values()))
            port["nodePort"] = shared[port["port"]] = number
        if found:
            raise request.invalid(found)

    def _check_port(self, request: Request, protocol: str, wanted: int, field: str) -> list[Cause]:
        if wanted not in self.node_ports:
            span = f"{self.node_ports.start}-{self.node_ports.stop - 1}"
            why = f"provided port is not in the valid range. The range of valid ports is {span}"
            return [causes.invalid(field, wanted, why)]
        if self.ports_in_use.holder((protocol, wanted)) not in (None, request.key):
            return [causes.invalid(field, wanted, "provided port is already allocated")]
        return []

    def _free_port(self, protocol: str, taken: set[int]) -> int:
        for _ in range(TRIES):
            port = self.source.choice(self.node_ports)
            if port not in taken and self.ports_in_use.holder((protocol, port)) is None:
                return port
        for port in self.node_ports:
            if port not in taken and self.ports_in_use.holder((protocol, port)) is None:
                return port
        raise ApiError("InternalError", 500, "failed to allocate a nodePort: range is full")
