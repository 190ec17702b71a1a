"""ControllerRevisions: what a workload was like before, which never changes."""

from __future__ import annotations

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks


def _validate(new: Body, old: Body | None) -> list[Cause]:
    found = [] if new.get("data") is not None else [causes.required("data", "data is mandatory")]
    revision = new.get("revision") or 0
    if revision < 0:
        found.append(causes.invalid("revision", revision, "must be greater than or equal to 0"))
    if old is not None and new.get("data") != old.get("data"):
        found.append(causes.immutable("data", new.get("data")))
    return found


HOOKS = Hooks(validate=_validate, generation=None)
