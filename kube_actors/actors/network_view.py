"""From the API's Services and EndpointSlices to the plain values the network package works on. Pure."""

from __future__ import annotations

from kube_actors.api.views import EndpointSliceView, ServiceView
from kube_actors.network.services import (
    EndpointSlice,
    PublishedPort,
    PublishedService,
    ServiceName,
    SliceEndpoint,
    SlicePort,
)

SERVICE_NAME_LABEL = "kubernetes.io/service-name"
SERVICE_PROXY_NAME_LABEL = "service.kubernetes.io/service-proxy-name"
HEADLESS_LABEL = "service.kubernetes.io/headless"
DEFAULT_AFFINITY_SECONDS = 10800


def proxied_here(service: ServiceView) -> bool:
    """Whether its addresses are served: like kube-proxy, services that a label gives to another proxy, or calls
    headless, are passed over. Names and endpoints they have all the same."""
    return not {SERVICE_PROXY_NAME_LABEL, HEADLESS_LABEL} & service.metadata.labels.keys()


def published(service: ServiceView) -> PublishedService:
    """What the network needs of a Service."""
    spec = service.spec
    external_name = spec.external_name if spec.type == "ExternalName" else None
    affinity = None
    if spec.session_affinity == "ClientIP":
        config = spec.session_affinity_config
        known = config.client_ip if config is not None else None
        affinity = known.timeout_seconds if known is not None else DEFAULT_AFFINITY_SECONDS
    return PublishedService(
        service=ServiceName(service.metadata.namespace, service.metadata.name),
        cluster_ip=spec.cluster_ip if spec.cluster_ip not in ("", "None") and external_name is None else None,
        ports=tuple(PublishedPort(p.name, p.protocol, p.port, p.node_port or None) for p in spec.ports),
        affinity_seconds=affinity,
        publish_not_ready_addresses=spec.publish_not_ready_addresses,
        external_name=external_name,
        external_ips=spec.external_ips,
    )


def slice_of(view: EndpointSliceView) -> EndpointSlice:
    """Endpoints with their conditions, one per address."""
    ports = tuple(SlicePort(port.name, port.protocol, port.port) for port in view.ports)
    endpoints = tuple(
        SliceEndpoint(
            address=address,
            ready=endpoint.conditions.ready,
            serving=endpoint.conditions.serving,
            terminating=endpoint.conditions.terminating,
            target_uid=endpoint.target_ref.uid if endpoint.target_ref is not None else "",
            hostname=endpoint.hostname or "",
        )
        for endpoint in view.endpoints
        for address in endpoint.addresses
    )
    return EndpointSlice(ports, endpoints)
