"""May this pod be evicted under its PodDisruptionBudget? Pure, in the words of Kubernetes' eviction subresource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.api.times import rfc3339
from kube_actors.plan.disruption import CONDITION, INSUFFICIENT, SYNC_FAILED, condition
from kube_actors.records import frozen

UNGUARDED_PHASES = frozenset({"Succeeded", "Failed", "Pending"})
MOST_DISRUPTED = 2000
"""Evictions that the budget's controller has not confirmed yet."""


@frozen
class Refused:
    """Not now: try again, after some seconds if that is known."""

    cause: str
    retry_after: int


@frozen
class Forbidden:
    """Not at all, for the budget is not in order."""

    why: str


@frozen
class Granted:
    """Yes. With `status` the budget is charged for it first."""

    status: dict[str, Any] | None = None


def needs_no_budget(pod: Mapping[str, Any]) -> bool:
    """Whether the pod serves nobody: it is over, has not begun, or is being deleted already."""
    phase = (pod.get("status") or {}).get("phase")
    return phase in UNGUARDED_PHASES or "deletionTimestamp" in pod["metadata"]


def plan_eviction(budget: Mapping[str, Any], pod: str, ready: bool, now: float) -> Granted | Refused | Forbidden:
    """The answer of this budget for a pod that runs."""
    status, name = dict(budget.get("status") or {}), budget["metadata"]["name"]
    if not ready and _unhealthy_may_go(budget["spec"], status):
        return Granted()
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        return Refused(f"The disruption budget {name} is still being processed by the server.", 10)
    allowed, disrupted = status.get("disruptionsAllowed", 0), dict(status.get("disruptedPods") or {})
    if allowed < 0:
        return Forbidden("pdb disruptions allowed is negative")
    if len(disrupted) > MOST_DISRUPTED:
        return Forbidden("DisruptedPods map too big - too many evictions not confirmed by PDB controller")
    if allowed == 0:
        return Refused(_why_none(name, status), 0)
    status["disruptionsAllowed"] = allowed - 1
    if allowed == 1:
        found = status.get("conditions") or []
        last = condition(found, INSUFFICIENT, "", status.get("observedGeneration", 0), now)
        status["conditions"] = [*(each for each in found if each.get("type") != CONDITION), last]
    status["disruptedPods"] = {**disrupted, pod: rfc3339(now)}
    return Granted(status)


def _unhealthy_may_go(spec: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
    """A pod that is not ready: always with `AlwaysAllow`, else while the others are enough without it."""
    if spec.get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    desired = status.get("desiredHealthy", 0)
    return bool(desired > 0 and status.get("currentHealthy", 0) >= desired)


def _why_none(name: str, status: Mapping[str, Any]) -> str:
    known: Mapping[str, Any] = next(
        (each for each in status.get("conditions") or () if each.get("type") == CONDITION), {}
    )
    if known.get("reason") == SYNC_FAILED:
        why = f"it failed sync: {known.get('message', '')}"
        return f"The disruption budget {name} does not allow evicting pods currently because {why}"
    desired, healthy = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
    return f"The disruption budget {name} needs {desired} healthy pods and has {healthy} currently"
