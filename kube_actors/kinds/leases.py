"""Leases: who holds what, and until when."""

from __future__ import annotations

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec = new.get("spec") or {}
    found = []
    duration, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
    if duration is not None and duration <= 0:
        found.append(causes.invalid("spec.leaseDurationSeconds", duration, "must be greater than 0"))
    if transitions is not None and transitions < 0:
        found.append(causes.invalid("spec.leaseTransitions", transitions, "must be greater than or equal to 0"))
    return found


HOOKS = Hooks(validate=_validate, generation=None)
