"""Rows of services, of what stands behind them and before them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kube_actors.kinds.columns.words import Row, age, labels_text, listed, part, selector_text, shortened

Body = Mapping[str, Any]

_SHOWN: Final = 3


def service(body: Body, now: float) -> Row:
    """Name, Type, Cluster-IP, External-IP, Port(s), Age, Selector."""
    spec = part(body, "spec")
    addresses = spec.get("clusterIPs") or [spec.get("clusterIP") or "<none>"]
    return (
        body["metadata"]["name"],
        spec.get("type", ""),
        addresses[0],
        _external(spec, part(body, "status")),
        _ports(spec),
        age(body, now),
        labels_text(spec.get("selector")),
    )


def endpoints(body: Body, now: float) -> Row:
    """Name, Endpoints, Age."""
    places: list[str] = []
    for subset in body.get("subsets") or ():
        addresses = [each.get("ip", "") for each in subset.get("addresses") or ()]
        ports = [each.get("port", 0) for each in subset.get("ports") or ()]
        places += [_place(address, port) for port in ports for address in addresses] if ports else addresses
    return (body["metadata"]["name"], _first_of(places, body), age(body, now))


def endpoint_slice(body: Body, now: float) -> Row:
    """Name, AddressType, Ports, Endpoints, Age."""
    addresses = [address for each in body.get("endpoints") or () for address in each.get("addresses") or ()]
    return (
        body["metadata"]["name"],
        body.get("addressType", ""),
        shortened([_slice_port(each) for each in body.get("ports") or ()], _SHOWN) or "<unset>",
        shortened(addresses, _SHOWN) or "<unset>",
        age(body, now),
    )


def ingress(body: Body, now: float) -> Row:
    """Name, Class, Hosts, Address, Ports, Age."""
    spec = part(body, "spec")
    return (
        body["metadata"]["name"],
        spec.get("ingressClassName") or "<none>",
        _hosts(spec.get("rules") or ()),
        ",".join(_balanced(part(body, "status"))),
        "80, 443" if spec.get("tls") else "80",
        age(body, now),
    )


def ingress_class(body: Body, now: float) -> Row:
    """Name, Controller, Parameters, Age."""
    spec = part(body, "spec")
    parameters, shown = spec.get("parameters"), "<none>"
    if parameters:
        group = f".{parameters['apiGroup']}" if parameters.get("apiGroup") is not None else ""
        shown = f"{parameters.get('kind', '')}{group}/{parameters.get('name', '')}"
    return (body["metadata"]["name"], spec.get("controller", ""), shown, age(body, now))


def network_policy(body: Body, now: float) -> Row:
    """Name, Pod-Selector, Age."""
    return (body["metadata"]["name"], selector_text(part(body, "spec", "podSelector")), age(body, now))


def ip_address(body: Body, _now: float) -> Row:
    """Name, ParentRef."""
    parent, shown = part(body, "spec", "parentRef"), "<none>"
    if parent:
        group = f".{parent['group']}" if parent.get("group") else ""
        namespace = f"/{parent['namespace']}" if parent.get("namespace") else ""
        shown = f"{parent.get('resource', '')}{group}".lower() + f"{namespace}/{parent.get('name', '')}"
    return (body["metadata"]["name"], shown)


def service_cidr(body: Body, now: float) -> Row:
    """Name, CIDRs, Age."""
    return (body["metadata"]["name"], ",".join(part(body, "spec").get("cidrs") or ()), age(body, now))


def _external(spec: Body, status: Body) -> str:
    addresses = spec.get("externalIPs") or []
    match spec.get("type"):
        case "ExternalName":
            return str(spec.get("externalName", ""))
        case "LoadBalancer":
            return ",".join([*_balanced(status), *addresses]) or "<pending>"
        case "ClusterIP" | "NodePort":
            return listed(addresses)
    return "<unknown>"


def _balanced(status: Body) -> list[str]:
    """Addresses or names of a load balancer, each once, sorted."""
    places = part(status, "loadBalancer").get("ingress") or ()
    return sorted({each.get("ip") or each.get("hostname") or "" for each in places} - {""})


def _ports(spec: Body) -> str:
    shown = []
    for port in spec.get("ports") or ():
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        shown.append(f"{port.get('port')}{node}/{port.get('protocol', 'TCP')}")
    return listed(shown)


def _place(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _first_of(places: list[str], body: Body) -> str:
    """None at all is said only of an object without subsets; one whose addresses are not ready shows nothing."""
    return shortened(places, _SHOWN) if body.get("subsets") else "<none>"


def _slice_port(port: Body) -> str:
    number = port.get("port")
    return str(number) if number is not None else port.get("name") or "*"


def _hosts(rules: Any) -> str:
    """The hosts of the rules, three of them; how many more there are counts rules without a host as well."""
    hosts: list[str] = []
    for rule in rules:
        if len(hosts) == _SHOWN:
            return f"{','.join(hosts)} + {len(rules) - _SHOWN} more..."
        if rule.get("host"):
            hosts.append(rule["host"])
    return ",".join(hosts) or "*"
