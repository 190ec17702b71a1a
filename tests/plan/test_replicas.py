"""ReplicaSets: how many to create, which to delete first, and what is reported."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.api.views import body_of, structure
from kube_actors.api.views.workloads import ReplicaSetStatus, ReplicaSetView
from kube_actors.plan.pod_ranking import ReplicaPod, deletion_order
from kube_actors.plan.replicas import (
    AdoptPod,
    CreatePods,
    DeletePod,
    ReleasePod,
    ReplicaFailure,
    ReplicasPlan,
    plan_replicas,
    pod_body,
    slow_start,
)

NOW = 10_000.0


def a_set(replicas: int, min_ready: int = 0, status: ReplicaSetStatus | None = None, **metadata: Any) -> ReplicaSetView:
    """The ReplicaSet web with the selector app=web."""
    body = {
        "metadata": {"name": "web", "namespace": "shop", "uid": "rs", "generation": 4, **metadata},
        "spec": {
            "replicas": replicas,
            "minReadySeconds": min_ready,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web", "tier": "front"}, "annotations": {"a": "b"}, "name": "ignored"},
                "spec": {"containers": [{"name": "c"}]},
            },
        },
    }
    return attrs.evolve(structure(ReplicaSetView, body), status=status or ReplicaSetStatus())


def a_pod(name: str, **facts: Any) -> ReplicaPod:
    """A running, ready pod of the set."""
    usual: dict[str, Any] = {
        "labels": {"app": "web", "tier": "front"},
        "controller_uid": "rs",
        "phase": "Running",
        "node": "n1",
        "ready": True,
        "ready_since": 100.0,
        "created": 50.0,
    }
    return ReplicaPod(name=name, uid=f"uid-{name}", **{**usual, **facts})


def a_status(replicas: int, ready: int, available: int, terminating: int = 0, labelled: int = -1) -> ReplicaSetStatus:
    """A status without conditions."""
    return ReplicaSetStatus(
        replicas, replicas if labelled < 0 else labelled, ready, available, terminating, observed_generation=4
    )


@pytest.mark.parametrize(
    ("case", "replicas", "pods", "expected"),
    [
        ("enough", 1, (a_pod("a"),), ReplicasPlan((), a_status(1, 1, 1))),
        ("too few", 3, (a_pod("a"),), ReplicasPlan((CreatePods(2),), a_status(1, 1, 1))),
        ("never more than 500 at once", 900, (), ReplicasPlan((CreatePods(500),), a_status(0, 0, 0))),
        (
            "ended and terminating ones do not count",
            2,
            (a_pod("a"), a_pod("b", phase="Failed"), a_pod("c", phase="Succeeded"), a_pod("d", deleting=True)),
            ReplicasPlan((CreatePods(1),), a_status(1, 1, 1, terminating=1)),
        ),
        (
            "too many",
            1,
            (a_pod("a"), a_pod("b", ready=False), a_pod("c", node="", phase="Pending", ready=False)),
            ReplicasPlan((DeletePod("c", "uid-c"), DeletePod("b", "uid-b")), a_status(3, 1, 1)),
        ),
        (
            "orphans are adopted, strangers released, others' ignored",
            2,
            (
                a_pod("orphan", controller_uid=""),
                a_pod("stranger", labels={"app": "x"}),
                a_pod("other", controller_uid="someone"),
                a_pod("going", controller_uid="", deleting=True),
            ),
            ReplicasPlan(
                (ReleasePod("stranger", "uid-stranger"), AdoptPod("orphan", "uid-orphan"), CreatePods(1)),
                a_status(1, 1, 1),
            ),
        ),
        (
            "labels of an older template",
            1,
            (a_pod("a", labels={"app": "web"}),),
            ReplicasPlan((), a_status(1, 1, 1, labelled=0)),
        ),
    ],
)
def test_plans(case: str, replicas: int, pods: tuple[ReplicaPod, ...], expected: ReplicasPlan) -> None:
    """Whole plans for small sets."""
    assert plan_replicas(a_set(replicas), pods, NOW) == expected


def test_minimum_ready_seconds() -> None:
    """A pod is available after being ready long enough; the plan asks to be woken for the next one."""
    pods = (a_pod("a", ready_since=NOW - 30), a_pod("b", ready_since=NOW - 5), a_pod("c", ready_since=NOW - 9))
    plan = plan_replicas(a_set(3, min_ready=10), pods, NOW)
    assert plan == ReplicasPlan((), a_status(3, 3, 1), wake_at=NOW + 1)
    later = plan_replicas(a_set(3, min_ready=10), pods, NOW + 1)
    assert (later.status.available_replicas, later.wake_at) == (2, NOW + 5)


def test_a_set_being_deleted_changes_nothing() -> None:
    """It neither creates, deletes, adopts nor releases, but still reports."""
    pods = (a_pod("a"), a_pod("b", controller_uid=""), a_pod("c", labels={}))
    plan = plan_replicas(a_set(5, deletionTimestamp="2026-01-01T00:00:00Z"), pods, NOW)
    assert plan == ReplicasPlan((), a_status(1, 1, 1))


def test_a_failure_is_reported_until_it_is_over() -> None:
    """The condition keeps its first message and time, and disappears after a good attempt."""
    failure = ReplicaFailure("FailedCreate", "quota")
    first = plan_replicas(a_set(1), (), 60.0, failure=failure).status
    assert body_of(first)["conditions"] == [
        {
            "type": "ReplicaFailure",
            "status": "True",
            "lastTransitionTime": "1970-01-01T00:01:00Z",
            "reason": "FailedCreate",
            "message": "quota",
        }
    ]
    again = ReplicaFailure("FailedCreate", "another quota")
    assert plan_replicas(a_set(1, status=first), (), 90.0, failure=again).status.conditions == first.conditions
    assert plan_replicas(a_set(1, status=first), (), 90.0).status.conditions == ()


def test_a_failure_is_over_when_nothing_is_missing_any_more() -> None:
    """A quota leaves room for two of three: with two wanted there is nothing left to fail, also without an attempt."""
    failure, pods = ReplicaFailure("FailedCreate", "quota"), (a_pod("a"), a_pod("b"))
    short = plan_replicas(a_set(3), pods, NOW, failure=failure).status
    assert short.condition("ReplicaFailure") is not None
    assert plan_replicas(a_set(2, status=short), pods, NOW, failure=failure).status.conditions == ()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"node": "", "phase": "Running"}, {"node": "n1", "phase": "Pending"}),
        ({"phase": "Pending", "ready": True}, {"phase": "Unknown", "ready": False}),
        ({"phase": "Unknown", "ready": True}, {"ready": False}),
        ({"ready": False, "deletion_cost": 5}, {"deletion_cost": -5}),
        ({"deletion_cost": -5}, {"deletion_cost": 0, "node": "crowded"}),
        ({"node": "crowded", "ready_since": 1.0}, {"node": "n1", "ready_since": NOW - 1}),
        ({"ready_since": NOW - 10, "restarts": (0, 0)}, {"ready_since": NOW - 1000, "restarts": (9, 9)}),
        ({"restarts": (2, 0)}, {"restarts": (1, 5)}),
        ({"restarts": (1, 2), "created": 1.0}, {"restarts": (1, 1), "created": NOW - 1}),
        ({"created": NOW - 10}, {"created": NOW - 1000}),
        ({"ready_since": None}, {"ready_since": NOW - 1}),
    ],
)
def test_who_goes_first(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Each rule of the order decides before the ones after it, whatever the names say."""
    for one, two in (("a", "z"), ("z", "a")):
        pods = [a_pod(one, **first), a_pod(two, **second)]
        ranked = deletion_order(pods, NOW, {"n1": 1, "crowded": 4})
        assert [pod.name for pod in ranked] == [one, two]


def test_about_equal_ages_are_not_compared() -> None:
    """70 and 100 seconds are the same magnitude: the uid decides, so that not always the newest goes."""
    older, newer = a_pod("a", ready_since=NOW - 100), a_pod("b", ready_since=NOW - 70)
    assert [pod.name for pod in deletion_order([newer, older], NOW, {})] == ["a", "b"]


def test_scaling_down_takes_from_the_fullest_node() -> None:
    """Pods of sibling sets count too when the caller knows them."""
    pods = (a_pod("a", node="n1"), a_pod("b", node="n1"), a_pod("c", node="n2"))
    assert plan_replicas(a_set(2), pods, NOW).actions == (DeletePod("a", "uid-a"),)
    busy = {"n1": 2, "n2": 7}
    assert plan_replicas(a_set(2), pods, NOW, neighbours=busy).actions == (DeletePod("c", "uid-c"),)


@given(
    st.lists(
        st.builds(
            ReplicaPod,
            name=st.text("abc", min_size=1, max_size=4),
            uid=st.text("abcdef", min_size=6, max_size=6),
            created=st.floats(0, NOW),
            phase=st.sampled_from(["Pending", "Unknown", "Running"]),
            node=st.sampled_from(["", "n1", "n2"]),
            ready=st.booleans(),
            ready_since=st.none() | st.floats(0, NOW),
            restarts=st.tuples(st.integers(0, 5), st.integers(0, 5)),
            deletion_cost=st.integers(-2, 2),
        ),
        max_size=8,
    )
)
def test_the_order_never_prefers_an_unready_pod(pods: list[ReplicaPod]) -> None:
    """Every pod comes out once; among assigned running pods all that are not ready go before any that is."""
    ranked = deletion_order(pods, NOW, {"n1": 2, "n2": 1})
    assert sorted(map(repr, ranked)) == sorted(map(repr, pods))
    running = [pod.ready for pod in ranked if pod.node and pod.phase == "Running"]
    assert running == sorted(running)


@pytest.mark.parametrize(("count", "batches"), [(0, []), (1, [1]), (5, [1, 2, 2]), (7, [1, 2, 4]), (10, [1, 2, 4, 3])])
def test_slow_start(count: int, batches: list[int]) -> None:
    """Batches double and add up to what is wanted."""
    assert list(slow_start(count)) == batches


def test_a_new_pod() -> None:
    """Labels, annotations and spec of the template, a generated name, and the set as its controller."""
    assert pod_body(a_set(1)) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "labels": {"app": "web", "tier": "front"},
            "annotations": {"a": "b"},
            "generateName": "web-",
            "namespace": "shop",
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "ReplicaSet",
                    "name": "web",
                    "uid": "rs",
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": {"containers": [{"name": "c"}]},
    }
