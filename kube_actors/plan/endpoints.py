"""EndpointSlices and Endpoints of a service: which pods stand behind it, and how little has to be written for it.

Like Kubernetes' controller: pods are grouped by the ports they offer (a named port may differ from pod to pod), a slice
holds at most 100 endpoints of one group, and what is already in a slice stays there. One empty slice is kept for a
service without endpoints.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kube_actors.api.views import body_of
from kube_actors.api.views.services import Endpoint, EndpointPort, EndpointSliceView, ServiceView
from kube_actors.plan.endpoint_pods import ServicePod, endpoint_of, ports_of
from kube_actors.plan.ownership import controller_reference
from kube_actors.records import define, frozen

MOST_ENDPOINTS = 100
SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
CONTROLLER = "endpointslice-controller.k8s.io"
HEADLESS = "service.kubernetes.io/headless"

Ports = tuple[EndpointPort, ...]


@frozen
class CreateSlice:
    """Create this complete object."""

    body: Mapping[str, Any]


@frozen
class UpdateSlice:
    """Give a slice these labels and these endpoints, as they are to be written; its ports stay."""

    name: str
    uid: str
    labels: tuple[tuple[str, str], ...]
    endpoints: tuple[Mapping[str, Any], ...]


@frozen
class DeleteSlice:
    """Delete a slice that is no longer needed."""

    name: str
    uid: str


EndpointsAction = CreateSlice | UpdateSlice | DeleteSlice


def plan_endpoints(
    service: ServiceView, pods: Iterable[ServicePod], slices: Iterable[EndpointSliceView]
) -> tuple[EndpointsAction, ...]:
    """What to write so that the service's slices tell of these pods.

    `pods` are those its selector matches. `slices` may be all that are labelled with its name; other people's are left
    alone, and so is everything of a service without a selector. Updates and deletions come before creations.
    """
    if not manages(service):
        return ()
    family = address_type(service)
    desired = _grouped(service, pods, family)
    ours = sorted((one for one in slices if _is_ours(one, service)), key=lambda one: one.metadata.name)
    by_ports: dict[Ports, list[EndpointSliceView]] = {}
    actions: list[EndpointsAction] = []
    creations: list[EndpointsAction] = []
    for one in ours:
        if one.address_type == family and (_sorted_ports(one.ports) in desired):
            by_ports.setdefault(_sorted_ports(one.ports), []).append(one)
        else:
            actions.append(DeleteSlice(one.metadata.name, one.metadata.uid))
    for ports, endpoints in desired.items():
        for action in _reconciled(service, ports, endpoints, by_ports.get(ports, [])):
            (creations if isinstance(action, CreateSlice) else actions).append(action)
    return (*actions, *creations)


def manages(service: ServiceView) -> bool:
    """Whether the endpoints of a service are ours to write: it has a selector and addresses of its own."""
    return bool(service.spec.selector) and service.spec.type != "ExternalName"


def address_type(service: ServiceView) -> str:
    """IPv4 or IPv6."""
    return service.spec.ip_families[0] if service.spec.ip_families else "IPv4"


def slice_labels(service: ServiceView) -> dict[str, str]:
    """The labels of a service's slices: its own, and those by which the slices are found."""
    labels = {**service.metadata.labels, SERVICE_NAME: service.metadata.name, MANAGED_BY: CONTROLLER}
    if service.spec.headless:
        labels[HEADLESS] = ""
    return labels


def _is_ours(one: EndpointSliceView, service: ServiceView) -> bool:
    labels = one.metadata.labels
    named = labels.get(SERVICE_NAME) == service.metadata.name and labels.get(MANAGED_BY) == CONTROLLER
    return named and not one.metadata.deleting


def _grouped(service: ServiceView, pods: Iterable[ServicePod], family: str) -> dict[Ports, dict[str, Endpoint]]:
    """Endpoints by pod uid, by the ports they offer. Without any pod: the empty slice's group."""
    groups: dict[Ports, dict[str, Endpoint]] = {}
    for pod in sorted(pods, key=lambda pod: pod.name):
        if pod.ended or pod.family != family:
            continue
        ports = tuple(EndpointPort(*port) for port in ports_of(service, pod))
        groups.setdefault(_sorted_ports(ports), {})[pod.uid] = endpoint_of(service, pod)
    return groups or {(): {}}


def _sorted_ports(ports: Iterable[EndpointPort]) -> Ports:
    return tuple(sorted(ports, key=lambda port: (port.name, port.protocol, port.port)))


@define
class _Filled:
    """A slice while its endpoints are being sorted out."""

    view: EndpointSliceView
    endpoints: list[Endpoint]
    touched: bool


def _reconciled(
    service: ServiceView, ports: Ports, desired: Mapping[str, Endpoint], slices: list[EndpointSliceView]
) -> Iterator[EndpointsAction]:
    """Keep what is there, drop what is not wanted, and put the new ones where least has to be written."""
    labels = slice_labels(service)
    missing = dict(desired)
    filled = [_kept(one, missing, labels) for one in slices]
    _fill(filled, missing)
    emptied = [one for one in filled if not one.endpoints]
    if desired or len(emptied) > 1:
        spared = [] if desired else emptied[:1]
        for one in emptied:
            if one not in spared:
                yield DeleteSlice(one.view.metadata.name, one.view.metadata.uid)
        filled = [one for one in filled if one.endpoints or one in spared]
    for one in filled:
        if one.touched:
            metadata = one.view.metadata
            bodies = tuple(body_of(endpoint) for endpoint in one.endpoints)
            yield UpdateSlice(metadata.name, metadata.uid, tuple(sorted(labels.items())), bodies)
    rest = list(missing.values())
    for start in range(0, len(rest), MOST_ENDPOINTS):
        yield CreateSlice(_slice_body(service, ports, rest[start : start + MOST_ENDPOINTS]))
    if not desired and not filled:
        yield CreateSlice(_slice_body(service, ports, []))


def _kept(one: EndpointSliceView, missing: dict[str, Endpoint], labels: Mapping[str, str]) -> _Filled:
    """A slice with its wanted endpoints as they should be; they are taken out of `missing`."""
    found = (missing.pop(_uid(endpoint), None) for endpoint in one.endpoints)
    kept = [endpoint for endpoint in found if endpoint is not None]
    changed = tuple(kept) != one.endpoints or dict(one.metadata.labels) != dict(labels)
    return _Filled(one, kept, changed)


def _fill(filled: list[_Filled], missing: dict[str, Endpoint]) -> None:
    """Put missing endpoints into slices: those to be written anyway first, then one other that takes all the rest."""
    for one in filled:
        if one.touched:
            _take(one, missing)
    if not missing or len(missing) >= MOST_ENDPOINTS:
        return
    room = [one for one in filled if not one.touched and len(one.endpoints) + len(missing) <= MOST_ENDPOINTS]
    if room:
        fullest = max(room, key=lambda one: len(one.endpoints))
        _take(fullest, missing)


def _take(one: _Filled, missing: dict[str, Endpoint]) -> None:
    for uid in list(missing)[: MOST_ENDPOINTS - len(one.endpoints)]:
        one.endpoints.append(missing.pop(uid))
        one.touched = True


def _uid(endpoint: Endpoint) -> str:
    return endpoint.target_ref.uid if endpoint.target_ref else ""


def _slice_body(service: ServiceView, ports: Ports, endpoints: list[Endpoint]) -> dict[str, Any]:
    metadata = service.metadata
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{metadata.name}-",
            "namespace": metadata.namespace,
            "labels": slice_labels(service),
            "ownerReferences": [controller_reference("v1", "Service", metadata.name, metadata.uid)],
        },
        "addressType": address_type(service),
        "endpoints": [body_of(one) for one in endpoints],
        "ports": [body_of(port) for port in ports],
    }
