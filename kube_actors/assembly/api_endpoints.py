"""Where pods reach the API: the Service `kubernetes`, and a socket behind it in the network that pods live in."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any, Final

from kube_actors.api.registry import Registry
from kube_actors.network.proxy import bind_tcp
from kube_actors.network.ranges import NetworkRanges
from kube_actors.node.runtime.agent_link import AgentLink
from kube_actors.records import frozen
from kube_actors.store import Key
from kube_actors.writes import Client

SERVICE: Final = "kubernetes"
INSIDE_PORT: Final = 6443
"""Where kube-apiserver listens, and we in the cluster's own network."""
SERVICE_PORT: Final = 443
_ANYWHERE: Final = ("0.0.0.0", "::")
Body = dict[str, Any]


@frozen(eq=False)
class ApiEndpoint:
    """Where connections to the Service `kubernetes` end up, and the port that Service has.

    `sockets` are to be served like the one outside; whoever serves them closes them.
    """

    address: str
    port: int
    service_address: str
    service_port: int = SERVICE_PORT
    sockets: tuple[socket.socket, ...] = ()


async def open_api_endpoint(link: AgentLink | None, ranges: NetworkRanges, outside: socket.socket) -> ApiEndpoint:
    """The way for pods. `outside` is the socket the machine's own programs use.

    Where pods have a network of their own (tiers A and B) this listens in it, at the address that every pod knows as
    its gateway. Elsewhere they are on the machine's, and use the socket everybody uses. RuntimeFailure.
    """
    service = ranges.api_address
    if link is not None and link.tier in ("A", "B"):
        gateway = str(ranges.pod_cidr[1])
        inside = await link.listen("cluster", gateway, INSIDE_PORT)
        return ApiEndpoint(gateway, INSIDE_PORT, service, sockets=(socket.socket(fileno=inside.detach()),))
    address, port = outside.getsockname()[:2]
    address = "127.0.0.1" if address in _ANYWHERE else address
    return ApiEndpoint(address, port, service, SERVICE_PORT if _may_bind(service, SERVICE_PORT) else port)


def _may_bind(address: str, port: int) -> bool:
    """Whether the proxy of a Service may listen there: low ports are not for every user (ip_unprivileged_port_start).

    An address that is not the machine's has no proxy: the cluster is simulated.
    """
    try:
        bind_tcp(address, port).close()
    except PermissionError:
        return False
    except OSError:
        return True
    return True


async def publish_api(client: Client, endpoint: ApiEndpoint) -> None:
    """Make the Service `kubernetes` lead to the API. What is as it should be is not written again."""
    for body in objects(endpoint):
        key = _key(body)
        live = client.get(key)
        if live is not None and _contains(live.body(), body):
            continue
        if (
            live is not None
            and key.resource == "services"
            and live.body()["spec"]["clusterIP"] != body["spec"]["clusterIP"]
        ):
            await client.delete(key)  # somebody's own: an address cannot be changed
        await client.apply(body, force=True)


def published_keys(endpoint: ApiEndpoint) -> frozenset[Key]:
    """What `publish_api` keeps."""
    return frozenset(_key(body) for body in objects(endpoint))


def _key(body: Body) -> Key:
    resource = Registry.built_in().by_kind(body["apiVersion"], body["kind"])
    assert resource is not None, "these kinds exist"
    return Key(resource.id, "default", SERVICE)


def objects(endpoint: ApiEndpoint) -> Iterator[Body]:
    """The Service without a selector, and its endpoints in both of their forms, as kube-apiserver keeps them."""
    port = {"name": "https", "port": endpoint.port, "protocol": "TCP"}

    def of(api_version: str, kind: str, labels: dict[str, str], rest: Body) -> Body:
        metadata = {"name": SERVICE, "namespace": "default", "labels": labels}
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}

    spec = {
        "clusterIP": endpoint.service_address,
        "ports": [{"name": "https", "port": endpoint.service_port, "protocol": "TCP", "targetPort": endpoint.port}],
        "type": "ClusterIP",
    }
    yield of("v1", "Service", {"component": "apiserver", "provider": "kubernetes"}, {"spec": spec})
    subsets = [{"addresses": [{"ip": endpoint.address}], "ports": [port]}]
    yield of("v1", "Endpoints", {"endpointslice.kubernetes.io/skip-mirror": "true"}, {"subsets": subsets})
    ready = {"addresses": [endpoint.address], "conditions": {"ready": True}}
    rest = {"addressType": f"IPv{ip_address(endpoint.address).version}", "endpoints": [ready], "ports": [port]}
    yield of("discovery.k8s.io/v1", "EndpointSlice", {"kubernetes.io/service-name": SERVICE}, rest)


def _contains(live: Any, wanted: Any) -> bool:
    """Whether everything wanted is there; what was defaulted beside it does not matter."""
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(_contains(live.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        same = isinstance(live, list) and len(live) == len(wanted)
        return same and all(_contains(one, other) for one, other in zip(live, wanted, strict=True))
    return bool(live == wanted)
