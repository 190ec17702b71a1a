"""The condition `DisruptionTarget`: the pod is about to end, and it is not its own doing."""

from __future__ import annotations

from typing import Any

from kube_actors.api.conditions import set_pod_condition
from kube_actors.api.times import rfc3339

KIND = "DisruptionTarget"


def mark_disruption(pod: dict[str, Any], reason: str, message: str, now: float) -> None:
    """Say so in a pod's body, in place; who said it before gives way, the time it came about stays."""
    set_pod_condition(pod, KIND, "True", rfc3339(now), reason=reason, message=message)
