"""DeviceClasses: devices of one sort, by what they are chosen and how they are set up."""

from __future__ import annotations

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.devices import MOST_ITEMS, configuration_rules, selectors_rules
from kube_actors.kinds.rules.lists import items_rules
from kube_actors.kinds.rules.resources import is_extended


def _validate(new: Body, _old: Body | None) -> list[Cause]:
    spec = new.get("spec") or {}
    found = selectors_rules(spec.get("selectors"), "spec.selectors")
    found += items_rules(spec.get("config"), "spec.config", configuration_rules, MOST_ITEMS)
    extended = spec.get("extendedResourceName")
    if extended is not None and not is_extended(extended):
        why = "must be a valid extended resource name"
        found.append(causes.invalid("spec.extendedResourceName", extended, why))
    return found


HOOKS = Hooks(validate=_validate)
