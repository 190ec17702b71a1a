"""ResourceSlices: the devices that a driver offers on a node, or on some of them."""

from __future__ import annotations

from typing import Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import METADATA_FIELDS, Body, Hooks
from kube_actors.kinds.rules.volume_sources import driver_rules

LONGEST_POOL: Final = 253
PLACES: Final = ("nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection")


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec = new.get("spec") or {}
    found = driver_rules(spec.get("driver") or "", "spec.driver") + _pool(spec.get("pool") or {}, "spec.pool")
    given = [name for name in PLACES if spec.get(name)]
    why = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
    if not given:
        found.append(causes.required("spec", why))
    elif len(given) > 1:
        shown = "{" + ", ".join(f"`{name}`" for name in given) + "}"
        found.append(causes.invalid("spec", shown, f"{why}, but multiple fields are set"))
    return found if old is None else found + _changes(spec, old.get("spec") or {})


def _pool(pool: Body, field: str) -> list[Cause]:
    """A pool has a path of domains for a name; its slices are counted, and so are its generations."""
    name, slices, generation = (pool.get(each) for each in ("name", "resourceSliceCount", "generation"))
    found = [] if name else [causes.required(f"{field}.name")]
    if name and len(name) > LONGEST_POOL:
        found.append(causes.too_long(f"{field}.name", LONGEST_POOL))
    for part in name.split("/") if name else ():
        found += [causes.invalid(f"{field}.name", part, why) for why in names.dns1123_subdomain(part)]
    if (slices or 0) <= 0:
        found.append(causes.invalid(f"{field}.resourceSliceCount", slices or 0, "must be greater than zero"))
    if (generation or 0) < 0:
        found.append(causes.invalid(f"{field}.generation", generation, "must be greater than or equal to zero"))
    return found


def _changes(spec: Body, before: Body) -> list[Cause]:
    """Whose devices these are, and where, stays."""
    found = [
        causes.immutable(f"spec.{name}", spec.get(name))
        for name in ("driver", "nodeName")
        if spec.get(name) != before.get(name)
    ]
    pool, known = (each.get("pool") or {} for each in (spec, before))
    if pool.get("name") != known.get("name"):
        found.append(causes.immutable("spec.pool.name", pool.get("name")))
    return found


HOOKS = Hooks(validate=_validate, selectable_fields=(*METADATA_FIELDS, "spec.driver", "spec.nodeName"))
