"""Endpoints: the addresses behind a service, as one object."""

from __future__ import annotations

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.addresses import endpoint_address
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.ports import named_port_rules


def _default(body: Body) -> None:
    for subset in body.get("subsets") or ():
        for port in subset.get("ports") or ():
            port.setdefault("protocol", "TCP")


def _validate(new: Body, old: Body | None) -> list[Cause]:
    found = []
    for index, subset in enumerate(new.get("subsets") or ()):
        place = f"subsets[{index}]"
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            found.append(causes.required(place, "must specify `addresses` or `notReadyAddresses`"))
        for name in ("addresses", "notReadyAddresses"):
            for at, address in enumerate(subset.get(name) or ()):
                found += _address(address, f"{place}.{name}[{at}]")
        ports = subset.get("ports") or ()
        for at, port in enumerate(ports):
            found += named_port_rules(port, f"{place}.ports[{at}]", named=len(ports) > 1)
    return found


def _address(address: Body, field: str) -> list[Cause]:
    ip = address.get("ip", "")
    found = [causes.invalid(f"{field}.ip", ip, why) for why in endpoint_address(ip)]
    host, node = address.get("hostname"), address.get("nodeName")
    if host:
        found += [causes.invalid(f"{field}.hostname", host, why) for why in names.dns1123_label(host)]
    if node is not None:
        found += [causes.invalid(f"{field}.nodeName", node, why) for why in names.dns1123_subdomain(node)]
    return found


HOOKS = Hooks(default=_default, validate=_validate, generation=None)
