"""DeviceClasses: devices of one sort, by what they are chosen and how they are set up."""

from __future__ import annotations

from kube_actors.errors import Cause
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.devices import configuration_rules, selectors_rules


def _validate(new: Body, _old: Body | None) -> list[Cause]:
    spec = new.get("spec") or {}
    found = selectors_rules(spec.get("selectors"), "spec.selectors")
    for index, config in enumerate(spec.get("config") or ()):
        found += configuration_rules(config, f"spec.config[{index}]")
    return found


HOOKS = Hooks(validate=_validate)
