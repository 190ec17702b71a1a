"""CSIDrivers: what a volume driver can do."""

from __future__ import annotations

from typing import Final

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.volume_sources import driver_rules

MODES: Final = ("Ephemeral", "Persistent")
POLICIES: Final = ("File", "None", "ReadWriteOnceWithFSType")
# Fields that stay, and what Kubernetes calls them when they do not.
FROZEN: Final = {"attachRequired": "attachedRequired", "volumeLifecycleModes": "volumeLifecycleModes"}
SHORTEST_TOKEN: Final = 600
LONGEST_TOKEN: Final = 1 << 32
SHORTEST_PERIOD: Final = 10
"""Seconds between two looks at how much a node takes."""

_DEFAULTS: Final = {
    "attachRequired": True,
    "fsGroupPolicy": "ReadWriteOnceWithFSType",
    "podInfoOnMount": False,
    "requiresRepublish": False,
    "seLinuxMount": False,
    "storageCapacity": False,
}


def _default(body: Body) -> None:
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return
    for name, value in _DEFAULTS.items():
        spec.setdefault(name, value)
    spec.setdefault("volumeLifecycleModes", ["Persistent"])


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec = new.get("spec") or {}
    found = driver_rules(new["metadata"].get("name", ""), "metadata.name") if old is None else []
    modes = spec.get("volumeLifecycleModes") or []
    found += [causes.not_supported("spec.volumeLifecycleModes", mode, MODES) for mode in modes if mode not in MODES]
    policy = spec.get("fsGroupPolicy")
    if policy is not None and policy not in POLICIES:
        found.append(causes.not_supported("spec.fsGroupPolicy", policy, POLICIES))
    taken = set()
    for index, request in enumerate(spec.get("tokenRequests") or ()):
        field, audience, seconds = (
            f"spec.tokenRequests[{index}]",
            request.get("audience", ""),
            request.get("expirationSeconds"),
        )
        if audience in taken:
            found.append(causes.duplicate(f"{field}.audience", audience))
        taken.add(audience)
        if seconds is not None and seconds < SHORTEST_TOKEN:
            why = "may not specify a duration less than 10 minutes"
            found.append(causes.invalid(f"{field}.expirationSeconds", seconds, why))
        if seconds is not None and seconds > LONGEST_TOKEN:
            why = "may not specify a duration larger than 2^32 seconds"
            found.append(causes.invalid(f"{field}.expirationSeconds", seconds, why))
    period = spec.get("nodeAllocatableUpdatePeriodSeconds")
    if period is not None and period < SHORTEST_PERIOD:
        why = f"must be greater than or equal to {SHORTEST_PERIOD} seconds"
        found.append(causes.invalid("spec.nodeAllocatableUpdatePeriodSeconds", period, why))
    before = (old or {}).get("spec") or {}
    for name, called in FROZEN.items() if old is not None else ():
        if spec.get(name) != before.get(name):
            found.append(causes.immutable(f"spec.{called}", spec.get(name)))
    return found


HOOKS = Hooks(default=_default, validate=_validate, generation=None)
