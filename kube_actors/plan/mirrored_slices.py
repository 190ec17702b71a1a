"""EndpointSlices that mirror an Endpoints object somebody writes for a service without a selector. Pure.

Every port list of the object's subsets gets slices of its own, one for each family of addresses, as Kubernetes'
mirroring controller makes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kube_actors.api.views import body_of
from kube_actors.api.views.services import (
    Endpoint,
    EndpointAddress,
    EndpointConditions,
    EndpointPort,
    EndpointSliceView,
    EndpointsView,
    ServiceView,
)
from kube_actors.plan.endpoints import (
    MANAGED_BY,
    SERVICE_NAME,
    CreateSlice,
    DeleteSlice,
    EndpointsAction,
    UpdateSlice,
)
from kube_actors.plan.ownership import controller_reference

CONTROLLER = "endpointslicemirroring-controller.k8s.io"
SKIP = "endpointslice.kubernetes.io/skip-mirror"
LEADER = "control-plane.alpha.kubernetes.io/leader"
NOT_COPIED = frozenset(
    {"endpoints.kubernetes.io/last-change-trigger-time", "kubectl.kubernetes.io/last-applied-configuration"}
)
MOST_MIRRORED = 1000
"""Addresses of one subset; the rest is left out."""

Ports = tuple[EndpointPort, ...]
Group = tuple[str, Ports]


def plan_mirrored_slices(
    endpoints: EndpointsView, service: ServiceView | None, slices: Iterable[EndpointSliceView]
) -> tuple[EndpointsAction, ...]:
    """What to write so that the slices tell what the object tells; `slices` may be all that carry its name."""
    ours = sorted((one for one in slices if _is_ours(one, endpoints)), key=lambda one: one.metadata.name)
    wanted = _groups(endpoints) if service is not None and _is_mirrored(endpoints, service) else {}
    labels = _labels(endpoints)
    actions: list[EndpointsAction] = []
    for one in ours:
        found = wanted.pop((one.address_type, _sorted(one.ports)), None)
        if found is None:
            actions.append(DeleteSlice(one.metadata.name, one.metadata.uid))
        elif found != one.endpoints or dict(one.metadata.labels) != labels:
            bodies = tuple(_endpoint_body(endpoint) for endpoint in found)
            actions.append(UpdateSlice(one.metadata.name, one.metadata.uid, tuple(sorted(labels.items())), bodies))
    actions += [CreateSlice(_body(endpoints, group, found)) for group, found in wanted.items()]
    return tuple(actions)


def _is_mirrored(endpoints: EndpointsView, service: ServiceView) -> bool:
    """Not where a selector does the work, not where people ask us not to, and not for leases of old."""
    metadata = endpoints.metadata
    unwanted = metadata.labels.get(SKIP) == "true" or LEADER in metadata.annotations
    return not unwanted and not service.spec.selector and metadata.deletion_timestamp is None


def _is_ours(one: EndpointSliceView, endpoints: EndpointsView) -> bool:
    labels = one.metadata.labels
    named = labels.get(SERVICE_NAME) == endpoints.metadata.name and labels.get(MANAGED_BY) == CONTROLLER
    return named and one.metadata.deletion_timestamp is None


def _groups(endpoints: EndpointsView) -> dict[Group, tuple[Endpoint, ...]]:
    """The endpoints by family and ports; an address that is in both lists counts as ready."""
    groups: dict[Group, dict[str, Endpoint]] = {}
    for subset in endpoints.subsets:
        ports = _sorted(EndpointPort(port.name, port.port, port.protocol, port.app_protocol) for port in subset.ports)
        both = [*((one, True) for one in subset.addresses), *((one, False) for one in subset.not_ready_addresses)]
        for address, ready in both[:MOST_MIRRORED]:
            family = "IPv6" if ":" in address.ip else "IPv4"
            groups.setdefault((family, ports), {}).setdefault(address.ip, _endpoint(address, ready=ready))
    return {group: tuple(found[ip] for ip in sorted(found)) for group, found in groups.items()}


def _endpoint(address: EndpointAddress, *, ready: bool) -> Endpoint:
    return Endpoint(
        (address.ip,),
        EndpointConditions(ready),
        address.hostname or None,
        address.node_name,
        target_ref=address.target_ref,
    )


def _endpoint_body(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint as it is written: an Endpoints object tells who is ready, and nothing of serving or terminating.

    Read back, both have their defaults, which are those of `EndpointConditions`: so the slice equals what is wanted.
    """
    return {**body_of(endpoint), "conditions": {"ready": endpoint.conditions.ready}}


def _sorted(ports: Iterable[EndpointPort]) -> Ports:
    return tuple(sorted(ports, key=lambda port: (port.name, port.protocol, port.port)))


def _labels(endpoints: EndpointsView) -> dict[str, str]:
    return {**endpoints.metadata.labels, SERVICE_NAME: endpoints.metadata.name, MANAGED_BY: CONTROLLER}


def _annotations(annotations: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in annotations.items():
        if name not in NOT_COPIED:
            yield name, value


def _body(endpoints: EndpointsView, group: Group, found: tuple[Endpoint, ...]) -> dict[str, Any]:
    family, ports = group
    metadata = endpoints.metadata
    described = dict(_annotations(metadata.annotations))
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{metadata.name}-",
            "namespace": metadata.namespace,
            "labels": _labels(endpoints),
            **({"annotations": described} if described else {}),
            "ownerReferences": [controller_reference("v1", "Endpoints", metadata.name, metadata.uid)],
        },
        "addressType": family,
        "endpoints": [_endpoint_body(one) for one in found],
        "ports": [body_of(port) for port in ports],
    }
