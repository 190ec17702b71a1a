"""What the status of a FlowSchema says: whether the priority level it names is there. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DANGLING = "Dangling"


def plan_condition(body: Mapping[str, Any], *, level_exists: bool, time: str) -> dict[str, Any] | None:
    """The condition the schema should have; None when it has it already. `time` is RFC 3339."""
    level = ((body.get("spec") or {}).get("priorityLevelConfiguration") or {}).get("name", "")
    named = f'This FlowSchema references the PriorityLevelConfiguration object named "{level}"'
    wanted = {
        "type": DANGLING,
        "status": "False" if level_exists else "True",
        "reason": "Found" if level_exists else "NotFound",
        "message": f"{named} and it exists" if level_exists else f"{named} but there is no such object",
    }
    for condition in (body.get("status") or {}).get("conditions") or ():
        if condition.get("type") == DANGLING:
            if wanted.items() <= condition.items():
                return None
            if condition.get("status") == wanted["status"]:
                time = condition.get("lastTransitionTime", time)
    return {**wanted, "lastTransitionTime": time}


def with_condition(body: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Any]:
    """The conditions of the schema with this one in its place."""
    others = [each for each in (body.get("status") or {}).get("conditions") or () if each.get("type") != DANGLING]
    return [*others, dict(wanted)]
