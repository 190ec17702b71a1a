"""Random histories of Deployments, played through the plans: the bounds hold at every step, and all ends at rest.

A small cluster in memory: the Deployment's and the ReplicaSets' plans are asked and performed one at a time, in any
order, between edits, pods getting ready, crashing and going away. Statuses are as stale as the order makes them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_actors.api.views import body_of, structure
from kube_actors.api.views.workloads import DeploymentView, ReplicaSetView
from kube_actors.plan.pod_ranking import ReplicaPod
from kube_actors.plan.replicas import CreatePods, DeletePod, plan_replicas
from kube_actors.plan.rollout import (
    CreateReplicaSet,
    DeleteReplicaSet,
    RolloutPlan,
    ScaleReplicaSet,
    SetRevision,
    UpdateReplicaSet,
    is_collision,
    max_surge,
    max_unavailable,
    plan_rollout,
)
from kube_actors.records import define

BAD = "never-ready"


def a_template(version: str) -> dict[str, Any]:
    """The pod template of a version."""
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": version}]}}


@define
class World:
    """The objects, and the promise: at most `most` pods that are not terminating, at least `least` ready ones."""

    deployment: dict[str, Any]
    sets: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    pods: dict[str, ReplicaPod] = attrs.field(factory=dict)
    now: float = 1000.0
    most: int = 0
    least: int = 1 << 30
    checked: bool = True
    crashes: int = 0
    numbers: Any = attrs.field(factory=itertools.count)

    def view(self) -> DeploymentView:
        """The Deployment."""
        return structure(DeploymentView, self.deployment)

    def promise(self) -> None:
        """Widen the bounds to those of the Deployment as it is now; earlier plans may still be performed."""
        view = self.view()
        self.most = max(self.most, view.spec.replicas + max_surge(view))
        self.least = min(self.least, view.spec.replicas - max_unavailable(view))

    def roll(self) -> RolloutPlan:
        """Ask and perform the Deployment's plan."""
        plan = plan_rollout(self.view(), [structure(ReplicaSetView, one) for one in self.sets.values()], self.now)
        for action in plan.actions:
            self._perform(action)
        self.deployment["status"] = body_of(plan.status)
        return plan

    def _perform(self, action: Any) -> None:
        match action:
            case CreateReplicaSet(name, _, body):
                assert name not in self.sets or not is_collision(
                    self.view(), structure(ReplicaSetView, self.sets[name])
                )
                metadata = {**body["metadata"], "uid": name, "generation": 1}
                metadata["creationTimestamp"] = f"1970-01-01T00:{next(self.numbers) % 3600 // 60:02d}:00Z"
                self.sets[name] = {**body, "metadata": metadata, "status": {"replicas": 0}}
            case ScaleReplicaSet(name, _, replicas, annotations):
                one = self.sets[name]
                one["metadata"]["annotations"].update(dict(annotations))
                if one["spec"]["replicas"] != replicas:
                    one["spec"]["replicas"] = replicas
                    one["metadata"]["generation"] += 1
            case UpdateReplicaSet(name, _, annotations, min_ready):
                self.sets[name]["metadata"]["annotations"].update(dict(annotations))
                self.sets[name]["spec"]["minReadySeconds"] = min_ready
            case DeleteReplicaSet(name, _):
                assert not [pod for pod in self.of(name) if not pod.deleting]
                del self.sets[name]
            case SetRevision(revision):
                self.deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = revision
            case _:
                raise AssertionError(action)

    def of(self, name: str) -> list[ReplicaPod]:
        """The pods of a set."""
        return [pod for pod in self.pods.values() if pod.controller_uid == name]

    def reconcile(self, name: str) -> bool:
        """Ask and perform a ReplicaSet's plan; whether it had anything to do."""
        one = self.sets[name]
        plan = plan_replicas(structure(ReplicaSetView, one), self.of(name), self.now)
        for action in plan.actions:
            match action:
                case CreatePods(count):
                    for _ in range(count):
                        self._create(name, one)
                case DeletePod(pod, _):
                    self._delete(pod)
                case _:
                    raise AssertionError(action)
        status = body_of(plan.status)
        changed = bool(plan.actions) or status != one["status"]
        one["status"] = status
        return changed

    def living(self) -> list[ReplicaPod]:
        """Pods that are not terminating."""
        return [pod for pod in self.pods.values() if not pod.deleting]

    def _create(self, owner: str, one: dict[str, Any]) -> None:
        name = f"p{next(self.numbers):06d}"
        labels = one["spec"]["template"]["metadata"]["labels"]
        self.pods[name] = ReplicaPod(name, name, self.now, labels, owner, phase="Running", node="n")
        if self.checked:
            assert len(self.living()) <= self.most

    def _delete(self, name: str) -> None:
        was_ready = self.pods[name].ready
        self.pods[name] = attrs.evolve(self.pods[name], deleting=True, ready=False)
        ready = sum(1 for pod in self.living() if pod.ready)
        if self.checked and was_ready:
            # Pods that crashed unseen are not the plans' doing.
            assert ready + self.crashes >= self.least

    def bad(self, pod: ReplicaPod) -> bool:
        """Whether the pod's version never becomes ready."""
        owner = self.sets.get(pod.controller_uid)
        return owner is not None and owner["spec"]["template"]["spec"]["containers"][0]["image"] == BAD

    def may_become_ready(self, pod: ReplicaPod) -> bool:
        """Whether it still starts, and will get there."""
        return not (pod.ready or pod.deleting or self.bad(pod))

    def change(self, pick: int, only: Callable[[ReplicaPod], bool], **facts: Any) -> None:
        """Something happens to one of the pods of which that is true."""
        names = sorted(name for name, pod in self.pods.items() if only(pod))
        if names:
            name = names[pick % len(names)]
            self.pods[name] = attrs.evolve(self.pods[name], **facts)

    def settle(self) -> None:
        """Everything good becomes ready, what goes away is gone, and all are asked until nobody has anything to do."""
        for _ in range(400):
            self.now += 1.0
            for name, pod in list(self.pods.items()):
                if pod.deleting:
                    del self.pods[name]
                elif not pod.ready and not self.bad(pod):
                    self.pods[name] = attrs.evolve(pod, ready=True, ready_since=self.now)
            before = self.deployment.get("status")
            busy = [self.reconcile(name) for name in sorted(self.sets)]
            plan = self.roll()
            if not any(busy) and not plan.actions and self.deployment["status"] == before:
                return
        raise AssertionError("not at rest after 400 rounds")


COUNT_OR_PERCENT = st.integers(0, 4) | st.sampled_from(["0%", "25%", "50%", "100%"])
PICK = st.integers(0, 50)
STEPS = st.lists(
    st.tuples(st.just("roll"), PICK)
    | st.tuples(st.just("reconcile"), PICK)
    | st.tuples(st.just("reconcile"), PICK)
    | st.tuples(st.just("ready"), PICK)
    | st.tuples(st.just("ready"), PICK)
    | st.tuples(st.just("gone"), PICK)
    | st.tuples(st.just("time"), st.integers(1, 20))
    | st.tuples(st.just("template"), st.sampled_from(["v1", "v2", "v3", BAD])),
    max_size=80,
)
SHORT = STEPS.map(lambda steps: steps[:8])
TROUBLE = (
    st.tuples(st.just("crash"), PICK)
    | st.tuples(st.just("killed"), PICK)
    | st.tuples(st.just("replicas"), st.integers(0, 12))
    | st.tuples(st.just("pause"), st.booleans())
    | st.tuples(st.just("strategy"), st.sampled_from(["RollingUpdate", "Recreate"]))
)


def a_world(replicas: int, surge: int | str, unavailable: int | str) -> World:
    """A Deployment at rest with all its pods ready."""
    deployment = {
        "metadata": {"name": "web", "namespace": "shop", "uid": "d", "generation": 1, "annotations": {}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": a_template("v1"),
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable},
            },
            "progressDeadlineSeconds": 600,
            "revisionHistoryLimit": 1,
        },
    }
    world = World(deployment)
    world.promise()
    world.roll()
    world.settle()
    return world


def play(world: World, steps: list[tuple[str, Any]]) -> None:
    """Let things happen."""
    for kind, value in steps:
        spec = world.deployment["spec"]
        match kind:
            case "roll":
                world.roll()
            case "reconcile":
                if world.sets:
                    world.reconcile(sorted(world.sets)[value % len(world.sets)])
            case "ready":
                world.change(value, world.may_become_ready, ready=True, ready_since=world.now)
            case "gone":
                for name in sorted(name for name, pod in world.pods.items() if pod.deleting)[:1]:
                    del world.pods[name]
            case "time":
                world.now += value
            case "template":
                spec["template"] = a_template(value)
            case "crash":
                world.crashes += 1
                world.change(value, lambda pod: pod.ready, ready=False, restarts=(1, 0))
            case "killed":
                world.crashes += 1
                world.change(value, lambda pod: not pod.deleting, deleting=True, ready=False)
            case "replicas":
                spec["replicas"] = value
            case "pause":
                spec["paused"] = value
            case "strategy":
                spec["strategy"]["type"] = value
        if kind in ("template", "replicas", "pause", "strategy"):
            world.deployment["metadata"]["generation"] += 1
            world.promise()


def assert_complete(world: World) -> None:
    """Exactly the wished pods, all of the current template and ready."""
    wanted = world.deployment["spec"]["replicas"]
    image = world.deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    living = world.living()
    owners = {world.sets[pod.controller_uid]["spec"]["template"]["spec"]["containers"][0]["image"] for pod in living}
    assert (len(living), sum(pod.ready for pod in living)) == (wanted, wanted)
    assert owners <= {image}
    status = world.view().status
    assert (status.replicas, status.updated_replicas, status.available_replicas) == (wanted, wanted, wanted)
    progressing = status.condition("Progressing")
    assert progressing is not None
    assert progressing.status == "True"
    assert len(world.sets) <= 2


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 10), COUNT_OR_PERCENT, COUNT_OR_PERCENT, STEPS)
def test_an_update_keeps_its_promise(
    replicas: int, surge: int | str, unavailable: int | str, steps: list[tuple[str, Any]]
) -> None:
    """Without crashes: never too many pods, and no step of ours leaves too few ready, however stale the statuses."""
    world = a_world(replicas, surge, unavailable)
    play(world, steps)
    world.deployment["spec"]["template"] = a_template("last")
    world.deployment["metadata"]["generation"] += 1
    world.settle()
    assert_complete(world)


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 10), COUNT_OR_PERCENT, COUNT_OR_PERCENT, st.lists(SHORT, max_size=6), st.data())
def test_trouble_ends_at_rest(
    replicas: int, surge: int | str, unavailable: int | str, parts: list[list[tuple[str, Any]]], data: st.DataObject
) -> None:
    """Crashes, losses, scaling, pauses and changes of strategy: at the end everything converges and stays."""
    world = a_world(replicas, surge, unavailable)
    world.checked = False
    for part in parts:
        play(world, part)
        play(world, [data.draw(TROUBLE)])
    spec = world.deployment["spec"]
    spec.update(paused=False, template=a_template("last"))
    world.deployment["metadata"]["generation"] += 1
    world.settle()
    assert_complete(world)
    before = world.deployment["status"]
    assert (world.roll().actions, world.deployment["status"]) == ((), before)


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 10), st.lists(st.integers(0, 12), min_size=1, max_size=4), STEPS)
def test_scaling_keeps_enough_ready(replicas: int, sizes: list[int], steps: list[tuple[str, Any]]) -> None:
    """Scaling in the middle of an update: the bounds are those of the sizes asked for meanwhile."""
    world = a_world(replicas, "25%", "25%")
    size = max(1, len(steps) // len(sizes))
    for index, wanted in enumerate(sizes):
        play(world, steps[index * size : (index + 1) * size])
        play(world, [("replicas", wanted)])
    world.settle()


def test_a_set_that_has_not_answered_may_have_pods() -> None:
    """Its pod was made after its last status and before it was scaled to nothing: that pod counts."""
    world = a_world(1, 1, 0)
    second = [("template", "v2"), ("roll", 0)]
    [old] = world.sets
    play(world, second)
    [new] = world.sets.keys() - {old}
    world.reconcile(new)
    play(world, [("template", "v3"), ("roll", 0), ("roll", 0)])
    world.settle()


def test_recreate_in_the_middle_of_a_rolling_update() -> None:
    """Scaled to nothing and switched to Recreate while two sets have pods: none is left."""
    world = a_world(1, 1, 0)
    play(world, [("template", "v2"), ("roll", 0), ("crash", 0), ("replicas", 0), ("strategy", "Recreate")])
    world.settle()
    assert world.living() == []


def test_a_version_that_never_becomes_ready_leaves_the_old_pods() -> None:
    """After the deadline the status says so; as many as may not be missing still serve; undoing it brings all back."""
    world = a_world(10, "25%", "25%")
    world.deployment["spec"]["template"] = a_template(BAD)
    for _ in range(100):
        world.now += 10
        for name in sorted(world.sets):
            world.reconcile(name)
        plan = world.roll()
    progressing = world.view().status.condition("Progressing")
    assert progressing is not None
    assert (progressing.status, progressing.reason) == ("False", "ProgressDeadlineExceeded")
    assert (plan.actions, plan.wake_at) == ((), None)
    assert (len(world.living()), sum(pod.ready for pod in world.living())) == (13, 8)
    world.deployment["spec"]["template"] = a_template("v1")
    world.deployment["metadata"]["generation"] += 1
    world.settle()
    assert_complete(world)
    assert world.deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"
