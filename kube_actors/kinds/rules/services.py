"""What a Service may not be."""

from __future__ import annotations

from typing import Any

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.addresses import address_problems, outside_address
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.rules.ports import named_port_rules
from kube_actors.kinds.rules.selectors import label_map_rules
from kube_actors.kinds.rules.traffic import kept_class_rules, traffic_rules

FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
DAY = 86400
MOST_ADDRESSES = 2


def is_reachable_from_outside(spec: Body) -> bool:
    """Whether traffic comes in from beyond the cluster."""
    kind = spec.get("type")
    return kind in ("NodePort", "LoadBalancer") or (kind == "ClusterIP" and bool(spec.get("externalIPs")))


def needs_health_check(spec: Body) -> bool:
    """Whether a load balancer has to ask which nodes have pods of the service: the others drop its traffic."""
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def validate_service(new: Body, old: Body | None) -> list[Cause]:
    """Every cause at once."""
    spec = new.get("spec") or {}
    kind = spec.get("type")
    found = _ports(spec, kind)
    found += label_map_rules(spec.get("selector") or {}, "spec.selector")
    found += _addresses(spec, kind)
    found += _families(spec, kind)
    found += _policies(spec, kind)
    if old is not None:
        found += _kept(spec, old.get("spec") or {}) + kept_class_rules(spec, old.get("spec") or {})
    return found


def _ports(spec: Body, kind: Any) -> list[Cause]:
    ports = spec.get("ports") or []
    headless = spec.get("clusterIP") == "None"
    found = [] if ports or headless or kind == "ExternalName" else [causes.required("spec.ports")]
    taken_names: set[str] = set()
    taken_ports: set[tuple[Any, Any]] = set()
    taken_node_ports: set[tuple[Any, Any]] = set()
    for index, port in enumerate(ports):
        field = f"spec.ports[{index}]"
        found += _port(port, field, named=len(ports) > 1, taken=taken_names)
        number = (port.get("port"), port.get("protocol"))
        if number in taken_ports and port.get("port") is not None:
            shown = {"port": number[0], "protocol": number[1]}
            found.append(causes.duplicate(field, shown))
        taken_ports.add(number)
        if port.get("nodePort"):
            if kind not in ("NodePort", "LoadBalancer"):
                why = f"may not be used when `type` is '{kind}'"
                found.append(causes.forbidden(f"{field}.nodePort", why))
            found += causes.port(f"{field}.nodePort", port["nodePort"])
            node_port = (port["nodePort"], port.get("protocol"))
            if node_port in taken_node_ports:
                found.append(causes.duplicate(f"{field}.nodePort", port["nodePort"]))
            taken_node_ports.add(node_port)
    return found


def _port(port: Body, field: str, *, named: bool, taken: set[str]) -> list[Cause]:
    found = named_port_rules(port, field, named=named, taken=taken)
    if port.get("name"):
        taken.add(port["name"])
    target = port.get("targetPort")
    if isinstance(target, int):
        found += causes.port(f"{field}.targetPort", target)
    elif isinstance(target, str):
        found += [causes.invalid(f"{field}.targetPort", target, why) for why in names.port_name(target)]
    return found


def _addresses(spec: Body, kind: Any) -> list[Cause]:
    found = []
    address, addresses = spec.get("clusterIP", ""), spec.get("clusterIPs") or []
    if kind == "ExternalName":
        if address:
            found.append(causes.forbidden("spec.clusterIPs", "may not be set for ExternalName services"))
        external = spec.get("externalName", "")
        if not external:
            found.append(causes.required("spec.externalName"))
        else:
            host = external.removesuffix(".")
            found += [causes.invalid("spec.externalName", external, why) for why in names.dns1123_subdomain(host)]
        return found
    if address == "None" and kind in ("NodePort", "LoadBalancer"):
        why = f"may not be set to 'None' for {kind} services"
        found.append(causes.invalid("spec.clusterIPs[0]", "None", why))
    if addresses and address != addresses[0]:
        found.append(causes.invalid("spec.clusterIPs", addresses, "first value must match `clusterIP`"))
    for index, each in enumerate(addresses):
        if each != "None":
            found += [causes.invalid(f"spec.clusterIPs[{index}]", each, why) for why in address_problems(each)]
    if len(addresses) > MOST_ADDRESSES:
        found.append(causes.invalid("spec.clusterIPs", addresses, "may only hold up to 2 values"))
    elif not found and len({":" in each for each in addresses}) < len(addresses):
        why = "may specify no more than one IP for each IP family"
        found.append(causes.invalid("spec.clusterIPs", addresses, why))
    for index, each in enumerate(spec.get("externalIPs") or ()):
        found += [causes.invalid(f"spec.externalIPs[{index}]", each, why) for why in outside_address(each)]
    return found


def _families(spec: Body, kind: Any) -> list[Cause]:
    """Services have addresses of one family, IPv4; what has no address of its own and no selector may name both."""
    if kind == "ExternalName" or (spec.get("clusterIP") == "None" and not spec.get("selector")):
        return []
    found = [
        causes.invalid(f"spec.ipFamilies[{index}]", family, "not configured on this cluster")
        for index, family in enumerate(spec.get("ipFamilies") or ())
        if family != "IPv4"
    ]
    families = spec.get("ipFamilies") or []
    found += [
        causes.duplicate(f"spec.ipFamilies[{at}]", each) for at, each in enumerate(families) if each in families[:at]
    ]
    policy = spec.get("ipFamilyPolicy")
    if policy is not None and policy not in FAMILY_POLICIES:
        found.append(causes.not_supported("spec.ipFamilyPolicy", policy, FAMILY_POLICIES))
    if policy == "RequireDualStack":
        why = "this cluster is not configured for dual-stack services"
        found.append(causes.invalid("spec.ipFamilyPolicy", "RequireDualStack", why))
    return found


def _policies(spec: Body, kind: Any) -> list[Cause]:
    found = []
    timeout = ((spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}).get("timeoutSeconds")
    if timeout is not None and not 0 < timeout <= DAY:
        field = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
        found.append(causes.invalid(field, timeout, f"must be greater than 0 and less than {DAY}"))
    policy, port = spec.get("externalTrafficPolicy"), spec.get("healthCheckNodePort")
    if policy and not is_reachable_from_outside(spec):
        why = "may only be set for externally-accessible services"
        found.append(causes.invalid("spec.externalTrafficPolicy", policy, why))
    if port and not needs_health_check(spec):
        why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        found.append(causes.invalid("spec.healthCheckNodePort", port, why))
    elif port:
        found += causes.port("spec.healthCheckNodePort", port)
    return found + traffic_rules(spec, kind)


def _kept(spec: Body, before: Body) -> list[Cause]:
    """The address stays for as long as the service has one, and so does the port of health checks."""
    if needs_health_check(spec) and needs_health_check(before):
        port = spec.get("healthCheckNodePort")
        if port and before.get("healthCheckNodePort") not in (None, port):
            return [causes.immutable("spec.healthCheckNodePort", port)]
    if "ExternalName" in (spec.get("type"), before.get("type")):
        return []
    old, new = before.get("clusterIPs") or [], spec.get("clusterIPs") or []
    if old and new[:1] != old[:1]:
        return [causes.invalid("spec.clusterIPs[0]", new, "may not change once set")]
    return []
