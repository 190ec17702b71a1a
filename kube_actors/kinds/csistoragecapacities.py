"""CSIStorageCapacities: how much room a driver has, of a class, for some nodes."""

from __future__ import annotations

from kube_actors.api import names
from kube_actors.api.quantity import Quantity
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.selectors import label_selector_rules


def _validate(new: Body, old: Body | None) -> list[Cause]:
    chosen = new.get("storageClassName") or ""
    found = [causes.invalid("storageClassName", chosen, why) for why in names.dns1123_subdomain(chosen)]
    found += label_selector_rules(new.get("nodeTopology") or {}, "nodeTopology")
    for name in ("capacity", "maximumVolumeSize"):
        amount = new.get(name)
        if amount is not None and Quantity.parse(str(amount)).nano < 0:
            found.append(causes.invalid(name, amount, "must be greater than or equal to 0"))
    if old is not None:
        for name in ("nodeTopology", "storageClassName"):
            if new.get(name) != old.get(name):
                found.append(causes.immutable(name, new.get(name)))
    return found


HOOKS = Hooks(validate=_validate, generation=None)
