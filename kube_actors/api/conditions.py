"""Conditions in the status of pods, as everybody writes them who is not the pod's node."""

from __future__ import annotations

from typing import Any


def set_pod_condition(
    pod: dict[str, Any], condition_type: str, status: str, time: str, *, reason: str = "", message: str = ""
) -> None:
    """Write a condition into a pod's body, in the place of the one before or behind the others.

    The time of the last transition stays while the status does; `time` (RFC 3339) is that of a new one. What the
    condition says is said of the pod's generation of now.
    """
    conditions: list[dict[str, Any]] = pod.setdefault("status", {}).get("conditions") or []
    place = next((at for at, each in enumerate(conditions) if each.get("type") == condition_type), len(conditions))
    before = conditions[place] if place < len(conditions) else {}
    since = before.get("lastTransitionTime") if before.get("status") == status else None
    said = {
        "observedGeneration": pod["metadata"].get("generation"),
        "reason": reason,
        "message": message,
        "lastProbeTime": before.get("lastProbeTime"),
    }
    written = {"type": condition_type, "status": status, "lastTransitionTime": since or time}
    written |= {name: value for name, value in said.items() if value}
    pod["status"]["conditions"] = [*conditions[:place], written, *conditions[place + 1 :]]
