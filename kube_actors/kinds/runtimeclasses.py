"""RuntimeClasses: how pods are run, what that costs, and where it can be had."""

from __future__ import annotations

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.resources import resources_rules
from kube_actors.kinds.rules.scheduling import tolerations_rules
from kube_actors.kinds.rules.selectors import label_map_rules


def _validate(new: Body, old: Body | None) -> list[Cause]:
    handler = new.get("handler") or ""
    found = [causes.invalid("handler", handler, why) for why in names.dns1123_label(handler)]
    found += resources_rules({"limits": (new.get("overhead") or {}).get("podFixed") or {}}, "overhead")
    scheduling = new.get("scheduling") or {}
    found += label_map_rules(scheduling.get("nodeSelector") or {}, "scheduling.nodeSelector")
    tolerations = scheduling.get("tolerations") or []
    found += tolerations_rules(tolerations, "scheduling.tolerations")
    for index, each in enumerate(tolerations):
        if each in tolerations[:index]:
            found.append(causes.duplicate(f"scheduling.tolerations[{index}]", each))
    if old is not None and handler != old.get("handler"):
        found.append(causes.immutable("handler", handler))
    return found


HOOKS = Hooks(validate=_validate, generation=None)
