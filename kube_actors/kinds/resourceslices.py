"""ResourceSlices: the devices that a driver offers on a node, or on some of them."""

from __future__ import annotations

from typing import Final

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import METADATA_FIELDS, Body, Hooks
from kube_actors.kinds.rules.device_names import pool_rules
from kube_actors.kinds.rules.device_offers import counter_set_rules, device_rules, listed, place_rules
from kube_actors.kinds.rules.lists import items_rules
from kube_actors.kinds.rules.volume_sources import driver_rules

MOST_DEVICES: Final = 128
MOST_SPECIAL_DEVICES: Final = 64
"""Devices of a slice when one of them has taints, counters or lists of values."""
MOST_COUNTER_SETS: Final = 8
_ONE_PLACE: Final = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
_LISTS: Final = ("bools", "ints", "strings", "versions")


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec, before = new.get("spec") or {}, None if old is None else old.get("spec") or {}
    found = driver_rules(spec.get("driver") or "", "spec.driver") + _pool(spec.get("pool") or {}, "spec.pool")
    found += [] if before is None else _changes(spec, before)
    found += _place(spec)
    if spec.get("sharedCounters") is not None and spec.get("devices") is not None:
        found.append(causes.invalid("spec", "", "only one of `sharedCounters` or `devices` is allowed"))
    return found + _devices(spec, before) + _counter_sets(spec)


def _devices(spec: Body, before: Body | None) -> list[Cause]:
    devices = spec.get("devices") or []
    known = {each.get("name"): each for each in (before or {}).get("devices") or ()}
    placed = bool(spec.get("perDeviceNodeSelection"))

    def rules(device: Body, field: str) -> list[Cause]:
        return device_rules(device, known.get(device.get("name")), field, placed=placed)

    most = MOST_SPECIAL_DEVICES if any(map(_is_special, devices)) else MOST_DEVICES
    return items_rules(devices, "spec.devices", rules, most, _name)


def _is_special(device: Body) -> bool:
    attributes = (device.get("attributes") or {}).values()
    has_lists = any(each.get(name) is not None for each in attributes for name in _LISTS)
    return bool(device.get("taints") or device.get("consumesCounters") or has_lists)


def _counter_sets(spec: Body) -> list[Cause]:
    return items_rules(spec.get("sharedCounters"), "spec.sharedCounters", counter_set_rules, MOST_COUNTER_SETS, _name)


def _name(item: Body) -> str:
    return item.get("name") or ""


def _place(spec: Body) -> list[Cause]:
    """The devices are on one node, on some, on all, or each says where it is."""
    found, given = place_rules(spec, "spec", "must be either unset or set to a non-empty string")
    terms = (spec.get("nodeSelector") or {}).get("nodeSelectorTerms") or []
    if spec.get("nodeSelector") is not None and len(terms) != 1:
        why = "must have exactly one node selector term"
        found.append(causes.invalid("spec.nodeSelector.nodeSelectorTerms", terms or None, why))
    if not given:
        found.append(causes.required("spec", _ONE_PLACE))
    elif len(given) > 1:
        found.append(causes.invalid("spec", listed(given), f"{_ONE_PLACE}, but multiple fields are set"))
    return found


def _pool(pool: Body, field: str) -> list[Cause]:
    """A pool has a path of domains for a name; its slices are counted, and so are its generations."""
    slices, generation = (pool.get(each) or 0 for each in ("resourceSliceCount", "generation"))
    found = pool_rules(pool.get("name") or "", f"{field}.name")
    if slices <= 0:
        found.append(causes.invalid(f"{field}.resourceSliceCount", slices, "must be greater than zero"))
    if generation < 0:
        found.append(causes.invalid(f"{field}.generation", generation, "must be greater than or equal to zero"))
    return found


def _changes(spec: Body, before: Body) -> list[Cause]:
    """Whose devices these are, and where, stays."""
    pool, known = (each.get("pool") or {} for each in (spec, before))
    found = [] if pool.get("name") == known.get("name") else [causes.immutable("spec.pool.name", pool.get("name"))]
    return found + [
        causes.immutable(f"spec.{name}", spec.get(name))
        for name in ("driver", "nodeName")
        if spec.get(name) != before.get(name)
    ]


HOOKS = Hooks(validate=_validate, selectable_fields=(*METADATA_FIELDS, "spec.driver", "spec.nodeName"))
