"""Nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.api import names
from kube_actors.api.quantity import Quantity
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.addresses import range_problems
from kube_actors.kinds.facts import NodeFacts
from kube_actors.kinds.hooks import METADATA_FIELDS, Body, Hooks


def _default(body: Body) -> None:
    """The older field holds the first of the ranges; where they differ it is the older one that counts."""
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return
    first, ranges = spec.get("podCIDR"), spec.get("podCIDRs") or []
    if first and first not in ranges[:1]:
        spec["podCIDRs"] = [first]
    elif ranges:
        spec["podCIDR"] = ranges[0]


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec = new.get("spec") or {}
    found = []
    taken = set()
    for index, taint in enumerate(spec.get("taints") or ()):
        field = f"spec.taints[{index}]"
        key, value, effect = taint.get("key", ""), taint.get("value", ""), taint.get("effect")
        found += [causes.invalid(f"{field}.key", key, why) for why in names.qualified_name(key)]
        found += [causes.invalid(f"{field}.value", value, why) for why in names.label_value(value)]
        if not effect:
            found.append(causes.required(f"{field}.effect"))
        if (key, effect) in taken:
            found.append(causes.duplicate(field, taint))
        taken.add((key, effect))
    ranges = spec.get("podCIDRs") or []
    for index, cidr in enumerate(ranges):
        found += [causes.invalid(f"spec.podCIDRs[{index}]", cidr, why) for why in range_problems(cidr)]
    if len({":" in cidr for cidr in ranges}) < len(ranges):
        why = "may specify no more than one CIDR for each IP family"
        found.append(causes.invalid("spec.podCIDRs", ranges, why))
    if old is not None:
        before = old.get("spec") or {}
        for field, name in (("podCIDRs", "podCIDR"), ("providerID", "providerID")):
            if before.get(field) and spec.get(field) != before[field]:
                why = f'node updates may not change {name} except from "" to valid'
                found.append(causes.forbidden(f"spec.{field}", why))
    return found


def _validate_status(new: Body, _old: Body) -> list[Cause]:
    """Each address once, and amounts that are not negative."""
    status = new.get("status") or {}
    addresses = status.get("addresses") or []
    found = [
        causes.duplicate(f"status.addresses[{at}]", address)
        for at, address in enumerate(addresses)
        if address in addresses[:at]
    ]
    for name in ("capacity", "allocatable"):
        for resource, amount in (status.get(name) or {}).items():
            quantity = Quantity.parse(amount)
            if quantity.nano < 0:
                place = f"status.{name}.{resource}"
                found.append(causes.invalid(place, str(quantity), "must be greater than or equal to 0"))
    return found


def _facts(body: Mapping[str, Any]) -> NodeFacts:
    spec, status = body.get("spec") or {}, body.get("status") or {}
    amounts = status.get("allocatable") or status.get("capacity") or {}
    taints = tuple(
        (each.get("key", ""), each.get("value", ""), each.get("effect", "")) for each in spec.get("taints") or ()
    )
    return NodeFacts(
        ready=_condition(body, "Ready") == "True",
        unschedulable=bool(spec.get("unschedulable", False)),
        allocatable=(
            Quantity.parse(amounts.get("cpu", 0)).milli,
            Quantity.parse(amounts.get("memory", 0)).value,
            Quantity.parse(amounts.get("pods", 0)).value,
        ),
        taints=taints,
        address=_address(body, "InternalIP"),
    )


def _condition(body: Mapping[str, Any], kind: str) -> str:
    conditions = (body.get("status") or {}).get("conditions") or ()
    return next((str(each.get("status")) for each in conditions if each.get("type") == kind), "Unknown")


def _address(body: Mapping[str, Any], kind: str) -> str:
    addresses = (body.get("status") or {}).get("addresses") or ()
    return next((str(each.get("address")) for each in addresses if each.get("type") == kind), "")


HOOKS = Hooks(
    default=_default,
    validate=_validate,
    validate_subresource={"status": _validate_status},
    project=_facts,
    generation=None,
    selectable_fields=(*METADATA_FIELDS, "spec.unschedulable"),
    keeps_first_status=True,
)
