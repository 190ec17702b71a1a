"""CSINodes: which drivers run on a node, and by what name they know it."""

from __future__ import annotations

from typing import Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.volume_sources import driver_rules

LONGEST_ID: Final = 256


def _validate(new: Body, old: Body | None) -> list[Cause]:
    drivers = (new.get("spec") or {}).get("drivers") or []
    found, taken = [], set()
    for index, driver in enumerate(drivers):
        field, name, node = f"spec.drivers[{index}]", driver.get("name", ""), driver.get("nodeID", "")
        found += driver_rules(name, f"{field}.name")
        if name in taken:
            found.append(causes.duplicate(f"{field}.name", name))
        taken.add(name)
        if not node:
            found.append(causes.required(f"{field}.nodeID"))
        elif len(node) > LONGEST_ID:
            found.append(causes.invalid(f"{field}.nodeID", node, f"must be {LONGEST_ID} characters or less"))
        found += _keys(driver, f"{field}.topologyKeys")
        count = (driver.get("allocatable") or {}).get("count") or 0
        if count < 0:
            found.append(causes.invalid(f"{field}.allocatable.count", count, "must be greater than or equal to 0"))
    if old is not None:
        known = {driver.get("name"): driver for driver in (old.get("spec") or {}).get("drivers") or ()}
        changed = [each for each in drivers if each.get("name") in known and not _is_same(each, known[each["name"]])]
        found += [causes.invalid("spec.drivers", each, "field is immutable") for each in changed]
    return found


def _keys(driver: Body, field: str) -> list[Cause]:
    found, keys = [], driver.get("topologyKeys") or []
    for index, key in enumerate(keys):
        if key in keys[:index]:
            found.append(causes.duplicate(field, key))
        found += [causes.invalid(field, key, why) for why in names.qualified_name(key)]
    return found


def _is_same(driver: Body, before: Body) -> bool:
    return all(driver.get(name) == before.get(name) for name in ("nodeID", "topologyKeys"))


HOOKS = Hooks(validate=_validate, generation=None)
