"""Services, EndpointSlices and the older Endpoints."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from kube_actors.api.views.converter import ALWAYS, always
from kube_actors.api.views.metadata import ObjectMeta, ObjectReference
from kube_actors.records import frozen


@frozen
class ServicePort:
    """A port of a service; `target_port` is a number or the name of a container port (0 means the same as `port`)."""

    name: str = ""
    protocol: str = "TCP"
    port: int = 0
    target_port: int | str = 0
    node_port: int = 0
    app_protocol: str | None = None


@frozen
class ClientIpConfig:
    """How long a client sticks to its pod, in seconds."""

    timeout_seconds: int = 10800


@frozen
class SessionAffinityConfig:
    """Settings of session affinity."""

    client_ip: ClientIpConfig | None = None


@frozen
class ServiceSpec:
    """What a service is to be. Without a selector its endpoints are somebody else's."""

    type: str = "ClusterIP"
    selector: Mapping[str, str] = attrs.field(factory=dict)
    ports: tuple[ServicePort, ...] = ()
    cluster_ip: str = ""
    cluster_ips: tuple[str, ...] = ()
    external_ips: tuple[str, ...] = ()
    external_name: str = ""
    ip_families: tuple[str, ...] = ()
    session_affinity: str = "None"
    session_affinity_config: SessionAffinityConfig | None = None
    publish_not_ready_addresses: bool = False
    internal_traffic_policy: str = "Cluster"
    external_traffic_policy: str = ""

    @property
    def headless(self) -> bool:
        """Whether names lead to the pods themselves, with no address of the service's own."""
        return self.cluster_ip == "None"


@frozen
class ServiceView:
    """A Service."""

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: ServiceSpec = ServiceSpec()


@frozen
class EndpointConditions:
    """Whether an endpoint should get traffic (`ready`), answers (`serving`), and is on its way out (`terminating`)."""

    ready: bool = always(default=True)
    serving: bool = always(default=True)
    terminating: bool = always(default=False)


@frozen
class Endpoint:
    """One backend of a slice."""

    addresses: tuple[str, ...] = always(default=())
    conditions: EndpointConditions = attrs.field(factory=EndpointConditions, metadata=ALWAYS)
    hostname: str | None = None
    node_name: str | None = None
    zone: str | None = None
    target_ref: ObjectReference | None = None


@frozen
class EndpointPort:
    """A port that every endpoint of the slice serves."""

    name: str = always(default="")
    port: int = 0
    protocol: str = always(default="TCP")
    app_protocol: str | None = None


@frozen
class EndpointSliceView:
    """An EndpointSlice."""

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    address_type: str = "IPv4"
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[EndpointPort, ...] = ()


@frozen
class EndpointAddress:
    """A backend of a legacy Endpoints object."""

    ip: str = always(default="")
    hostname: str = ""
    node_name: str | None = None
    target_ref: ObjectReference | None = None


@frozen
class EndpointsPort:
    """A port of an Endpoints subset."""

    name: str = ""
    port: int = always(default=0)
    protocol: str = always(default="TCP")
    app_protocol: str | None = None


@frozen
class EndpointSubset:
    """Every address serves every port."""

    addresses: tuple[EndpointAddress, ...] = ()
    not_ready_addresses: tuple[EndpointAddress, ...] = ()
    ports: tuple[EndpointsPort, ...] = ()


@frozen
class EndpointsView:
    """An Endpoints object."""

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    subsets: tuple[EndpointSubset, ...] = ()
