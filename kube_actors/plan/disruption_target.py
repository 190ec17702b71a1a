"""The condition `DisruptionTarget`: the pod is about to end, and it is not its own doing."""

from __future__ import annotations

from typing import Any

from kube_actors.api.times import rfc3339

KIND = "DisruptionTarget"


def mark_disruption(pod: dict[str, Any], reason: str, message: str, now: float) -> None:
    """Say so in a pod's body, in place; who said it before gives way, the time it came about stays."""
    status = pod.setdefault("status", {})
    conditions = status.get("conditions") or []
    before: dict[str, Any] = next((each for each in conditions if each.get("type") == KIND), {})
    since = before.get("lastTransitionTime") if before.get("status") == "True" else None
    target: dict[str, Any] = {
        "type": KIND,
        "status": "True",
        "reason": reason,
        "message": message,
        "lastTransitionTime": since or rfc3339(now),
    }
    if generation := pod["metadata"].get("generation"):
        target["observedGeneration"] = generation
    status["conditions"] = [*(each for each in conditions if each.get("type") != KIND), target]
