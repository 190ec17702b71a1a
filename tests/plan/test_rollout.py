"""Deployments: single passes compared with what Kubernetes' deployment controller does."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from kube_actors.api.views import body_of, structure
from kube_actors.api.views.workloads import DeploymentCondition, DeploymentStatus, DeploymentView, ReplicaSetView
from kube_actors.plan.planned_event import PlannedEvent
from kube_actors.plan.rollout import (
    AdoptReplicaSet,
    CreateReplicaSet,
    DeleteReplicaSet,
    ReleaseReplicaSet,
    RolloutPlan,
    ScaleReplicaSet,
    SetRevision,
    UpdateReplicaSet,
    is_collision,
    plan_rollout,
    rollout_history,
    template_hash,
    template_of_revision,
)

NOW = 1000.0


def a_template(version: str = "1") -> dict[str, Any]:
    """The pod template of a version."""
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": f"web:{version}"}]}}


def a_deployment(
    replicas: int = 10,
    version: str = "1",
    surge: int | str = "25%",
    unavailable: int | str = "25%",
    revision: str = "1",
    status: DeploymentStatus | None = None,
    **spec: Any,
) -> DeploymentView:
    """The Deployment web, with the selector app=web."""
    body = {
        "metadata": {"name": "web", "namespace": "shop", "uid": "d", "generation": 1},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": a_template(version),
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable},
            },
            **spec,
        },
    }
    if revision:
        body["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": revision}
    return attrs.evolve(structure(DeploymentView, body), status=status or DeploymentStatus())


def a_set(
    version: str,
    replicas: int,
    available: int | None = None,
    *,
    pods: int | None = None,
    revision: str | None = None,
    sized_for: tuple[int, int] | None = (10, 13),
    owner: str = "d",
    labels: dict[str, str] | None = None,
    terminating: int = 0,
) -> ReplicaSetView:
    """The ReplicaSet of a version (a number, which is its age and revision too), all its pods available."""
    here = replicas if pods is None else pods
    ready = here if available is None else available
    annotations = {"deployment.kubernetes.io/revision": version if revision is None else revision}
    if sized_for:
        annotations["deployment.kubernetes.io/desired-replicas"] = str(sized_for[0])
        annotations["deployment.kubernetes.io/max-replicas"] = str(sized_for[1])
    template = a_template(version)
    body = {
        "metadata": {
            "name": f"web-{version}",
            "uid": f"rs-{version}",
            "labels": {"app": "web"} if labels is None else labels,
            "creationTimestamp": f"2026-01-01T00:00:{int(version):02d}Z",
            "annotations": annotations,
            "ownerReferences": [{"kind": "Deployment", "uid": owner, "controller": True}] if owner else [],
        },
        "spec": {
            "replicas": replicas,
            "template": {**template, "metadata": {"labels": {"app": "web", "pod-template-hash": "x"}}},
        },
        "status": {
            "replicas": here,
            "readyReplicas": ready,
            "availableReplicas": ready,
            "terminatingReplicas": terminating,
        },
    }
    return structure(ReplicaSetView, body)


def sizes(plan: RolloutPlan) -> dict[str, int]:
    """Which sets the plan sizes, to what."""
    return {action.name: action.replicas for action in plan.actions if isinstance(action, ScaleReplicaSet)}


def of_kind(plan: RolloutPlan, kind: type) -> list[Any]:
    """The plan's actions of one kind."""
    return [action for action in plan.actions if isinstance(action, kind)]


def a_condition(kind: str, status: str, reason: str, since: float, message: str = "") -> DeploymentCondition:
    """A condition last updated and changed at one time."""
    return DeploymentCondition(kind, status, since, since, reason, message)


def progressing(reason: str, status: str = "True", since: float = NOW) -> DeploymentStatus:
    """A status whose only condition is Progressing."""
    return DeploymentStatus(conditions=(a_condition("Progressing", status, reason, since),))


def test_a_new_deployment_creates_its_set_at_full_size() -> None:
    """The first pass makes the ReplicaSet, takes revision 1 and says so."""
    plan = plan_rollout(a_deployment(3, revision="", progressDeadlineSeconds=600), (), NOW)
    create, revision = plan.actions
    assert isinstance(create, CreateReplicaSet)
    hashed = template_hash(a_template(), None)
    assert (create.name, create.replicas, revision) == (f"web-{hashed}", 3, SetRevision("1"))
    assert create.body == {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"web-{hashed}",
            "namespace": "shop",
            "labels": {"app": "web", "pod-template-hash": hashed},
            "annotations": {
                "deployment.kubernetes.io/revision": "1",
                "deployment.kubernetes.io/desired-replicas": "3",
                "deployment.kubernetes.io/max-replicas": "4",
            },
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    "name": "web",
                    "uid": "d",
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web", "pod-template-hash": hashed}},
            "template": {
                "metadata": {"labels": {"app": "web", "pod-template-hash": hashed}},
                "spec": a_template()["spec"],
            },
        },
    }
    text = f"Scaled up replica set web-{hashed} from 0 to 3"
    assert plan.events == (PlannedEvent("Normal", "ScalingReplicaSet", text),)
    condition = plan.status.condition("Progressing")
    created = f'Created new replica set "web-{hashed}"'
    assert condition == a_condition("Progressing", "True", "NewReplicaSetCreated", NOW, created)
    assert plan.wake_at == NOW + 600


@pytest.mark.parametrize(
    ("case", "deployment", "sets", "expected"),
    [
        ("nothing to do", a_deployment(), (a_set("1", 10),), {}),
        ("a new set gets the surge, old ones what may be missing", a_deployment(), (a_set("2", 10),), {"web-2": 8}),
        ("the new set fills the room", a_deployment(version="2"), (a_set("1", 8), a_set("2", 3, 0)), {"web-2": 5}),
        ("no room, none available: wait", a_deployment(version="2"), (a_set("1", 8), a_set("2", 5, 0)), {}),
        ("each available one frees an old", a_deployment(version="2"), (a_set("1", 8), a_set("2", 5, 2)), {"web-1": 6}),
        ("unhealthy old pods go first", a_deployment(version="2"), (a_set("1", 10, 6), a_set("2", 3, 0)), {"web-1": 8}),
        (
            "unhealthy ones of the oldest set first",
            a_deployment(version="3"),
            (a_set("1", 4, 2), a_set("2", 6, 6), a_set("3", 3, 3)),
            {"web-1": 0, "web-2": 5},
        ),
        ("an oversized set shrinks", a_deployment(2, "2", 0, 1), (a_set("2", 3, sized_for=None),), {"web-2": 2}),
        (
            "one at a time without surge: old first",
            a_deployment(3, "2", 0, 1),
            (a_set("1", 3, sized_for=(3, 3)), a_set("2", 0, sized_for=(3, 3))),
            {"web-1": 2},
        ),
        (
            "both zero still moves, one missing",
            a_deployment(3, "2", 0, 0),
            (a_set("1", 3, sized_for=(3, 3)), a_set("2", 0, sized_for=(3, 3))),
            {"web-1": 2},
        ),
        (
            "percentages that round to nothing move too",
            a_deployment(1, "2", "0%", "25%"),
            (a_set("1", 1, sized_for=(1, 1)), a_set("2", 0, sized_for=(1, 1))),
            {"web-1": 0},
        ),
        (
            "maxUnavailable above replicas lets all go",
            a_deployment(2, "2", 0, 5),
            (a_set("1", 2, sized_for=(2, 2)), a_set("2", 0, sized_for=(2, 2))),
            {"web-1": 0},
        ),
        (
            "pods a shrunken set still has take room",
            a_deployment(version="2"),
            (a_set("1", 8, 10, pods=10), a_set("2", 3, 0)),
            {},
        ),
        (
            "pods about to be deleted are not counted on",
            a_deployment(version="2"),
            (a_set("1", 8, 10, pods=10), a_set("2", 3, 3)),
            {"web-1": 5},
        ),
    ],
)
def test_rolling_sizes(
    case: str, deployment: DeploymentView, sets: tuple[ReplicaSetView, ...], expected: dict[str, int]
) -> None:
    """One pass of a rolling update gives these sets these sizes, and leaves the others."""
    assert sizes(plan_rollout(deployment, sets, NOW)) == expected


def test_a_scaled_set_remembers_what_it_was_sized_for() -> None:
    """desired-replicas and max-replicas are written with the size, and the event names old and new size."""
    plan = plan_rollout(a_deployment(version="2", revision="2"), (a_set("1", 8), a_set("2", 3, 0)), NOW)
    remembered = (
        ("deployment.kubernetes.io/desired-replicas", "10"),
        ("deployment.kubernetes.io/max-replicas", "13"),
    )
    assert plan.actions == (ScaleReplicaSet("web-2", "rs-2", 5, remembered),)
    assert plan.events == (PlannedEvent("Normal", "ScalingReplicaSet", "Scaled up replica set web-2 from 3 to 5"),)


@pytest.mark.parametrize(
    ("case", "replicas", "sets", "expected"),
    [
        ("one set takes all", 20, (a_set("1", 10),), {"web-1": 20}),
        ("up in proportion", 20, (a_set("1", 8), a_set("2", 5)), {"web-1": 15, "web-2": 10}),
        ("down in proportion", 5, (a_set("1", 8), a_set("2", 5)), {"web-1": 4, "web-2": 3}),
        ("what rounding leaves goes to the largest", 15, (a_set("1", 5), a_set("2", 5), a_set("3", 3)), None),
        ("to nothing", 0, (a_set("1", 8), a_set("2", 5)), {"web-1": 0, "web-2": 0}),
        ("equal sizes up: the newest first", 11, (a_set("1", 6), a_set("2", 6)), {"web-1": 6, "web-2": 8}),
        ("unavailable ones give first", 5, (a_set("1", 5, 5), a_set("2", 8, 0)), {"web-1": 4, "web-2": 3}),
    ],
)
def test_scaling_in_the_middle_of_an_update(
    case: str, replicas: int, sets: tuple[ReplicaSetView, ...], expected: dict[str, int] | None
) -> None:
    """A change of replicas is shared among the sets; together they fill the new bound."""
    plan = plan_rollout(a_deployment(replicas, version=str(len(sets))), sets, NOW)
    if expected is not None:
        assert sizes(plan) == expected
    else:
        assert sum(sizes(plan).values()) == 19


def test_a_saturated_new_set_empties_adopted_old_ones() -> None:
    """When the current set is all the Deployment wants, an adopted old set with pods is emptied at once."""
    old = a_set("1", 2, sized_for=(2, 2))
    assert sizes(plan_rollout(a_deployment(version="2"), (old, a_set("2", 10)), NOW)) == {"web-1": 0}


@pytest.mark.parametrize("strategy", ["RollingUpdate", "Recreate"])
def test_made_while_paused(strategy: str) -> None:
    """A Deployment that was paused from the beginning has no sets, and says how it is."""
    paused = a_deployment(3, revision="", paused=True, progressDeadlineSeconds=600, strategy={"type": strategy})
    plan = plan_rollout(paused, (), NOW)
    assert (plan.actions, plan.events, plan.wake_at) == ((), (), None)
    assert (plan.status.observed_generation, plan.status.replicas) == (1, 0)
    assert [(one.type, one.status, one.reason) for one in plan.status.conditions] == [
        ("Progressing", "Unknown", "DeploymentPaused"),
        ("Available", "False", "MinimumReplicasUnavailable"),
    ]


def test_paused_rolls_nothing_out_but_scales() -> None:
    """A paused Deployment makes no new set; its replicas still follow."""
    paused = a_deployment(12, version="2", paused=True, progressDeadlineSeconds=600)
    plan = plan_rollout(paused, (a_set("1", 10),), NOW)
    assert sizes(plan) == {"web-1": 12}
    assert not of_kind(plan, CreateReplicaSet)
    assert plan.status.condition("Progressing") == a_condition(
        "Progressing", "Unknown", "DeploymentPaused", NOW, "Deployment is paused"
    )
    assert plan.wake_at is None


def test_resuming_starts_the_deadline_again() -> None:
    """After a pause, the time without progress counts from the resumption."""
    status = progressing("DeploymentPaused", "Unknown", since=5.0)
    deployment = a_deployment(version="2", progressDeadlineSeconds=60, status=status)
    plan = plan_rollout(deployment, (a_set("1", 8), a_set("2", 5, 0)), NOW)
    condition = plan.status.condition("Progressing")
    assert condition is not None
    assert (condition.reason, condition.last_update_time, plan.wake_at) == ("ReplicaSetUpdated", NOW, NOW + 60)


RECREATE: dict[str, Any] = {"strategy": {"type": "Recreate"}}


@pytest.mark.parametrize(
    ("case", "sets", "expected", "creates"),
    [
        ("first empty the old", (a_set("1", 10),), {"web-1": 0}, 0),
        ("wait for reported pods", (a_set("1", 0, pods=3),), {}, 0),
        ("wait for terminating pods", (a_set("1", 0, terminating=1),), {}, 0),
        ("then create", (a_set("1", 0),), {}, 1),
        ("or grow the one there is", (a_set("1", 0), a_set("2", 0)), {"web-2": 10}, 0),
    ],
)
def test_recreate(case: str, sets: tuple[ReplicaSetView, ...], expected: dict[str, int], creates: int) -> None:
    """No new pod before the last old one is gone."""
    plan = plan_rollout(a_deployment(version="2", **RECREATE), sets, NOW)
    assert sizes(plan) == expected
    assert [action.replicas for action in of_kind(plan, CreateReplicaSet)] == [10] * creates


def test_recreate_waits_for_a_set_whose_status_lags() -> None:
    """A set scaled since its status was written may have pods the status does not speak of."""
    old = a_set("1", 0)
    old = attrs.evolve(old, metadata=attrs.evolve(old.metadata, generation=2))
    assert not of_kind(plan_rollout(a_deployment(version="2", **RECREATE), (old,), NOW), CreateReplicaSet)


def test_rolling_back_to_a_set_gives_it_a_new_revision() -> None:
    """The set with the template becomes the newest revision and keeps its earlier number as history."""
    plan = plan_rollout(a_deployment(version="1", revision="2"), (a_set("1", 0), a_set("2", 10)), NOW)
    (update,) = of_kind(plan, UpdateReplicaSet)
    assert update == UpdateReplicaSet(
        "web-1",
        "rs-1",
        (("deployment.kubernetes.io/revision", "3"), ("deployment.kubernetes.io/revision-history", "1")),
        0,
    )
    assert of_kind(plan, SetRevision) == [SetRevision("3")]
    assert sizes(plan) == {"web-1": 3}


def test_the_deployments_annotations_reach_its_set() -> None:
    """A change cause is copied, kubectl's own bookkeeping is not; minReadySeconds follows too."""
    deployment = a_deployment(minReadySeconds=7)
    annotations = {
        **deployment.metadata.annotations,
        "kubernetes.io/change-cause": "why",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
    }
    deployment = attrs.evolve(deployment, metadata=attrs.evolve(deployment.metadata, annotations=annotations))
    plan = plan_rollout(deployment, (a_set("1", 10),), NOW)
    assert plan.actions == (UpdateReplicaSet("web-1", "rs-1", (("kubernetes.io/change-cause", "why"),), 7),)


def test_matching_orphans_are_adopted_and_strangers_released() -> None:
    """An orphan with our labels becomes ours; one of ours without them is let go; others' are left alone."""
    orphan, stranger, other = a_set("1", 10, owner=""), a_set("2", 1, labels={"app": "x"}), a_set("3", 1, owner="e")
    plan = plan_rollout(a_deployment(), (orphan, stranger, other), NOW)
    assert plan.actions == (ReleaseReplicaSet("web-2", "rs-2"), AdoptReplicaSet("web-1", "rs-1"))


def test_old_empty_sets_beyond_the_limit_are_deleted() -> None:
    """Lowest revisions first, only when the update is complete, and never one that still has pods."""
    done = DeploymentStatus(observed_generation=1, replicas=10, updated_replicas=10, available_replicas=10)
    sets = (a_set("1", 0, pods=1), a_set("2", 0), a_set("3", 0), a_set("4", 10))
    plan = plan_rollout(a_deployment(version="4", revision="4", status=done, revisionHistoryLimit=1), sets, NOW)
    assert plan.actions == (DeleteReplicaSet("web-2", "rs-2"),)
    unfinished = plan_rollout(a_deployment(version="4", revision="4", revisionHistoryLimit=1), sets, NOW)
    assert unfinished.actions == ()


def test_status_counts_what_the_sets_report() -> None:
    """Every number of the status, and availability with two allowed to be missing."""
    sets = (a_set("1", 6, 5, terminating=2), a_set("2", 7, 3))
    deployment = a_deployment(version="2", revision="2")
    status = plan_rollout(deployment, sets, NOW).status
    assert body_of(status) == {
        "observedGeneration": 1,
        "replicas": 13,
        "updatedReplicas": 7,
        "readyReplicas": 8,
        "availableReplicas": 8,
        "unavailableReplicas": 4,
        "terminatingReplicas": 2,
        "conditions": [
            {
                "type": "Available",
                "status": "True",
                "lastUpdateTime": "1970-01-01T00:16:40Z",
                "lastTransitionTime": "1970-01-01T00:16:40Z",
                "reason": "MinimumReplicasAvailable",
                "message": "Deployment has minimum availability.",
            }
        ],
    }
    short = plan_rollout(deployment, (a_set("1", 6, 4), a_set("2", 7, 3)), NOW).status.condition("Available")
    assert short == a_condition(
        "Available",
        "False",
        "MinimumReplicasUnavailable",
        NOW,
        "Deployment does not have minimum availability.",
    )


def stuck(since: float, reason: str = "NewReplicaSetCreated") -> DeploymentStatus:
    """A status that already reports all there is: nothing advances."""
    return DeploymentStatus(
        observed_generation=1,
        replicas=13,
        updated_replicas=5,
        ready_replicas=8,
        available_replicas=8,
        unavailable_replicas=5,
        terminating_replicas=0,
        conditions=(
            a_condition("Available", "True", "MinimumReplicasAvailable", 1.0, "Deployment has minimum availability."),
            a_condition("Progressing", "True" if reason != "ProgressDeadlineExceeded" else "False", reason, since),
        ),
    )


STUCK_SETS = (a_set("1", 8), a_set("2", 5, 0))


def test_the_progress_deadline() -> None:
    """Until it passes nothing changes and the plan asks to be woken then; after it the condition says so, once."""
    before = a_deployment(version="2", revision="2", progressDeadlineSeconds=600, status=stuck(500.0))
    assert plan_rollout(before, STUCK_SETS, 1099.0) == RolloutPlan((), before.status, wake_at=1100.0)
    late = plan_rollout(before, STUCK_SETS, 1100.0)
    assert late.status.condition("Progressing") == a_condition(
        "Progressing", "False", "ProgressDeadlineExceeded", 1100.0, 'ReplicaSet "web-2" has timed out progressing.'
    )
    assert late.wake_at is None
    after = attrs.evolve(before, status=late.status)
    assert plan_rollout(after, STUCK_SETS, 5000.0) == RolloutPlan((), after.status)


def test_progress_moves_the_deadline_and_not_the_transition() -> None:
    """One more available pod: the last update is now, the condition has been True since before."""
    deployment = a_deployment(version="2", revision="2", progressDeadlineSeconds=600, status=stuck(500.0))
    plan = plan_rollout(deployment, (a_set("1", 8), a_set("2", 5, 1)), NOW)
    condition = plan.status.condition("Progressing")
    assert condition == DeploymentCondition(
        "Progressing", "True", NOW, 500.0, "ReplicaSetUpdated", 'ReplicaSet "web-2" is progressing.'
    )
    assert plan.wake_at == NOW + 600


def test_progress_after_the_deadline_clears_it() -> None:
    """A rollout that was reported as failed and then gets on is progressing again."""
    status = stuck(500.0, "ProgressDeadlineExceeded")
    deployment = a_deployment(version="2", revision="2", progressDeadlineSeconds=600, status=status)
    condition = plan_rollout(deployment, (a_set("1", 8), a_set("2", 5, 1)), NOW).status.condition("Progressing")
    assert condition is not None
    assert (condition.status, condition.reason, condition.last_transition_time) == ("True", "ReplicaSetUpdated", NOW)


def test_a_finished_update_is_available_and_rests() -> None:
    """The last pass says NewReplicaSetAvailable; the one after it has nothing to say and nothing to wait for."""
    deployment = a_deployment(version="2", revision="2", progressDeadlineSeconds=600, status=stuck(500.0))
    sets = (a_set("1", 0), a_set("2", 10))
    done = plan_rollout(deployment, sets, NOW)
    condition = done.status.condition("Progressing")
    assert condition is not None
    assert (condition.reason, condition.message) == (
        "NewReplicaSetAvailable",
        'ReplicaSet "web-2" has successfully progressed.',
    )
    again = plan_rollout(attrs.evolve(deployment, status=done.status), sets, NOW + 9999)
    assert again == RolloutPlan((), done.status)


def test_without_a_deadline_there_is_no_progress_condition() -> None:
    """Neither when none is given nor with kubectl's largest number."""
    for seconds in (None, 2**31 - 1):
        deployment = a_deployment(version="2", revision="2", progressDeadlineSeconds=seconds, status=stuck(1.0))
        plan = plan_rollout(deployment, STUCK_SETS, NOW)
        assert plan.status.condition("Progressing") is None
        assert plan.wake_at is None


def test_a_sets_failure_becomes_the_deployments() -> None:
    """What keeps a ReplicaSet from making pods is shown on the Deployment, and goes when it goes."""
    failing = structure(
        ReplicaSetView,
        {
            **body_of(a_set("1", 10)),
            "status": {
                "replicas": 0,
                "conditions": [
                    {
                        "type": "ReplicaFailure",
                        "status": "True",
                        "reason": "FailedCreate",
                        "message": "no room",
                        "lastTransitionTime": "1970-01-01T00:00:09Z",
                    }
                ],
            },
        },
    )
    status = plan_rollout(a_deployment(), (failing,), NOW).status
    assert status.condition("ReplicaFailure") == a_condition("ReplicaFailure", "True", "FailedCreate", 9.0, "no room")
    healed = plan_rollout(a_deployment(status=status), (a_set("1", 10),), NOW).status
    assert healed.condition("ReplicaFailure") is None


def test_a_deployment_being_deleted_only_reports() -> None:
    """Nothing is scaled, created, adopted or released any more."""
    deployment = a_deployment(version="2")
    deployment = attrs.evolve(deployment, metadata=attrs.evolve(deployment.metadata, deletion_timestamp=NOW))
    plan = plan_rollout(deployment, (a_set("1", 10), a_set("3", 1, owner="")), NOW)
    assert (plan.actions, plan.status.replicas) == ((), 10)


def test_an_empty_selector_is_refused() -> None:
    """Selecting all pods is reported, and nothing is done."""
    plan = plan_rollout(a_deployment(selector={}), (a_set("1", 10),), NOW)
    assert (plan.actions, [event.reason for event in plan.events]) == ((), ["SelectingAll"])


def test_template_hashes() -> None:
    """Key order and the hash label do not matter; content and a collision do; the alphabet is Kubernetes' safe one."""
    template = a_template()
    turned = {
        "spec": template["spec"],
        "metadata": {"creationTimestamp": None, "labels": {"pod-template-hash": "x", "app": "web"}},
    }
    hashed = template_hash(template, None)
    assert hashed == template_hash(turned, 0)
    assert len({hashed, template_hash(template, 1), template_hash(a_template("2"), None)}) == 3
    assert set(hashed) <= set("bcdfghjklmnpqrstvwxz2456789")


def test_a_taken_name_is_a_collision_unless_it_is_the_same_set() -> None:
    """Our own set with the same template counts as created; another template or owner asks for a new hash."""
    deployment = a_deployment(version="1")
    assert not is_collision(deployment, a_set("1", 3))
    assert is_collision(deployment, a_set("2", 3))
    assert is_collision(deployment, a_set("1", 3, owner="someone"))


def test_templates_of_revisions() -> None:
    """Undo finds the previous or a named revision, without the hash label, and says what it cannot find."""
    sets = (a_set("1", 0, revision="3"), a_set("2", 10, revision="4"), a_set("3", 0, revision="2"))
    deployment = a_deployment(version="2")
    assert template_of_revision(deployment, sets) == a_template("1")
    assert template_of_revision(deployment, sets, 2) == a_template("3")
    with pytest.raises(LookupError, match="unable to find specified revision 7 in history"):
        template_of_revision(deployment, sets, 7)
    with pytest.raises(LookupError, match='no rollout history found for deployment "web"'):
        template_of_revision(deployment, sets[:1])
    assert [entry.revision for entry in rollout_history(sets)] == [2, 3, 4]
