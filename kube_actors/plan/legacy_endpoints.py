"""The older Endpoints object of a service, for clients that still read it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from kube_actors.api.views import body_of
from kube_actors.api.views.services import EndpointAddress, EndpointsPort, EndpointSubset, EndpointsView, ServiceView
from kube_actors.plan.endpoint_pods import ServicePod, hostname_for, ports_of, reference_to
from kube_actors.plan.endpoints import HEADLESS, manages
from kube_actors.records import frozen

# Beyond this, addresses are left out and an annotation says so; EndpointSlices hold them all.
MOST_ADDRESSES = 1000
TRUNCATED = "endpoints.kubernetes.io/over-capacity"
MANAGED_BY = "endpoints.kubernetes.io/managed-by"
CONTROLLER = "endpoint-controller"


@frozen
class WriteEndpoints:
    """Create the Endpoints object, or replace its labels, that annotation and its subsets by those of this body."""

    body: dict[str, Any]


def plan_legacy_endpoints(
    service: ServiceView, pods: Iterable[ServicePod], existing: EndpointsView | None
) -> WriteEndpoints | None:
    """What to write, if anything. The object has the service's name; one without a selector is left alone."""
    if not manages(service):
        return None
    subsets, truncated = _truncated(_subsets(service, pods))
    labels = {**service.metadata.labels, MANAGED_BY: CONTROLLER, **({HEADLESS: ""} if service.spec.headless else {})}
    if existing is not None and _tells(existing, labels, subsets, truncated):
        return None
    metadata: dict[str, Any] = {"name": service.metadata.name, "namespace": service.metadata.namespace}
    metadata["labels"] = labels
    if truncated:
        metadata["annotations"] = {TRUNCATED: "truncated"}
    body = {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata}
    return WriteEndpoints({**body, "subsets": [body_of(one) for one in subsets]})


def _tells(
    existing: EndpointsView, labels: dict[str, str], subsets: tuple[EndpointSubset, ...], truncated: bool
) -> bool:
    """Whether the object already says all this."""
    marked = TRUNCATED in existing.metadata.annotations
    return existing.subsets == subsets and dict(existing.metadata.labels) == labels and marked == truncated


def _subsets(service: ServiceView, pods: Iterable[ServicePod]) -> tuple[EndpointSubset, ...]:
    """Pods that offer the same ports together, by address; pods on their way out only where all are published."""
    publish = service.spec.publish_not_ready_addresses
    groups: dict[tuple[EndpointsPort, ...], tuple[list[EndpointAddress], list[EndpointAddress]]] = {}
    for pod in sorted(pods, key=lambda pod: (pod.address, pod.uid)):
        if pod.ended or (pod.deleting and not publish):
            continue
        ports = tuple(sorted((EndpointsPort(*port) for port in ports_of(service, pod)), key=_port_order))
        if not ports and service.spec.ports:
            continue
        ready, not_ready = groups.setdefault(ports, ([], []))
        (ready if publish or pod.ready else not_ready).append(_address(service, pod))
    ordered = sorted(groups.items(), key=lambda group: tuple(map(_port_order, group[0])))
    return tuple(EndpointSubset(tuple(ready), tuple(not_ready), ports) for ports, (ready, not_ready) in ordered)


def _address(service: ServiceView, pod: ServicePod) -> EndpointAddress:
    return EndpointAddress(pod.address, hostname_for(service, pod), pod.node or None, reference_to(pod))


def _port_order(port: EndpointsPort) -> tuple[str, int, str]:
    return port.name, port.port, port.protocol


def _truncated(subsets: tuple[EndpointSubset, ...]) -> tuple[tuple[EndpointSubset, ...], bool]:
    """At most 1,000 addresses, ready ones first."""
    total = sum(len(one.addresses) + len(one.not_ready_addresses) for one in subsets)
    if total <= MOST_ADDRESSES:
        return subsets, False
    room, kept = MOST_ADDRESSES, []
    for one in subsets:
        ready = one.addresses[:room]
        room -= len(ready)
        kept.append(attrs.evolve(one, addresses=ready))
    for index, one in enumerate(kept):
        not_ready = one.not_ready_addresses[:room]
        room -= len(not_ready)
        kept[index] = attrs.evolve(one, not_ready_addresses=not_ready)
    return tuple(one for one in kept if one.addresses or one.not_ready_addresses), True
