"""What drivers may not say of the devices that they offer."""

from __future__ import annotations

import re
from typing import Any, Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.rules.device_capacities import capacity_rules
from kube_actors.kinds.rules.device_names import binding_rules, label_rules, qualified_rules, taint_rules
from kube_actors.kinds.rules.lists import items_rules, map_rules, no_rules
from kube_actors.kinds.rules.scheduling import node_selector_rules

MOST_NAMED: Final = 32
"""Attributes and capacities of a device, together."""
MOST_VALUES: Final = 48
"""Values of all attributes of a device; each item of a list counts."""
MOST_TAINTS: Final = 16
MOST_COUNTERS: Final = 32
MOST_CONSUMED_SETS: Final = 2
LONGEST_VALUE: Final = 64
_NUMBER: Final = r"(0|[1-9]\d*)"
_PRE_RELEASE: Final = r"(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_BUILD: Final = "[0-9a-zA-Z-]+"
_VERSION: Final = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_PRE_RELEASE}(\.{_PRE_RELEASE})*)?(\+{_BUILD}(\.{_BUILD})*)?", re.ASCII
)
_ONE_PLACE: Final = (
    "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true "
    "in the ResourceSlice spec"
)
_NO_PLACE: Final = (
    "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the "
    "ResourceSlice spec"
)
_LISTS: Final = ("bools", "ints", "strings", "versions")
_PLACES: Final = ("nodeName", "nodeSelector", "allNodes")


def device_rules(device: Body, before: Body | None, field: str, *, placed: bool) -> list[Cause]:
    """One device. Capacities and taints that it had `before` are not looked at again; `placed`: it says where it is."""
    known = before or {}
    found = label_rules(device.get("name"), f"{field}.name") + _amounts(device, field)
    found += map_rules(device.get("attributes"), f"{field}.attributes", qualified_rules, _attribute)
    if before is None or device.get("capacity") != known.get("capacity"):
        shared = bool(device.get("allowMultipleAllocations"))
        rules = capacity_rules(shared=shared)
        found += map_rules(device.get("capacity"), f"{field}.capacity", qualified_rules, rules)
    if before is None or device.get("taints") != known.get("taints"):
        found += items_rules(device.get("taints"), f"{field}.taints", taint_rules, MOST_TAINTS)
    place = f"{field}.consumesCounters"
    found += items_rules(device.get("consumesCounters"), place, _consumption, MOST_CONSUMED_SETS, _counter_set)
    if placed:
        found += _place(device, field)
    elif any(device.get(name) is not None for name in _PLACES):
        found.append(causes.invalid(field, "null", _NO_PLACE))
    return found + binding_rules(device, field)


def counter_set_rules(counters: Body, field: str) -> list[Cause]:
    """Amounts that several devices take from."""
    name, place = counters.get("name") or "", f"{field}.name"
    return (label_rules(name, place) if name else [causes.required(place)]) + _counters(counters, field)


def place_rules(body: Body, field: str, empty: str) -> tuple[list[Cause], list[str]]:
    """Where devices are: what is wrong, and the ways in which it is said. `empty` is what is said of an empty name."""
    found, given = [], []
    name, selector = body.get("nodeName"), body.get("nodeSelector")
    if name:
        given.append("nodeName")
        found += [causes.invalid(f"{field}.nodeName", name, why) for why in names.dns1123_subdomain(name)]
    elif name is not None:
        found.append(causes.invalid(f"{field}.nodeName", "", empty))
    if selector is not None:
        given.append("nodeSelector")
        found += node_selector_rules(selector, f"{field}.nodeSelector")
    for flag in ("allNodes", "perDeviceNodeSelection"):
        if body.get(flag):
            given.append(flag)
        elif body.get(flag) is not None:
            found.append(causes.invalid(f"{field}.{flag}", False, "must be either unset or set to true"))
    return found, given


def listed(given: list[str]) -> str:
    """The fields as Kubernetes shows them."""
    return "{" + ", ".join(f"`{name}`" for name in given) + "}"


def _place(device: Body, field: str) -> list[Cause]:
    found, given = place_rules(device, field, "must not be empty")
    if not given:
        found.append(causes.required(field, _ONE_PLACE))
    elif len(given) > 1:
        found.append(causes.invalid(field, listed(given), _ONE_PLACE))
    return found


def _amounts(device: Body, field: str) -> list[Cause]:
    attributes = device.get("attributes") or {}
    named = len(attributes) + len(device.get("capacity") or {})
    values = sum(sum(len(each.get(name) or ()) for name in _LISTS) or 1 for each in attributes.values())
    found = []
    if named > MOST_NAMED:
        why = f"the total number of attributes and capacities must not exceed {MOST_NAMED}"
        found.append(causes.invalid(field, named, why))
    if values > MOST_VALUES:
        why = f"the total number of attribute values must not exceed {MOST_VALUES}"
        found.append(causes.invalid(field, values, why))
    return found


def _attribute(attribute: Body, field: str) -> list[Cause]:
    """One value, or one list of values."""
    found: list[Cause] = []
    given = {name: value for name, value in attribute.items() if value is not None}
    for name, value in given.items():
        place, each = f"{field}.{name}", name.removesuffix("s")
        rules = {"string": _text, "version": _version}.get(each, no_rules)
        if name not in _LISTS:
            found += rules(value, place)
            continue
        if not value:
            found.append(causes.invalid(place, value, "must not be empty if specified"))
        found += items_rules(value, place, rules)
    if len(given) != 1:
        found.append(causes.invalid(field, attribute if given else "", "exactly one value must be specified"))
    return found


def _text(value: Any, field: str) -> list[Cause]:
    return [causes.too_long(field, LONGEST_VALUE)] if len(value.encode()) > LONGEST_VALUE else []


def _version(value: Any, field: str) -> list[Cause]:
    why = "must be a string compatible with semver.org spec 2.0.0"
    return [*([] if _VERSION.fullmatch(value) else [causes.invalid(field, value, why)]), *_text(value, field)]


def _counter_set(consumption: Body) -> str:
    return consumption.get("counterSet") or ""


def _consumption(consumption: Body, field: str) -> list[Cause]:
    name, place = _counter_set(consumption), f"{field}.counterSet"
    return (label_rules(name, place) if name else [causes.required(place)]) + _counters(consumption, field)


def _counters(body: Body, field: str) -> list[Cause]:
    counters, place = body.get("counters") or {}, f"{field}.counters"
    return map_rules(counters, place, label_rules, no_rules, MOST_COUNTERS) if counters else [causes.required(place)]
