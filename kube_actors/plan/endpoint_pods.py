"""Pods as a service sees them: their ports, and the endpoints they make."""

from __future__ import annotations

from collections.abc import Iterator

from kube_actors.api.views.metadata import ObjectReference
from kube_actors.api.views.pods import PodView
from kube_actors.api.views.services import Endpoint, EndpointConditions, ServicePort, ServiceView
from kube_actors.records import frozen


@frozen
class ServicePod:
    """What a service has to know of a pod it selects. `ports` are the named ones: (name, protocol, number)."""

    uid: str
    namespace: str
    name: str
    address: str
    node: str = ""
    ready: bool = False
    deleting: bool = False
    over: bool = False
    hostname: str = ""
    subdomain: str = ""
    zone: str = ""
    ports: tuple[tuple[str, str, int], ...] = ()

    @classmethod
    def of(cls, pod: PodView, *, zone: str = "") -> ServicePod:
        """The summary of a pod; `zone` is its node's label topology.kubernetes.io/zone."""
        metadata, spec, status = pod.metadata, pod.spec, pod.status
        sidecars = (one for one in spec.init_containers if one.sidecar)
        named = [port for one in (*spec.containers, *sidecars) for port in one.ports if port.name]
        ready = status.condition("Ready")
        return cls(
            metadata.uid,
            metadata.namespace,
            metadata.name,
            status.pod_ip,
            spec.node_name,
            ready is not None and ready.status == "True",
            metadata.deleting,
            status.phase in ("Succeeded", "Failed"),
            spec.hostname,
            spec.subdomain,
            zone,
            tuple((port.name, port.protocol, port.container_port) for port in named),
        )

    @property
    def ended(self) -> bool:
        """Whether it can get no traffic at all: over, or without an address."""
        return self.over or not self.address

    @property
    def family(self) -> str:
        """IPv4 or IPv6, by its address."""
        return "IPv6" if ":" in self.address else "IPv4"


def ports_of(service: ServiceView, pod: ServicePod) -> Iterator[tuple[str, int, str, str | None]]:
    """The service's ports as this pod offers them: (name, number, protocol, app protocol).

    A target port given by name is looked up in the pod; one it does not have is left out.
    """
    for port in service.spec.ports:
        number = _number(port, pod)
        if number is not None:
            yield port.name, number, port.protocol, port.app_protocol


def _number(port: ServicePort, pod: ServicePod) -> int | None:
    if isinstance(port.target_port, int):
        return port.target_port or port.port
    named = (one for one in pod.ports if one[0] == port.target_port and one[1] == port.protocol)
    found = next(named, None)
    return None if found is None else found[2]


def endpoint_of(service: ServiceView, pod: ServicePod) -> Endpoint:
    """The pod in a slice. `ready` wants traffic: serving and not on its way out, or published whatever it is."""
    ready = service.spec.publish_not_ready_addresses or (pod.ready and not pod.deleting)
    return Endpoint(
        (pod.address,),
        EndpointConditions(ready, serving=pod.ready, terminating=pod.deleting),
        hostname_for(service, pod) or None,
        pod.node or None,
        pod.zone or None,
        reference_to(pod),
    )


def hostname_for(service: ServiceView, pod: ServicePod) -> str:
    """The name the pod has of its own within the service, if it asked for one (`hostname` and `subdomain`)."""
    return pod.hostname if pod.subdomain == service.metadata.name else ""


def reference_to(pod: ServicePod) -> ObjectReference:
    """The pod as an endpoint's target."""
    return ObjectReference(kind="Pod", namespace=pod.namespace, name=pod.name, uid=pod.uid)
