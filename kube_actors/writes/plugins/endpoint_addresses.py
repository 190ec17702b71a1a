"""Endpoints must lead somewhere else: an address of the loopback would lead every client to itself.

Where pods themselves live in 127.0.0.0/8 (clusters without privileges) this does not hold, nor for the Service
`kubernetes`: a cluster whose pods have no network of their own finds the API on the machine's loopback.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any, ClassVar, Final

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.addresses import LOOPBACK, is_address, is_loopback
from kube_actors.records import frozen
from kube_actors.writes.admission import Resources
from kube_actors.writes.request import Operation, Request

ENDPOINTS: Final = "endpoints"
SLICES: Final = "endpointslices.discovery.k8s.io"
API: Final = ("default", "kubernetes")


@frozen(eq=False)
class EndpointAddresses:
    """Refuses loopback addresses in Endpoints and EndpointSlices. `network` is the range of the cluster's Services."""

    resources: ClassVar[Resources] = frozenset({ENDPOINTS, SLICES})
    network: ipaddress.IPv4Network

    def matches(self, request: Request) -> bool:
        """Every write of endpoints, where pods are not on the loopback."""
        if request.operation is Operation.DELETE:
            return False
        return not self.network.is_loopback and (request.key.namespace, request.key.name) != API

    def admit(self, request: Request) -> None:
        """ApiError 422 with every such address that is new."""
        find = _of_endpoints if request.resource.id == ENDPOINTS else _of_slice
        known = {address for _, address in find(request.old or {})}
        found: list[Cause] = [
            causes.invalid(field, address, LOOPBACK)
            for field, address in find(request.new)
            if address not in known and is_address(address) and is_loopback(address)
        ]
        if found:
            raise request.invalid(found)


def _of_endpoints(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for index, subset in enumerate(body.get("subsets") or ()):
        for name in ("addresses", "notReadyAddresses"):
            for at, address in enumerate(subset.get(name) or ()):
                yield f"subsets[{index}].{name}[{at}].ip", address.get("ip", "")


def _of_slice(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for index, endpoint in enumerate(body.get("endpoints") or ()):
        for at, address in enumerate(endpoint.get("addresses") or ()):
            yield f"endpoints[{index}].addresses[{at}]", address
