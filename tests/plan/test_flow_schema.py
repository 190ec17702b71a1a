"""The status of a FlowSchema."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.plan.flow_schema import plan_condition, with_condition

NOW = "2025-01-01T00:00:00Z"
BEFORE = "2024-01-01T00:00:00Z"
NAMED = 'This FlowSchema references the PriorityLevelConfiguration object named "low"'
FOUND = {"type": "Dangling", "status": "False", "reason": "Found", "message": f"{NAMED} and it exists"}
MISSING = {
    "type": "Dangling",
    "status": "True",
    "reason": "NotFound",
    "message": f"{NAMED} but there is no such object",
}


def schema(*conditions: dict[str, Any]) -> dict[str, Any]:
    """A FlowSchema of the level `low`."""
    return {"spec": {"priorityLevelConfiguration": {"name": "low"}}, "status": {"conditions": [*conditions]}}


def at(condition: dict[str, Any], time: str) -> dict[str, Any]:
    """The condition since then."""
    return {**condition, "lastTransitionTime": time}


@pytest.mark.parametrize(
    ("body", "exists", "wanted"),
    [
        (schema(), True, at(FOUND, NOW)),
        (schema(), False, at(MISSING, NOW)),
        (schema(at(FOUND, BEFORE)), True, None),
        (schema(at(FOUND, BEFORE)), False, at(MISSING, NOW)),
        (schema(at({**FOUND, "message": "old"}, BEFORE)), True, at(FOUND, BEFORE)),
    ],
)
def test_whether_its_level_is_there(body: dict[str, Any], exists: bool, wanted: dict[str, Any] | None) -> None:
    """Dangling or not, since when; nothing to write when it says so already."""
    assert plan_condition(body, level_exists=exists, time=NOW) == wanted


def test_other_conditions_stay() -> None:
    """Only the one is replaced."""
    other = {"type": "Other", "status": "True"}
    assert with_condition(schema(at(MISSING, BEFORE), other), at(FOUND, NOW)) == [other, at(FOUND, NOW)]
