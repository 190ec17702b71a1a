"""EndpointSlices: up to a thousand endpoints of a service, of one address family."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.addresses import endpoint_address
from kube_actors.kinds.facts import EndpointSliceFacts
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.request_matching import choice_rules
from kube_actors.kinds.rules.selectors import label_map_rules

MAXIMUM_ENDPOINTS = 1000
MAXIMUM_ADDRESSES = 100
MAXIMUM_TOPOLOGY = 16
MAXIMUM_HINTS = 8
ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
PROTOCOLS = ("SCTP", "TCP", "UDP")
SERVICE_LABEL = "kubernetes.io/service-name"


def _default(body: Body) -> None:
    for port in body.get("ports") or ():
        port.setdefault("name", "")
        port.setdefault("protocol", "TCP")
    for endpoint in body.get("endpoints") or ():
        endpoint.setdefault("conditions", {})


def _generation(new: Body, old: Body) -> bool:
    """Counts endpoints and ports, and the labels, which say whose they are."""
    if any(new.get(name) != old.get(name) for name in ("endpoints", "ports", "addressType")):
        return True
    return bool(new["metadata"].get("labels") != old["metadata"].get("labels"))


def _prepare_create(body: Body) -> None:
    body["metadata"]["generation"] = 1


def _validate(new: Body, old: Body | None) -> list[Cause]:
    kind = new.get("addressType")
    found = choice_rules(kind, ADDRESS_TYPES, "addressType") if kind else [causes.required("addressType")]
    endpoints = new.get("endpoints") or []
    if len(endpoints) > MAXIMUM_ENDPOINTS:
        found.append(causes.too_many("endpoints", len(endpoints), MAXIMUM_ENDPOINTS))
        endpoints = []
    for index, endpoint in enumerate(endpoints):
        found += _endpoint(endpoint, kind, f"endpoints[{index}]")
    taken = set()
    for index, port in enumerate(new.get("ports") or []):
        field, name = f"ports[{index}]", port.get("name", "")
        if name:
            found += [causes.invalid(f"{field}.name", name, why) for why in names.dns1123_label(name)]
        if name in taken:
            found.append(causes.duplicate(f"{field}.name", name))
        taken.add(name)
        if port.get("protocol") == "":
            found.append(causes.not_supported(f"{field}.protocol", "", PROTOCOLS))
        if port.get("port") is not None:
            found += causes.port(f"{field}.port", port["port"])
        protocol = port.get("appProtocol")
        if protocol is not None:
            found += [causes.invalid(f"{field}.appProtocol", protocol, why) for why in names.qualified_name(protocol)]
    if old is not None and kind != old.get("addressType"):
        found.append(causes.immutable("addressType", kind))
    return found


def _endpoint(endpoint: Body, kind: object, field: str) -> list[Cause]:
    addresses = endpoint.get("addresses") or []
    if not addresses:
        return [causes.required(f"{field}.addresses", "must contain at least 1 address")]
    if len(addresses) > MAXIMUM_ADDRESSES:
        return [causes.too_many(f"{field}.addresses", len(addresses), MAXIMUM_ADDRESSES)]
    found = []
    for index, address in enumerate(addresses):
        place = f"{field}.addresses[{index}]"
        if kind == "FQDN":
            problems = names.dns1123_subdomain(address)
        else:
            problems = endpoint_address(address) or _wrong_family(address, kind)
        found += [causes.invalid(place, address, why) for why in problems]
    return found + _place(endpoint, field)


def _place(endpoint: Body, field: str) -> list[Cause]:
    """Where the endpoint is, and whom it is near to."""
    found = []
    host, node = endpoint.get("hostname"), endpoint.get("nodeName")
    if host is not None:
        found += [causes.invalid(f"{field}.hostname", host, why) for why in names.dns1123_label(host)]
    if node is not None:
        found += [causes.invalid(f"{field}.nodeName", node, why) for why in names.dns1123_subdomain(node)]
    topology = endpoint.get("deprecatedTopology") or {}
    if len(topology) > MAXIMUM_TOPOLOGY:
        found.append(causes.too_many(f"{field}.deprecatedTopology", len(topology), MAXIMUM_TOPOLOGY))
    found += label_map_rules(topology, f"{field}.deprecatedTopology")
    hints = endpoint.get("hints") or {}
    for name, rule in (("forZones", names.label_value), ("forNodes", names.dns1123_subdomain)):
        taken: set[str] = set()
        given = hints.get(name) or []
        if len(given) > MAXIMUM_HINTS:
            found.append(causes.too_many(f"{field}.hints.{name}", len(given), MAXIMUM_HINTS))
            continue
        for index, hint in enumerate(given):
            place, value = f"{field}.hints.{name}[{index}].name", hint.get("name", "")
            if value in taken:
                found.append(causes.duplicate(place, value))
            else:
                found += [causes.invalid(place, value, why) for why in rule(value)]
            taken.add(value)
    return found


def _wrong_family(address: str, kind: object) -> list[str]:
    version = ipaddress.ip_address(address).version
    if (kind == "IPv4" and version != 4) or (kind == "IPv6" and version != 6):
        return [f"must be an {kind} address"]
    return []


def _facts(body: Mapping[str, Any]) -> EndpointSliceFacts:
    endpoints = body.get("endpoints") or []
    ready = sum(1 for each in endpoints if (each.get("conditions") or {}).get("ready", True))
    labels = body["metadata"].get("labels") or {}
    return EndpointSliceFacts(labels.get(SERVICE_LABEL, ""), ready, len(endpoints))


HOOKS = Hooks(
    default=_default,
    prepare_create=_prepare_create,
    validate=_validate,
    project=_facts,
    generation=_generation,
)
