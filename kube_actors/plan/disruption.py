"""How many pods of a PodDisruptionBudget may be evicted now. Pure.

expectedPods   whom its controllers want, or (with a number as minAvailable) whom the selector matches
desiredHealthy minAvailable, or expectedPods less maxUnavailable; percentages are of expectedPods, rounded up
allowed        the healthy ones beyond the desired: 4 ready of 5 with maxUnavailable 1 → 4 - 4 = 0
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kube_actors.api.intstr import resolve_int_or_percent
from kube_actors.api.times import parse_rfc3339, rfc3339
from kube_actors.records import frozen

DELETION_TIMEOUT = 120.0
"""Seconds after an eviction in which its pod counts as gone; then it is counted again, for nobody deleted it."""
CONDITION = "DisruptionAllowed"
SUFFICIENT, INSUFFICIENT, SYNC_FAILED = "SufficientPods", "InsufficientPods", "SyncFailed"


@frozen
class Controller:
    """Who keeps up the number of a pod: `error` instead of `replicas` when that cannot be known."""

    uid: str
    replicas: int = 0
    error: str = ""


@frozen
class GuardedPod:
    """A pod the budget's selector matches. Without a controller it is expected by nobody."""

    name: str
    ready: bool
    deleting: bool
    controller: Controller | None = None


@frozen
class BudgetPlan:
    """The status to be written, when to look again (None: when something changes), and what is to be told of: pods that
    did not go in time, why nothing could be counted, and whether there are pods that the count should have and has
    not, for nobody keeps up their number."""

    status: dict[str, Any]
    look_again_at: float | None = None
    stayed: tuple[str, ...] = ()
    error: str = ""
    unmanaged: bool = False


def plan_budget(budget: Mapping[str, Any], pods: Iterable[GuardedPod], now: float) -> BudgetPlan:
    """The status of a budget whose selector matches these pods."""
    guarded = {pod.name: pod for pod in pods}
    before = budget.get("status") or {}
    generation = budget["metadata"].get("generation", 0)
    expected, desired, error = _expectation(budget["spec"], tuple(guarded.values()))
    if error:
        failed = {**before, "disruptionsAllowed": 0, "observedGeneration": generation}
        for name in ("currentHealthy", "desiredHealthy", "expectedPods"):
            failed.setdefault(name, 0)
        failed["conditions"] = _conditions(before, SYNC_FAILED, error, generation, now)
        return BudgetPlan(failed, error=error)
    disrupted, stayed = _disrupted(before.get("disruptedPods") or {}, guarded, now)
    healthy = sum(pod.ready and not pod.deleting and pod.name not in disrupted for pod in guarded.values())
    allowed = max(0, healthy - desired) if expected > 0 else 0
    status: dict[str, Any] = {
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "disruptionsAllowed": allowed,
        "expectedPods": expected,
        "observedGeneration": generation,
        "conditions": _conditions(before, SUFFICIENT if allowed else INSUFFICIENT, "", generation, now),
    }
    if disrupted:
        status["disruptedPods"] = {name: rfc3339(since) for name, since in sorted(disrupted.items())}
    ends = [since + DELETION_TIMEOUT for since in disrupted.values()]
    unmanaged = _asks_controllers(budget["spec"]) and any(pod.controller is None for pod in guarded.values())
    return BudgetPlan(status, min(ends, default=None), stayed, unmanaged=unmanaged)


def _asks_controllers(spec: Mapping[str, Any]) -> bool:
    """Whether it matters how many pods are wanted, not how many there are."""
    return spec.get("maxUnavailable") is not None or isinstance(spec.get("minAvailable"), str)


def _expectation(spec: Mapping[str, Any], pods: tuple[GuardedPod, ...]) -> tuple[int, int, str]:
    """(expected, desired healthy, error)."""
    most, least = spec.get("maxUnavailable"), spec.get("minAvailable")
    if not _asks_controllers(spec):
        return (0, 0, "") if least is None else (len(pods), least, "")
    controllers = {pod.controller.uid: pod.controller for pod in pods if pod.controller is not None}
    errors = [controller.error for controller in controllers.values() if controller.error]
    if errors:
        return 0, 0, errors[0]
    expected = sum(controller.replicas for controller in controllers.values())
    if most is not None:
        return expected, max(0, expected - resolve_int_or_percent(most, expected, round_up=True)), ""
    assert least is not None, "without the most that may be missing there is the least that must be there"
    return expected, resolve_int_or_percent(least, expected, round_up=True), ""


def _disrupted(
    evicted: Mapping[str, str], pods: Mapping[str, GuardedPod], now: float
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Evicted pods that have still to be deleted, since when; and those that were not in time."""
    waiting, stayed = {}, []
    for name, time in evicted.items():
        pod, since = pods.get(name), parse_rfc3339(time)
        if pod is None or pod.deleting:
            continue
        if since + DELETION_TIMEOUT < now:
            stayed.append(name)
        else:
            waiting[name] = since
    return waiting, tuple(stayed)


def _conditions(
    before: Mapping[str, Any], reason: str, message: str, generation: int, now: float
) -> list[dict[str, Any]]:
    found = before.get("conditions") or []
    return [
        *(each for each in found if each.get("type") != CONDITION),
        condition(found, reason, message, generation, now),
    ]


def condition(
    found: Iterable[Mapping[str, Any]], reason: str, message: str, generation: int, now: float
) -> dict[str, Any]:
    """`DisruptionAllowed`; the time of its last transition stays while its status does."""
    known = next((each for each in found if each.get("type") == CONDITION), {})
    status = "True" if reason == SUFFICIENT else "False"
    since = known.get("lastTransitionTime") if known.get("status") == status else None
    return {
        "type": CONDITION,
        "status": status,
        "observedGeneration": generation,
        "lastTransitionTime": since or rfc3339(now),
        "reason": reason,
        "message": message,
    }
