"""The condition `DisruptionTarget`: the pod is about to end, and it is not its own doing."""

from __future__ import annotations

from typing import Any

from kube_actors.api.conditions import set_pod_condition
from kube_actors.api.times import parse_rfc3339, rfc3339

KIND = "DisruptionTarget"
BY_KUBELET = "TerminationByKubelet"
"""Who ends a pod on its node may take as long as it likes."""
STALE_AFTER = 120.0
"""Seconds in which a pod that was told of its end should be deleted."""
ENDED = frozenset({"Succeeded", "Failed"})


def mark_disruption(pod: dict[str, Any], reason: str, message: str, now: float) -> None:
    """Say so in a pod's body, in place; who said it before gives way, the time it came about stays."""
    set_pod_condition(pod, KIND, "True", rfc3339(now), reason=reason, message=message)


def stale_at(pod: dict[str, Any]) -> float | None:
    """When the condition of a pod that nobody deletes stops to be true (epoch seconds); None when it does not."""
    status = pod.get("status") or {}
    told: dict[str, Any] = next((each for each in status.get("conditions") or () if each.get("type") == KIND), {})
    if told.get("status") != "True" or told.get("reason") == BY_KUBELET:
        return None
    if "deletionTimestamp" in pod["metadata"] or status.get("phase") in ENDED:
        return None
    since = told.get("lastTransitionTime")
    return (parse_rfc3339(since) if since else 0.0) + STALE_AFTER


def take_back_disruption(pod: dict[str, Any], now: float) -> None:
    """Say in a pod's body, in place, that it is not about to end after all."""
    set_pod_condition(pod, KIND, "False", rfc3339(now))
