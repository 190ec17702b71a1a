"""Services. Addresses and node ports are given out by the allocators of `writes`."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from kube_actors.api import names
from kube_actors.kinds.facts import ServiceFacts
from kube_actors.kinds.hooks import METADATA_FIELDS, Body, Hooks
from kube_actors.kinds.rules.load_balancers import default_modes, points_of, service_status_rules
from kube_actors.kinds.rules.services import is_reachable_from_outside, needs_health_check, validate_service

NONE = "None"
WITH_NODE_PORTS = ("NodePort", "LoadBalancer")


def _default(body: Body) -> None:
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return
    spec.setdefault("sessionAffinity", "None")
    kind = spec.setdefault("type", "ClusterIP")
    if spec["sessionAffinity"] == "ClientIP":
        client = spec.setdefault("sessionAffinityConfig", {}).setdefault("clientIP", {})
        client.setdefault("timeoutSeconds", 10800)
    elif spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        if port.get("targetPort") in (None, 0, ""):
            port["targetPort"] = port.get("port", 0)
    if kind != "ExternalName":
        spec.setdefault("internalTrafficPolicy", "Cluster")
    if is_reachable_from_outside(spec):
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if kind == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)


def _fill_families(spec: Body) -> None:
    """One family, that of the address if there is one; clusterIP and clusterIPs say the same.

    Who names neither selector nor address manages the endpoints alone: that service may have both families.
    """
    if spec.get("clusterIP") and not spec.get("clusterIPs"):
        spec["clusterIPs"] = [spec["clusterIP"]]
    elif spec.get("clusterIPs") and not spec.get("clusterIP"):
        spec["clusterIP"] = spec["clusterIPs"][0]
    addresses = [each for each in spec.get("clusterIPs") or () if each != NONE]
    if not spec.get("ipFamilies"):
        spec["ipFamilies"] = [_family(each) for each in addresses] or ["IPv4"]
    if spec.get("clusterIP") == NONE and not spec.get("selector"):
        if spec.setdefault("ipFamilyPolicy", "RequireDualStack") != "SingleStack" and len(spec["ipFamilies"]) == 1:
            spec["ipFamilies"] += ["IPv6" if spec["ipFamilies"] == ["IPv4"] else "IPv4"]
    else:
        spec.setdefault("ipFamilyPolicy", "SingleStack")


def _family(address: str) -> str:
    try:
        return f"IPv{ipaddress.ip_address(address).version}"
    except ValueError:
        return "IPv4"


def _prepare_create(body: Body) -> None:
    body["status"] = {"loadBalancer": {}}
    spec = body.get("spec")
    if isinstance(spec, dict) and spec.get("type") != "ExternalName":
        _fill_families(spec)


def _prepare_update(new: Body, old: Body, subresource: str) -> None:
    """What an update leaves out of the allocated values stays; what the new type cannot have goes."""
    if subresource == "status":
        default_modes(new)
    spec, before = new.get("spec"), old.get("spec") or {}
    if subresource or not isinstance(spec, dict):
        return
    kind = spec.get("type") or "ClusterIP"
    if kind == "ExternalName":
        for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"):
            if spec.get(name) == before.get(name):
                spec.pop(name, None)
    elif before.get("type") != "ExternalName" and not spec.get("clusterIP") and not spec.get("clusterIPs"):
        for name in ("clusterIP", "clusterIPs"):
            if before.get(name):
                spec[name] = before[name]
        for name in ("ipFamilies", "ipFamilyPolicy"):
            if before.get(name) and not spec.get(name):
                spec[name] = before[name]
    elif spec.get("clusterIP") and spec.get("clusterIPs") == before.get("clusterIPs"):
        spec["clusterIPs"] = [spec["clusterIP"]]  # only the one was changed, and means both
    _keep_node_ports(spec, before, kind)
    if needs_health_check(spec) and needs_health_check(before) and not spec.get("healthCheckNodePort"):
        _take(spec, before, "healthCheckNodePort")
    for name, has_use in (
        ("externalTrafficPolicy", is_reachable_from_outside({**spec, "type": kind})),
        ("healthCheckNodePort", needs_health_check(spec)),
        ("allocateLoadBalancerNodePorts", kind == "LoadBalancer"),
        ("loadBalancerClass", kind == "LoadBalancer"),
    ):
        if not has_use and spec.get(name) == before.get(name):
            spec.pop(name, None)
    if kind != "ExternalName":
        _fill_families(spec)
    if kind != "LoadBalancer" and points_of(new):
        new["status"] = {**new["status"], "loadBalancer": {}}


def _take(spec: Body, before: Body, name: str) -> None:
    if before.get(name):
        spec[name] = before[name]


def _keep_node_ports(spec: Body, before: Body, kind: str) -> None:
    """A port keeps the node port that the one of its name had, whatever else of it changed, unless another has it now.

    A type without node ports drops those that were there before, unless there are new ones among them.
    """
    if before.get("type") not in WITH_NODE_PORTS:
        return
    ports = spec.get("ports") or ()
    known = {each.get("name", ""): each.get("nodePort") for each in before.get("ports") or ()}
    asked = {port["nodePort"] for port in ports if port.get("nodePort")}
    if kind in WITH_NODE_PORTS:
        for port in ports:
            kept = known.get(port.get("name", ""))
            if kept and kept not in asked and not port.get("nodePort"):
                port["nodePort"] = kept
    elif asked <= set(known.values()):
        for port in ports:
            port.pop("nodePort", None)


def _facts(body: Mapping[str, Any]) -> ServiceFacts:
    spec = body.get("spec") or {}
    return ServiceFacts(
        type=spec.get("type", "ClusterIP"),
        cluster_ips=tuple(spec.get("clusterIPs") or ()),
        selector=tuple(sorted((spec.get("selector") or {}).items())),
        node_ports=(
            *(
                (port.get("protocol", "TCP"), port["nodePort"])
                for port in spec.get("ports") or ()
                if port.get("nodePort")
            ),
            *((("TCP", spec["healthCheckNodePort"]),) if spec.get("healthCheckNodePort") else ()),
        ),
    )


HOOKS = Hooks(
    default=_default,
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    validate=validate_service,
    validate_subresource={"status": service_status_rules},
    project=_facts,
    name=names.dns1035_label,
    generation=None,
    selectable_fields=(*METADATA_FIELDS, "spec.clusterIP", "spec.type"),
)
