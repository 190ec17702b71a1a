"""What a load balancer reports of itself into the status of a Service or an Ingress."""

from __future__ import annotations

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.addresses import address_problems, is_address
from kube_actors.kinds.hooks import Body

FIELD = "status.loadBalancer.ingress"
MODES = ("Proxy", "VIP")


def points_of(body: Body) -> list[Body]:
    """Where traffic comes in."""
    points: list[Body] = ((body.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    return points


def default_modes(service: Body) -> None:
    """An address is, if nobody says more, one that the nodes answer to themselves."""
    for point in points_of(service):
        if point.get("ip"):
            point.setdefault("ipMode", "VIP")


def service_status_rules(new: Body, _old: Body) -> list[Cause]:
    """Only services of type LoadBalancer have points; each has a mode where it has an address."""
    points = points_of(new)
    if points and (new.get("spec") or {}).get("type") != "LoadBalancer":
        return [causes.forbidden(FIELD, 'may only be used when `spec.type` is "LoadBalancer"')]
    found = []
    for index, point in enumerate(points):
        field, mode = f"{FIELD}[{index}]", point.get("ipMode")
        found += _point(point, field)
        if mode is not None and not point.get("ip"):
            found.append(causes.forbidden(f"{field}.ipMode", "may not be specified when `ip` is not set"))
        elif mode is not None and mode not in MODES:
            found.append(causes.not_supported(f"{field}.ipMode", mode, MODES))
    return found


def ingress_status_rules(new: Body, _old: Body) -> list[Cause]:
    """Addresses and names."""
    return [each for index, point in enumerate(points_of(new)) for each in _point(point, f"{FIELD}[{index}]")]


def _point(point: Body, field: str) -> list[Cause]:
    address, name = point.get("ip"), point.get("hostname")
    found = [causes.invalid(f"{field}.ip", address, why) for why in address_problems(address)] if address else []
    if name:
        found += [causes.invalid(f"{field}.hostname", name, why) for why in names.dns1123_subdomain(name)]
        if is_address(name):
            found.append(causes.invalid(f"{field}.hostname", name, "must be a DNS name, not an IP address"))
    return found
