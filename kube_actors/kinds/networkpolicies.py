"""NetworkPolicies."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.addresses import range_problems
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.selectors import label_selector_rules

PROTOCOLS = ("TCP", "UDP", "SCTP")
TYPES = ("Ingress", "Egress")


def _default(body: Body) -> None:
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return
    spec.setdefault("podSelector", {})
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    for direction in ("ingress", "egress"):
        for rule in spec.get(direction) or ():
            for port in rule.get("ports") or ():
                port.setdefault("protocol", "TCP")


def _validate(new: Body, _old: Body | None) -> list[Cause]:
    spec = new.get("spec") or {}
    found = label_selector_rules(spec.get("podSelector") or {}, "spec.podSelector")
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(direction) or ()):
            place = f"spec.{direction}[{index}]"
            for at, port in enumerate(rule.get("ports") or ()):
                found += _port(port, f"{place}.ports[{at}]")
            for at, peer in enumerate(rule.get(peers) or ()):
                found += _peer(peer, f"{place}.{peers}[{at}]")
    types = spec.get("policyTypes") or []
    if len(types) > len(TYPES):
        why = "may not specify more than two policyTypes"
        return [*found, causes.invalid("spec.policyTypes", types, why)]
    for index, kind in enumerate(types):
        if kind not in TYPES:
            found.append(causes.not_supported(f"spec.policyTypes[{index}]", kind, TYPES))
    return found


def _port(port: Body, field: str) -> list[Cause]:
    found = []
    if port.get("protocol") not in (None, *PROTOCOLS):
        found.append(causes.not_supported(f"{field}.protocol", port["protocol"], PROTOCOLS))
    number, end = port.get("port"), port.get("endPort")
    if isinstance(number, int):
        found += causes.port(f"{field}.port", number)
        if end is not None and end < number:
            found.append(causes.invalid(f"{field}.endPort", end, "must be greater than or equal to `port`"))
        found += causes.port(f"{field}.endPort", end)
    elif number is not None:
        found += [causes.invalid(f"{field}.port", number, why) for why in names.port_name(number)]
        if end is not None:
            found.append(causes.invalid(f"{field}.endPort", end, "may not be specified when `port` is non-numeric"))
    elif end is not None:
        found.append(causes.invalid(f"{field}.endPort", end, "may not be specified when `port` is not specified"))
    return found


def _peer(peer: Body, field: str) -> list[Cause]:
    found, said = [], 0
    for name in ("podSelector", "namespaceSelector"):
        if peer.get(name) is not None:
            said += 1
            found += label_selector_rules(peer[name], f"{field}.{name}")
    if peer.get("ipBlock") is not None:
        found += _block(peer["ipBlock"], f"{field}.ipBlock")
        if said:
            found.append(causes.forbidden(field, "may not specify both ipBlock and another peer"))
        said += 1
    return found if said else [causes.required(field, "must specify a peer")]


def _block(block: Body, field: str) -> list[Cause]:
    if not block.get("cidr"):
        return [causes.required(f"{field}.cidr")]
    found = [causes.invalid(f"{field}.cidr", block["cidr"], why) for why in range_problems(block["cidr"])]
    if found:
        return found
    whole: Any = ip_network(block["cidr"])
    for index, text in enumerate(block.get("except") or ()):
        place, problems = f"{field}.except[{index}]", range_problems(text)
        found += [causes.invalid(place, text, why) for why in problems]
        part: Any = whole if problems else ip_network(text)
        if problems:
            continue
        if part.version != whole.version or not part.subnet_of(whole) or part == whole:
            found.append(causes.invalid(place, text, "must be a strict subset of `cidr`"))
    return found


HOOKS = Hooks(default=_default, validate=_validate)
