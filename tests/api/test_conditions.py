"""Conditions of pods, written from outside."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.api.conditions import set_pod_condition

THEN, NOW = "2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z"
OTHER = {"type": "Ready", "status": "False"}


def held(status: str, **more: Any) -> dict[str, Any]:
    """What a pod says of its scheduling."""
    return {"type": "PodScheduled", "status": status, "lastTransitionTime": THEN, **more}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(None, [held("False", lastTransitionTime=NOW, reason="R", message="M")], id="the first"),
        pytest.param(
            [OTHER], [OTHER, held("False", lastTransitionTime=NOW, reason="R", message="M")], id="behind others"
        ),
        pytest.param(
            [held("False", reason="Old", message="old", lastProbeTime=THEN), OTHER],
            [held("False", reason="R", message="M", lastProbeTime=THEN), OTHER],
            id="other words: the time and the place stay",
        ),
        pytest.param(
            [held("True"), OTHER],
            [held("False", lastTransitionTime=NOW, reason="R", message="M"), OTHER],
            id="a transition",
        ),
    ],
)
def test_a_condition_is_written(before: list[dict[str, Any]] | None, after: list[dict[str, Any]]) -> None:
    """In its place, with the time of its last transition."""
    pod: dict[str, Any] = {"metadata": {}, "status": {"phase": "Pending"}}
    if before is not None:
        pod["status"]["conditions"] = before
    set_pod_condition(pod, "PodScheduled", "False", NOW, reason="R", message="M")
    assert pod["status"] == {"phase": "Pending", "conditions": after}


def test_of_which_generation() -> None:
    """The pod's own; words that nobody says are not written."""
    pod: dict[str, Any] = {"metadata": {"generation": 3}}
    set_pod_condition(pod, "PodScheduled", "True", NOW)
    (written,) = pod["status"]["conditions"]
    assert written == held("True", lastTransitionTime=NOW, observedGeneration=3)
