"""Deployments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.amounts import all_rules, amount_rules, is_zero
from kube_actors.kinds.facts import DeploymentFacts
from kube_actors.kinds.hooks import Body, Hooks, spec_changed
from kube_actors.kinds.rules.statuses import counts, of_all
from kube_actors.kinds.workloads import (
    default_template,
    not_negative,
    selector_rules,
    template_rules,
)


def _default(body: Body) -> None:
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxSurge", "25%")
        rolling.setdefault("maxUnavailable", "25%")
    default_template(spec)


def _generation(new: Body, old: Body) -> bool:
    """Annotations count as well, as in Kubernetes, where a rollback was once asked for by one."""
    before = old["metadata"].get("annotations") or {}
    return spec_changed(new, old) or (new["metadata"].get("annotations") or {}) != before


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec = new.get("spec")
    if not isinstance(spec, dict):
        return []  # the schema asks for it
    found = not_negative(spec, "replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds")
    found += selector_rules(spec) + template_rules(spec) + _strategy(spec.get("strategy") or {})
    deadline, minimum = spec.get("progressDeadlineSeconds"), spec.get("minReadySeconds", 0)
    if isinstance(deadline, int) and deadline <= minimum:
        found.append(causes.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"))
    if old is not None and spec.get("selector") != old["spec"].get("selector"):
        found.append(causes.immutable("spec.selector", spec.get("selector")))
    return found


def _strategy(strategy: Body) -> list[Cause]:
    rolling = strategy.get("rollingUpdate")
    if strategy.get("type") == "Recreate":
        why = "may not be specified when strategy `type` is 'Recreate'"
        return [] if rolling is None else [causes.forbidden("spec.strategy.rollingUpdate", why)]
    if rolling is None:
        return []
    place = "spec.strategy.rollingUpdate"
    unavailable, surge = rolling.get("maxUnavailable", 0), rolling.get("maxSurge", 0)
    found = amount_rules(f"{place}.maxUnavailable", unavailable, at_most_all=False)
    found += amount_rules(f"{place}.maxSurge", surge, at_most_all=False)
    if not found and is_zero(unavailable) and is_zero(surge):
        why = "may not be 0 when `maxSurge` is 0"
        found.append(causes.invalid(f"{place}.maxUnavailable", unavailable, why))
    return found + all_rules(f"{place}.maxUnavailable", unavailable)


def _facts(body: Mapping[str, Any]) -> DeploymentFacts:
    spec, status = body.get("spec") or {}, body.get("status") or {}
    return DeploymentFacts(
        replicas=spec.get("replicas", 1),
        current=status.get("replicas", 0),
        updated=status.get("updatedReplicas", 0),
        ready=status.get("readyReplicas", 0),
        available=status.get("availableReplicas", 0),
        observed_generation=status.get("observedGeneration", 0),
        paused=bool(spec.get("paused", False)),
    )


_validate_status = counts(
    *("observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas"),
    *("unavailableReplicas", "terminatingReplicas", "collisionCount"),
    order=(
        *of_all("updatedReplicas", "readyReplicas", "availableReplicas"),
        ("availableReplicas", "readyReplicas", "readyReplicas"),
    ),
    growing=("collisionCount",),
)

HOOKS = Hooks(
    default=_default,
    validate=_validate,
    validate_subresource={"status": _validate_status},
    project=_facts,
    generation=_generation,
    status_metadata=("annotations", "finalizers", "ownerReferences"),
)
