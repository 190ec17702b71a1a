"""Cluster IPs, node ports and health check ports of services: given out in the step that commits."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Mapping
from itertools import chain
from typing import Any, ClassVar, Final

from kube_actors.api.service_addresses import ALLOCATOR, DEFAULT_RANGE, MANAGER_LABEL
from kube_actors.errors import ApiError, Cause
from kube_actors.kinds import causes
from kube_actors.kinds.ipaddresses import IP_ADDRESSES
from kube_actors.kinds.rules.services import needs_health_check
from kube_actors.kinds.servicecidrs import SERVICE_CIDRS
from kube_actors.records import frozen
from kube_actors.store import Key, Store
from kube_actors.writes.admission import Resources
from kube_actors.writes.plugins.in_use import HEADLESS, InUse, addresses_held, ports_held
from kube_actors.writes.request import Operation, Request

TRIES: Final = 16


@frozen(eq=False)
class ServiceAddresses:
    """Gives services their cluster IPs and ports; what a service names itself must be free and in range.

    `network` is the range of the default ServiceCIDR. Addresses come from it and from all other ServiceCIDRs that are
    ready; an IPAddress that somebody else made keeps its address from services.
    """

    resources: ClassVar[Resources] = frozenset({"services"})
    store: Store
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
        in_use = InUse(store, "services", addresses_held), InUse(store, "services", ports_held)
        return cls(store, chosen, node_ports, source, *in_use)

    def matches(self, request: Request) -> bool:
        """Services, not their status."""
        return not request.subresource and request.operation is not Operation.DELETE

    def allocate(self, request: Request) -> None:
        """Fill in `clusterIP`, `clusterIPs`, `nodePort` and `healthCheckNodePort`."""
        spec = request.new["spec"]
        kind = spec.get("type")
        if kind != "ExternalName":
            self._cluster_ip(request, spec)
        if kind == "NodePort" or (kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts", True)):
            self._node_ports(request, spec)
        if needs_health_check(spec):
            self._health_check_port(request, spec)

    def networks(self) -> list[ipaddress.IPv4Network]:
        """The ranges that addresses may be taken from, the default one first."""
        found = {DEFAULT_RANGE: [self.network]}
        for revision in self.store.list(SERVICE_CIDRS):
            facts, usable = revision.projection.facts, not revision.projection.deleting
            cidrs = [each for each in facts.cidrs if ":" not in each] if usable and facts.ready else []
            found[revision.key.name] = [ipaddress.IPv4Network(cidr) for cidr in cidrs]
        return [network for networks in found.values() for network in networks]

    def _cluster_ip(self, request: Request, spec: dict[str, Any]) -> None:
        wanted = spec.get("clusterIP", "")
        if wanted == HEADLESS:
            return
        if not wanted:
            spec["clusterIP"] = self.free_address()
            spec["clusterIPs"] = [spec["clusterIP"]]
        elif request.old is None or wanted not in (request.old["spec"].get("clusterIPs") or ()):
            self._check_address(request, wanted)

    def _check_address(self, request: Request, wanted: str) -> None:
        problem = ""
        if not any(ipaddress.ip_address(wanted) in network for network in self.networks()):
            problem = "the provided network does not match the current range"
        elif self._is_taken(wanted, by_other_than=request.key):
            problem = "provided IP is already allocated"
        if problem:
            why = f"failed to allocate IP {wanted}: {problem}"
            raise request.invalid([causes.invalid("spec.clusterIPs", [wanted], why)])

    def free_address(self) -> str:
        """A random one from the upper band of a range; the lower stays for services that name their address."""
        return self.free_address_in(*self.networks())

    def free_address_in(self, *networks: ipaddress.IPv4Network) -> str:
        """The same from these ranges, the first that has one. Raises ApiError: they are full."""
        found = (self._free_one(network) for network in networks)
        address = next((each for each in found if each is not None), None)
        if address is None:
            raise ApiError("InternalError", 500, "failed to allocate a serviceIP: range is full")
        return address

    def _free_one(self, network: ipaddress.IPv4Network) -> str | None:
        first, last = 1, network.num_addresses - 2
        if last < first:
            return None
        start = first + _kept_back(last - first + 1, 16, 256)
        for _ in range(TRIES):
            address = str(network[self.source.randint(start, last)])
            if not self._is_taken(address):
                return address
        everywhere = (str(network[offset]) for offset in (*range(start, last + 1), *range(first, start)))
        return next((address for address in everywhere if not self._is_taken(address)), None)

    def _is_taken(self, address: str, by_other_than: Key | None = None) -> bool:
        """Whether another service has the address, or an IPAddress says that somebody else has."""
        holder = self.addresses_in_use.holder(address)
        if holder is not None:
            return holder != by_other_than
        reserved = self.store.get(Key(IP_ADDRESSES, "", address))
        return reserved is not None and not self._is_left_over(reserved.body(), by_other_than)

    def _is_left_over(self, reserved: Mapping[str, Any], asking: Key | None) -> bool:
        """Whether an IPAddress is the asking service's own, or one of the allocator's that nobody uses any more."""
        parent = reserved["spec"].get("parentRef") or {}
        owner = Key(parent.get("resource", ""), parent.get("namespace", ""), parent.get("name", ""))
        is_ours = (reserved["metadata"].get("labels") or {}).get(MANAGER_LABEL) == ALLOCATOR
        return not parent.get("group") and (owner == asking or is_ours)

    def _health_check_port(self, request: Request, spec: dict[str, Any]) -> None:
        """Where a load balancer asks nodes whether they have pods of the service."""
        wanted, before = spec.get("healthCheckNodePort"), (request.old or {}).get("spec") or {}
        if not wanted:
            taken = {port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")}
            spec["healthCheckNodePort"] = self._free_port("TCP", taken)
        elif wanted != before.get("healthCheckNodePort"):
            problems = self._check_port(request, "TCP", wanted, "spec.healthCheckNodePort")
            if problems:
                why = problems[0].message.rpartition(": ")[2]
                told = f"failed to allocate requested HealthCheck NodePort {wanted}: {why}"
                raise ApiError("InternalError", 500, f"Internal error occurred: {told}")

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
        """As with addresses, the lower ones stay for services that name theirs while there are others."""
        kept = _kept_back(len(self.node_ports), 32, 128)
        lower, upper = self.node_ports[:kept], self.node_ports[kept:]
        for port in chain((self.source.choice(upper) for _ in range(TRIES)), upper, lower):
            if port not in taken and self.ports_in_use.holder((protocol, port)) is None:
                return port
        raise ApiError("InternalError", 500, "failed to allocate a nodePort: range is full")


def _kept_back(size: int, share: int, at_most: int) -> int:
    """How many at the lower end of a range are given out last: a share of it, from 16 to so many; none of a small one.

    2,768 node ports with a share of 32: 86, so automatic ports begin at 30086.
    """
    return 0 if size <= 16 else min(max(16, size // share), at_most)
