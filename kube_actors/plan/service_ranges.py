"""What becomes of ServiceCIDRs and of the IPAddresses of Services. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any, Final

from kube_actors.api.service_addresses import ALLOCATOR, DEFAULT_RANGE, FAMILY_LABEL, MANAGER_LABEL
from kube_actors.records import frozen

Body = Mapping[str, Any]

FINALIZER: Final = "networking.k8s.io/service-cidr-finalizer"
READY: Final = "Kubernetes Service CIDR is ready"
DEFAULT_READY: Final = "Kubernetes default Service CIDR is ready"
IN_USE: Final = (
    "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR"
)


@frozen
class RangePlan:
    """What to do about one ServiceCIDR: give or take its finalizer, and the condition it should have (None: any)."""

    finalizer: bool | None = None
    condition: Body | None = None


def plan_range(body: Body, others: Iterable[Body], taken: Iterable[str]) -> RangePlan:
    """A range is held by its finalizer for as long as an address of a Service lies in it and in no other range.

    `others` are the other ServiceCIDRs, `taken` the addresses that Services have.
    """
    metadata = body["metadata"]
    is_held = FINALIZER in (metadata.get("finalizers") or ())
    if "deletionTimestamp" not in metadata:
        message = DEFAULT_READY if metadata["name"] == DEFAULT_RANGE else READY
        return RangePlan(None if is_held else True, _missing(body, "True", "", message))
    spare = networks_of(each for each in others if "deletionTimestamp" not in each["metadata"])
    own = networks_of([body])
    addresses = [ipaddress.ip_address(text) for text in taken]
    needed = any(_lies_in(address, own) and not _lies_in(address, spare) for address in addresses)
    if needed:
        return RangePlan(None, _missing(body, "False", "Terminating", IN_USE))
    return RangePlan(False if is_held else None)


def networks_of(ranges: Iterable[Body]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """The networks of ServiceCIDRs."""
    return [ipaddress.ip_network(cidr) for body in ranges for cidr in body["spec"].get("cidrs") or ()]


def ip_address(address: str, namespace: str, service: str) -> dict[str, Any]:
    """The IPAddress of a Service's address."""
    family = f"IPv{ipaddress.ip_address(address).version}"
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IPAddress",
        "metadata": {"name": address, "labels": {FAMILY_LABEL: family, MANAGER_LABEL: ALLOCATOR}},
        "spec": {"parentRef": {"resource": "services", "namespace": namespace, "name": service}},
    }


def is_wrong(live: Body, wanted: Body | None) -> bool:
    """Whether an IPAddress has to go: one of the allocator's for no Service, or any that names another owner.

    Those that people make are theirs, as long as no Service has the address.
    """
    if wanted is None:
        return bool((live["metadata"].get("labels") or {}).get(MANAGER_LABEL) == ALLOCATOR)
    return bool((live.get("spec") or {}).get("parentRef") != wanted["spec"]["parentRef"])


def _lies_in(address: Any, networks: Iterable[Any]) -> bool:
    return any(address in network for network in networks)


def _missing(body: Body, status: str, reason: str, message: str) -> Body | None:
    """The condition Ready, unless the range says so already."""
    conditions = (body.get("status") or {}).get("conditions") or ()
    current: Body = next((each for each in conditions if each.get("type") == "Ready"), {})
    wanted = {"type": "Ready", "status": status, "reason": reason, "message": message}
    return None if all(current.get(name, "") == value for name, value in wanted.items()) else wanted
