"""Endpoints: the addresses behind a service, as one object."""

from __future__ import annotations

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.addresses import endpoint_address
from kube_actors.kinds.hooks import Body, Hooks


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
            found += _port(port, f"{place}.ports[{at}]", named=len(ports) > 1)
    return found


def _address(address: Body, field: str) -> list[Cause]:
    found = [causes.invalid(f"{field}.ip", address.get("ip"), why) for why in endpoint_address(address.get("ip"))]
    host, node = address.get("hostname"), address.get("nodeName")
    if host:
        found += [causes.invalid(f"{field}.hostname", host, why) for why in names.dns1123_label(host)]
    if node is not None:
        found += [causes.invalid(f"{field}.nodeName", node, why) for why in names.dns1123_subdomain(node)]
    return found


def _port(port: Body, field: str, *, named: bool) -> list[Cause]:
    found = []
    name = port.get("name", "")
    if name:
        found += [causes.invalid(f"{field}.name", name, why) for why in names.dns1123_label(name)]
    elif named:
        found.append(causes.required(f"{field}.name"))
    found += causes.port(f"{field}.port", port.get("port"))
    protocol = port.get("appProtocol")
    if protocol is not None:
        found += [causes.invalid(f"{field}.appProtocol", protocol, why) for why in names.qualified_name(protocol)]
    return found


HOOKS = Hooks(default=_default, validate=_validate, generation=None)
