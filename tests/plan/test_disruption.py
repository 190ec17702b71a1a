"""What a PodDisruptionBudget allows, and what it answers to evictions."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.plan.disruption import Controller, GuardedPod, plan_budget
from kube_actors.plan.disruption_target import stale_at, take_back_disruption
from kube_actors.plan.eviction import Forbidden, Granted, Refused, needs_no_budget, plan_eviction

NOW = 1_735_689_600.0
STAMP = "2025-01-01T00:00:00Z"
WEB = Controller("web", 5)


def pods(ready: int, total: int = 5, controller: Controller | None = WEB) -> list[GuardedPod]:
    """So many pods, the first of them ready."""
    return [GuardedPod(f"web-{index}", index < ready, False, controller) for index in range(total)]


def budget(spec: dict[str, Any], **status: Any) -> dict[str, Any]:
    """A budget in its second generation."""
    return {"metadata": {"name": "web", "generation": 2}, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("spec", "told"),
    [({"maxUnavailable": 1}, True), ({"minAvailable": "50%"}, True), ({"minAvailable": 1}, False), ({}, False)],
)
def test_pods_that_nobody_keeps_up(spec: dict[str, Any], told: bool) -> None:
    """They are told of where the number that is wanted matters."""
    assert plan_budget(budget(spec), pods(5, controller=None), NOW).unmanaged is told
    assert not plan_budget(budget(spec), pods(5), NOW).unmanaged


@pytest.mark.parametrize(
    ("spec", "found", "expected", "desired", "healthy", "allowed"),
    [
        pytest.param({"maxUnavailable": 1}, pods(5), 5, 4, 5, 1, id="one may go"),
        pytest.param({"maxUnavailable": 1}, pods(4), 5, 4, 4, 0, id="one is missing already"),
        pytest.param({"maxUnavailable": "30%"}, pods(5), 5, 3, 5, 2, id="30 % of 5 is 1.5, so 2"),
        pytest.param({"maxUnavailable": 9}, pods(5), 5, 0, 5, 5, id="more than there are"),
        pytest.param({"minAvailable": 3}, pods(5), 5, 3, 5, 2, id="three must stay"),
        pytest.param({"minAvailable": 3}, pods(5, controller=None), 5, 3, 5, 2, id="nobody's pods are counted"),
        pytest.param({"minAvailable": "50%"}, pods(5), 5, 3, 5, 2, id="50 % of 5 is 2.5, so 3"),
        pytest.param(
            {"minAvailable": "50%"}, pods(5, controller=None), 0, 0, 5, 0, id="nobody's pods are not expected"
        ),
        pytest.param({"minAvailable": 1}, [], 0, 1, 0, 0, id="no pods"),
        pytest.param({}, pods(5), 0, 0, 5, 0, id="nothing is said"),
    ],
)
def test_counting(
    spec: dict[str, Any], found: list[GuardedPod], expected: int, desired: int, healthy: int, allowed: int
) -> None:
    """The four numbers and the condition."""
    plan = plan_budget(budget(spec), found, NOW)
    assert plan.status == {
        "expectedPods": expected,
        "desiredHealthy": desired,
        "currentHealthy": healthy,
        "disruptionsAllowed": allowed,
        "observedGeneration": 2,
        "conditions": [
            {
                "type": "DisruptionAllowed",
                "status": "True" if allowed else "False",
                "reason": "SufficientPods" if allowed else "InsufficientPods",
                "message": "",
                "observedGeneration": 2,
                "lastTransitionTime": STAMP,
            }
        ],
    }


def test_two_controllers_are_added() -> None:
    """Each counts once, however many of its pods there are."""
    both = [*pods(5), GuardedPod("api-0", True, False, Controller("api", 3))]
    assert plan_budget(budget({"maxUnavailable": 0}), both, NOW).status["expectedPods"] == 8


def test_evicted_and_deleted_pods_do_not_count() -> None:
    """One that was evicted is not healthy before it is deleted; if it is not within two minutes, it counts again."""
    evicted = {"web-0": "2024-12-31T23:59:00Z", "web-1": "2024-12-31T23:57:00Z", "gone": STAMP}
    plan = plan_budget(budget({"maxUnavailable": 2}, disruptedPods=evicted), pods(5), NOW)
    assert plan.status["disruptedPods"] == {"web-0": "2024-12-31T23:59:00Z"}
    assert (plan.status["currentHealthy"], plan.status["disruptionsAllowed"]) == (4, 1)
    assert (plan.look_again_at, plan.stayed) == (NOW + 60, ("web-1",))
    ending = [GuardedPod("web-0", True, True, WEB), *pods(5)[1:]]
    plan = plan_budget(budget({"maxUnavailable": 2}, disruptedPods={"web-0": STAMP}), ending, NOW)
    assert (plan.status["currentHealthy"], "disruptedPods" in plan.status) == (4, False)


def test_a_controller_without_a_scale() -> None:
    """Nothing may go, and the condition says why."""
    job = Controller("job", error="jobs.batch does not implement the scale subresource")
    plan = plan_budget(budget({"maxUnavailable": 1}, currentHealthy=3), pods(5, controller=job), NOW)
    (condition,) = plan.status["conditions"]
    assert (plan.status["disruptionsAllowed"], plan.status["currentHealthy"]) == (0, 3)
    assert (condition["reason"], condition["message"], plan.error) == ("SyncFailed", job.error, job.error)


def test_the_transition_time_stays() -> None:
    """While the status of the condition does."""
    before = [{"type": "DisruptionAllowed", "status": "True", "lastTransitionTime": "2024-01-01T00:00:00Z"}]
    plan = plan_budget(budget({"maxUnavailable": 1}, conditions=before), pods(5), NOW)
    assert plan.status["conditions"][0]["lastTransitionTime"] == "2024-01-01T00:00:00Z"


STATUS = {"observedGeneration": 2, "disruptionsAllowed": 1, "desiredHealthy": 4, "currentHealthy": 5}
NEEDS = "The disruption budget web needs 4 healthy pods and has 5 currently"


@pytest.mark.parametrize(
    ("spec", "status", "ready", "answer"),
    [
        pytest.param({}, {"disruptionsAllowed": 0}, True, Refused(NEEDS, 0), id="nothing left"),
        pytest.param(
            {},
            {"observedGeneration": 1},
            True,
            Refused("The disruption budget web is still being processed by the server.", 10),
            id="not counted yet",
        ),
        pytest.param(
            {},
            {
                "disruptionsAllowed": 0,
                "conditions": [{"type": "DisruptionAllowed", "reason": "SyncFailed", "message": "no scale"}],
            },
            True,
            Refused(
                "The disruption budget web does not allow evicting pods currently because it failed sync: no scale", 0
            ),
            id="cannot be counted",
        ),
        pytest.param(
            {}, {"disruptionsAllowed": -1}, True, Forbidden("pdb disruptions allowed is negative"), id="negative"
        ),
        pytest.param({}, {"disruptionsAllowed": 0}, False, Granted(), id="not ready, and the others are enough"),
        pytest.param(
            {},
            {"disruptionsAllowed": 0, "currentHealthy": 3},
            False,
            Refused("The disruption budget web needs 4 healthy pods and has 3 currently", 0),
            id="not ready, but the others are too few",
        ),
        pytest.param(
            {"unhealthyPodEvictionPolicy": "AlwaysAllow"},
            {"disruptionsAllowed": 0, "currentHealthy": 3},
            False,
            Granted(),
            id="not ready, and that is always allowed",
        ),
    ],
)
def test_evictions(spec: dict[str, Any], status: dict[str, Any], ready: bool, answer: object) -> None:
    """Kubernetes' answers."""
    assert plan_eviction(budget(spec, **{**STATUS, **status}), "web-0", ready, NOW) == answer


def test_a_granted_eviction_is_charged() -> None:
    """One less, the pod remembered, and the condition turned when it was the last."""
    answer = plan_eviction(budget({}, **STATUS, disruptedPods={"other": STAMP}), "web-0", True, NOW)
    assert isinstance(answer, Granted)
    assert answer.status is not None
    assert answer.status["disruptionsAllowed"] == 0
    assert answer.status["disruptedPods"] == {"other": STAMP, "web-0": STAMP}
    assert answer.status["conditions"][0]["reason"] == "InsufficientPods"


@pytest.mark.parametrize(
    ("phase", "deleting", "free"),
    [("Running", False, False), ("Running", True, True), ("Pending", False, True), ("Succeeded", False, True)],
)
def test_pods_that_serve_nobody(phase: str, deleting: bool, free: bool) -> None:
    """Need no budget's leave."""
    metadata = {"deletionTimestamp": STAMP} if deleting else {}
    assert needs_no_budget({"metadata": metadata, "status": {"phase": phase}}) is free


MARK = {"type": "DisruptionTarget", "status": "True", "reason": "Any", "lastTransitionTime": STAMP}


@pytest.mark.parametrize(
    ("condition", "phase", "deleted", "stale"),
    [
        ({}, "Running", False, NOW + 120),
        ({"lastTransitionTime": None}, "Running", False, 120.0),
        ({"status": "False"}, "Running", False, None),
        ({"type": "Ready"}, "Running", False, None),
        ({"reason": "TerminationByKubelet"}, "Running", False, None),
        ({}, "Failed", False, None),
        ({}, "Running", True, None),
    ],
)
def test_when_a_mark_is_stale(condition: dict[str, Any], phase: str, deleted: bool, stale: float | None) -> None:
    """Two minutes after it was set, unless the pod ends."""
    metadata = {"deletionTimestamp": STAMP} if deleted else {}
    pod = {"metadata": metadata, "status": {"phase": phase, "conditions": [{**MARK, **condition}]}}
    assert stale_at(pod) == stale


def test_a_mark_is_taken_back() -> None:
    """What was said with it goes, too."""
    pod = {"metadata": {}, "status": {"conditions": [dict(MARK)]}}
    take_back_disruption(pod, NOW + 60)
    expected = {"type": "DisruptionTarget", "status": "False", "lastTransitionTime": "2025-01-01T00:01:00Z"}
    assert pod["status"]["conditions"] == [expected]
