"""PriorityClasses: a number that pods are known by; numbers above a billion are the system's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks

HIGHEST_OF_USERS: Final = 1_000_000_000
SYSTEM_PREFIX: Final = "system-"
SYSTEM_VALUES: Final[Mapping[str, int]] = {
    "system-node-critical": 2_000_001_000,
    "system-cluster-critical": 2_000_000_000,
}
POLICIES: Final = ("PreemptLowerPriority", "Never")


def _default(body: Body) -> None:
    body.setdefault("value", 0)
    body.setdefault("preemptionPolicy", "PreemptLowerPriority")


def _validate(new: Body, old: Body | None) -> list[Cause]:
    name, value, policy = new["metadata"].get("name", ""), new.get("value", 0), new.get("preemptionPolicy")
    found: list[Cause] = []
    if name.startswith(SYSTEM_PREFIX):
        problem = _system_problem(name, value, bool(new.get("globalDefault")))
        if problem:
            why = (
                f"priority class names with '{SYSTEM_PREFIX}' prefix are reserved for system use only. error: {problem}"
            )
            found.append(causes.forbidden("metadata.name", why))
    elif value > HIGHEST_OF_USERS:
        why = f"maximum allowed value of a user defined priority is {HIGHEST_OF_USERS}"
        found.append(causes.forbidden("value", why))
    if policy not in POLICIES:
        place = "preemptionPolicy"
        found.append(causes.not_supported(place, policy, POLICIES) if policy else causes.required(place))
    if old is not None:
        if value != old.get("value", 0):
            found.append(causes.forbidden("value", "may not be changed in an update."))
        if policy != old.get("preemptionPolicy"):
            found.append(causes.immutable("preemptionPolicy", policy))
    return found


def _system_problem(name: str, value: int, is_default: bool) -> str:
    """Why this is not one of the system's own classes; empty when it is."""
    known = SYSTEM_VALUES.get(name)
    if known is None:
        return f"{name} is not a known system priority class"
    if value != known:
        return f"value of {name} PriorityClass must be {known}"
    return f"globalDefault of {name} PriorityClass must be false" if is_default else ""


def _prepare_create(body: Body) -> None:
    """What a class is worth never changes, and so its generation stays the first one."""
    body["metadata"]["generation"] = 1


HOOKS = Hooks(default=_default, prepare_create=_prepare_create, validate=_validate, generation=None)
