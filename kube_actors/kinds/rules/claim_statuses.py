"""What may not be reported of a ResourceClaim: devices it got, who uses them, and what drivers say of them."""

from __future__ import annotations

from typing import Any, Final

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.addresses import interface_problems
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.rules.conditions import conditions_rules
from kube_actors.kinds.rules.device_names import binding_rules, label_rules, pool_rules, share_rules, toleration_rules
from kube_actors.kinds.rules.devices import (
    MOST_ITEMS,
    Known,
    configuration_rules,
    known_requests,
    raw_rules,
    reference_rules,
    references_rules,
)
from kube_actors.kinds.rules.lists import items_rules
from kube_actors.kinds.rules.request_matching import choice_rules
from kube_actors.kinds.rules.scheduling import node_selector_rules
from kube_actors.kinds.rules.volume_sources import driver_rules

MOST_CONSUMERS: Final = 256
MOST_DEVICE_CONDITIONS: Final = 8
MOST_ADDRESSES: Final = 16
LONGEST_INTERFACE: Final = 256
LONGEST_HARDWARE_ADDRESS: Final = 128
LONGEST_DATA: Final = 10 * 1024
SOURCES: Final = ("FromClaim", "FromClass")
_NO_NEW: Final = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"


def claim_status_rules(new: Body, old: Body) -> list[Cause]:
    """A write of the status; an allocation that is there does not become another."""
    status, before = new.get("status") or {}, old.get("status") or {}
    allocation, known = status.get("allocation"), known_requests((new.get("spec") or {}).get("devices") or {})
    results = ((allocation or {}).get("devices") or {}).get("results") or ()
    devices = {_identity(result) for result in results}

    def device_status_rules(device: Body, field: str) -> list[Cause]:
        return _device(device, devices, field)

    reserved, place = status.get("reservedFor") or [], "status.reservedFor"
    found = items_rules(reserved, place, _consumer, MOST_CONSUMERS, lambda consumer: consumer.get("uid") or "")
    found += items_rules(status.get("devices"), "status.devices", device_status_rules, None, _identity)
    if reserved and allocation is None:
        found.append(causes.forbidden(place, "may not be specified when `allocated` is not set"))
    elif "deletionTimestamp" in new["metadata"] and any(
        each not in (before.get("reservedFor") or ()) for each in reserved
    ):
        found.append(causes.forbidden(place, _NO_NEW))
    if allocation is None:
        return found
    if before.get("allocation") is None:
        return found + _allocation(allocation, known, "status.allocation")
    changed = allocation != before["allocation"]
    return [*found, causes.immutable("status.allocation", allocation)] if changed else found


def _identity(device: Body) -> str:
    """Which device, as Kubernetes writes it: driver, pool, device, and the share of it."""
    parts = [device.get(name) or "" for name in ("driver", "pool", "device")]
    return "/".join([*parts, device["shareID"]] if device.get("shareID") else parts)


def _consumer(consumer: Body, field: str) -> list[Cause]:
    return [causes.required(f"{field}.{name}") for name in ("resource", "name", "uid") if not consumer.get(name)]


def _names(body: Body, field: str) -> list[Cause]:
    """The driver, the pool and the device in it."""
    found = driver_rules(body.get("driver") or "", f"{field}.driver")
    found += pool_rules(body.get("pool") or "", f"{field}.pool")
    return found + label_rules(body.get("device"), f"{field}.device")


def _share(body: Body, field: str) -> list[Cause]:
    return [] if body.get("shareID") is None else share_rules(body["shareID"], f"{field}.shareID")


def _allocation(allocation: Body, known: Known, field: str) -> list[Cause]:
    devices, selector, place = allocation.get("devices") or {}, allocation.get("nodeSelector"), f"{field}.devices"

    def result_rules(result: Body, at: str) -> list[Cause]:
        found = reference_rules(known)(result.get("request") or "", f"{at}.request") + _names(result, at)
        found += binding_rules(result, at)
        return (
            found + items_rules(result.get("tolerations"), f"{at}.tolerations", toleration_rules) + _share(result, at)
        )

    def config_rules(config: Body, at: str) -> list[Cause]:
        source = config.get("source") or ""
        found = choice_rules(source, SOURCES, f"{at}.source") if source else [causes.required(f"{at}.source")]
        found += references_rules(config.get("requests"), f"{at}.requests", known)
        return found + configuration_rules(config, at)

    found = items_rules(devices.get("results"), f"{place}.results", result_rules, MOST_ITEMS)
    found += items_rules(devices.get("config"), f"{place}.config", config_rules, 2 * MOST_ITEMS)
    return found if selector is None else found + node_selector_rules(selector, f"{field}.nodeSelector")


def _device(device: Body, allocated: set[str], field: str) -> list[Cause]:
    """What a driver reports of a device that the claim got."""
    conditions, place = device.get("conditions") or [], f"{field}.conditions"
    found = _names(device, field) + _share(device, field)
    if _identity(device) not in allocated:
        found.append(causes.invalid(field, _identity(device), "must be an allocated device in the claim"))
    if len(conditions) > MOST_DEVICE_CONDITIONS:
        found.append(causes.too_many(place, len(conditions), MOST_DEVICE_CONDITIONS))
    found += conditions_rules(conditions, place)
    if device.get("data") is not None:
        found += raw_rules(device["data"], f"{field}.data", LONGEST_DATA)
    return found + _network(device.get("networkData") or {}, f"{field}.networkData")


def _network(data: Body, field: str) -> list[Cause]:
    limits = (("interfaceName", LONGEST_INTERFACE), ("hardwareAddress", LONGEST_HARDWARE_ADDRESS))
    found = [
        causes.too_long(f"{field}.{name}", limit)
        for name, limit in limits
        if len((data.get(name) or "").encode()) > limit
    ]
    return found + items_rules(data.get("ips"), f"{field}.ips", _interface, MOST_ADDRESSES, str)


def _interface(address: Any, field: str) -> list[Cause]:
    return [causes.invalid(field, address, why) for why in interface_problems(address)]
