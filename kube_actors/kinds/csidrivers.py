"""CSIDrivers: what a volume driver can do."""

from __future__ import annotations

from typing import Final

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.volume_sources import driver_rules

MODES: Final = ("Ephemeral", "Persistent")
POLICIES: Final = ("File", "None", "ReadWriteOnceWithFSType")
FROZEN: Final = ("attachRequired", "volumeLifecycleModes")
SHORTEST_TOKEN: Final = 600

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
    if policy not in (None, *POLICIES):
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
    before = (old or {}).get("spec") or {}
    for name in FROZEN if old is not None else ():
        if spec.get(name) != before.get(name):
            found.append(causes.immutable(f"spec.{name}", spec.get(name)))
    return found


HOOKS = Hooks(default=_default, validate=_validate, generation=None)
