"""VolumeAttributesClasses: what a driver is to change about volumes, fixed once it is said."""

from __future__ import annotations

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.volume_sources import provisioner_rules


def _validate(new: Body, old: Body | None) -> list[Cause]:
    found = provisioner_rules(new.get("driverName") or "", "driverName")
    parameters = new.get("parameters") or {}
    if not parameters:
        found.append(causes.required("parameters", "must contain at least one key/value pair"))
    elif "" in parameters:
        found.append(causes.invalid("parameters", "", "field can not be empty."))
    if old is not None:
        for name in ("driverName", "parameters"):
            if new.get(name) != old.get(name):
                found.append(causes.forbidden(name, f"updates to {name} are forbidden."))
    return found


HOOKS = Hooks(validate=_validate, generation=None)
