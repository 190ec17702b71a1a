"""StorageClasses."""

from __future__ import annotations

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.volume_sources import provisioner_rules

BINDING_MODES = ("Immediate", "WaitForFirstConsumer")
POLICIES = ("Delete", "Retain")
FROZEN = ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode")


def _default(body: Body) -> None:
    body.setdefault("reclaimPolicy", "Delete")
    body.setdefault("volumeBindingMode", "Immediate")


def _validate(new: Body, old: Body | None) -> list[Cause]:
    found = provisioner_rules(new.get("provisioner") or "", "provisioner")
    if new.get("reclaimPolicy") not in POLICIES:
        found.append(causes.not_supported("reclaimPolicy", new.get("reclaimPolicy"), POLICIES))
    if new.get("volumeBindingMode") not in BINDING_MODES:
        found.append(causes.not_supported("volumeBindingMode", new.get("volumeBindingMode"), BINDING_MODES))
    if any(not name for name in new.get("parameters") or {}):
        found.append(causes.invalid("parameters", "", "field can not be empty."))
    for index, topology in enumerate(new.get("allowedTopologies") or ()):
        for at, each in enumerate(topology.get("matchLabelExpressions") or ()):
            field, key = f"allowedTopologies[{index}].matchLabelExpressions[{at}]", each.get("key", "")
            found += [causes.invalid(f"{field}.key", key, why) for why in names.qualified_name(key)]
            if not each.get("values"):
                found.append(causes.required(f"{field}.values"))
    for name in FROZEN if old is not None else ():
        if old is not None and new.get(name) != old.get(name):
            why = (
                "updates to parameters are forbidden." if name == "parameters" else f"updates to {name} are forbidden."
            )
            found.append(causes.forbidden(name, why))
    return found


HOOKS = Hooks(default=_default, validate=_validate, generation=None)
