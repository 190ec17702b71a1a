"""`pods/proxy`, `services/proxy` and `nodes/proxy`: any HTTP request passed on to a pod, or to a node's own API.

Pods are reached by their identity through their node, never by an address out of an object: nobody who may write a
status or an endpoint gets anywhere else with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from kube_actors.api.selectors import LabelSelector
from kube_actors.errors import ApiError, bad_request, not_found
from kube_actors.records import frozen
from kube_actors.server.call import Call
from kube_actors.server.http import Full, Response
from kube_actors.server.streams.kubelet_api import KUBELET_PORT, node_api
from kube_actors.server.streams.reverse_proxy import Upstream, pass_on
from kube_actors.store import Key, Revision
from kube_actors.verbs.node import existing_node

SERVICE_LABEL: Final = "kubernetes.io/service-name"
_SCHEMES: Final = ("", "http", "https")


@frozen
class Named:
    """What the path names: `[scheme:]name[:port]`."""

    scheme: str
    name: str
    port: str


def split_name(text: str, kind: str) -> Named:
    """ApiError 400 for what is no such name."""
    parts = text.split(":")
    if len(parts) == 3:
        named = Named(*parts)
    elif len(parts) == 2:
        named = Named("", *parts)
    else:
        named = Named("", text, "")
    if len(parts) > 3 or named.scheme not in _SCHEMES or not named.name or (len(parts) > 1 and not named.port):
        raise bad_request(f'invalid {kind} request "{text}"')
    return named


async def pod_proxy(call: Call) -> Response:
    """A request to a port of a pod: the named number, else the first its containers declare, else 80."""
    named = split_name(call.info.name, "pod")
    pod = call.api.store.get(Key("pods", call.info.namespace, named.name))
    if pod is None:
        raise not_found("pods", named.name)
    port = named.port or _first_port(pod.body()) or ("443" if named.scheme == "https" else "80")
    return await _to_pod(call, pod, _number(port), named.scheme)


def _first_port(pod: Mapping[str, Any]) -> str:
    ports = (port for one in pod["spec"]["containers"] for port in one.get("ports") or ())
    return str(next((port["containerPort"] for port in ports), ""))


def _number(port: str) -> int:
    if not (port.isascii() and port.isdecimal() and len(port) <= 5 and 0 < int(port) < 65536):
        raise ApiError("ServiceUnavailable", 503, f"error trying to reach service: dial tcp: invalid port {port}")
    return int(port)


async def service_proxy(call: Call) -> Response:
    """A request to one of the ready endpoints of a service. ApiError 503 when there is none."""
    named = split_name(call.info.name, "service")
    store, namespace = call.api.store, call.info.namespace
    service = store.get(Key("services", namespace, named.name))
    if service is None:
        raise not_found("services", named.name)
    port_name = _port_name(service.body(), named)
    slices = store.list(
        "endpointslices.discovery.k8s.io", namespace, LabelSelector.from_labels({SERVICE_LABEL: named.name})
    )
    for one in slices:
        body = one.body()
        numbers = [int(port["port"]) for port in body.get("ports") or () if (port.get("name") or "") == port_name]
        pods = (_ready_pod(call, endpoint) for endpoint in body.get("endpoints") or ())
        if numbers and (pod := next(filter(None, pods), None)) is not None:
            return await _to_pod(call, pod, numbers[0], named.scheme)
    raise ApiError("ServiceUnavailable", 503, f'no endpoints available for service "{named.name}"')


def _port_name(service: Mapping[str, Any], named: Named) -> str:
    """The name of the service's port that is meant: a number is looked up, a name taken as it is."""
    if not (named.port.isascii() and named.port.isdecimal()):
        return named.port
    for port in service["spec"].get("ports") or ():
        if str(port["port"]) == named.port:
            return str(port.get("name") or "")
    raise ApiError("ServiceUnavailable", 503, f'no service port {named.port} found for service "{named.name}"')


def _ready_pod(call: Call, endpoint: Mapping[str, Any]) -> Revision | None:
    """The pod behind an endpoint that takes traffic, if it is the very pod."""
    target = endpoint.get("targetRef") or {}
    if (endpoint.get("conditions") or {}).get("ready") is False or target.get("kind") != "Pod":
        return None
    namespace = target.get("namespace") or call.info.namespace
    pod = call.api.store.get(Key("pods", namespace, target.get("name") or ""))
    return pod if pod is not None and namespace == call.info.namespace and pod.uid == target.get("uid") else None


async def node_proxy(call: Call) -> Response:
    """A request to the API of a node's agent, of which the parts people ask for are there."""
    named = split_name(call.info.name, "node")
    node = existing_node(call.api.session, named.name)
    if named.port not in ("", str(KUBELET_PORT)):
        address = node.projection.facts.address
        why = f"dial tcp {address}:{named.port}: connect: connection refused"
        raise ApiError("ServiceUnavailable", 503, f"error trying to reach service: {why}")
    return await node_api(call, node, call.info.trailing or "/")


async def _to_pod(call: Call, pod: Revision, port: int, scheme: str) -> Response:
    prefix, path = _paths(call)
    request = call.request
    query = urlencode(request.query, doseq=True)
    if not path and request.method in ("GET", "HEAD"):
        where = request.raw_path + "/" + (f"?{query}" if query else "")
        return Full(301, b"", "text/html; charset=utf-8", (("Location", where),))
    node = pod.body()["spec"].get("nodeName")
    address = pod.projection.facts.address
    if not node or not address:
        raise bad_request("address not allowed")
    upstream = Upstream(call.api.session, pod, str(node), address, port, https=scheme == "https", prefix=prefix)
    target = (path or "/") + (f"?{query}" if query else "")
    return await pass_on(request, upstream, target)


def _paths(call: Call) -> tuple[str, str]:
    """The path up to and with `/proxy`, and the rest as it was sent; found by counting, for names may be escaped."""
    before = call.info.path[: len(call.info.path) - len(call.info.trailing)] if call.info.trailing else call.info.path
    parts = call.request.raw_path.split("/")
    count = before.rstrip("/").count("/") + 1
    rest = parts[count:]
    return "/".join(parts[:count]), "/" + "/".join(rest) if rest else ""
