"""PodDisruptionBudgets: how many pods may be taken away on purpose at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.amounts import amount_rules
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.conditions import conditions_rules
from kube_actors.kinds.rules.selectors import label_selector_rules
from kube_actors.kinds.rules.statuses import counts
from kube_actors.records import frozen

POLICIES = ("AlwaysAllow", "IfHealthyBudget")


@frozen(weakref_slot=False)
class BudgetFacts:
    """What eviction asks of every budget of a namespace: whom it guards. None guards nobody, an empty one everybody."""

    selector: Mapping[str, Any] | None


def _facts(body: Mapping[str, Any]) -> BudgetFacts:
    return BudgetFacts((body.get("spec") or {}).get("selector"))


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec = new.get("spec") or {}
    found = []
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    if least is not None and most is not None:
        found.append(causes.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set"))
    for name in ("minAvailable", "maxUnavailable"):
        if spec.get(name) is not None:
            found += amount_rules(f"spec.{name}", spec[name])
    found += label_selector_rules(spec.get("selector") or {}, "spec.selector")
    policy = spec.get("unhealthyPodEvictionPolicy")
    if policy is not None and policy not in POLICIES:
        found.append(causes.not_supported("spec.unhealthyPodEvictionPolicy", policy, POLICIES))
    return found


_validate_counts = counts("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")


def _validate_status(new: Body, old: Body) -> list[Cause]:
    conditions = (new.get("status") or {}).get("conditions")
    return conditions_rules(conditions, "status.conditions") + _validate_counts(new, old)


HOOKS = Hooks(validate=_validate, validate_subresource={"status": _validate_status}, project=_facts)
