"""The ReplicaSet actor: one per ReplicaSet. It keeps the right number of pods and reports how they are.

ReplicationControllers, the ReplicaSets of old, have actors of their own kind that do the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, assert_never

import attrs
import trio

from kube_actors.actors.control_plane import ControlPlane, reference_to
from kube_actors.actors.ownership import remove_owner, set_controller
from kube_actors.actors.per_object import ObjectActor, PerObject, Route, controller_of
from kube_actors.api.selectors import LabelSelector
from kube_actors.api.views import ReplicaSetView, ReplicationControllerView, body_of
from kube_actors.api.views.workloads import ReplicaSetStatus
from kube_actors.errors import ApiError
from kube_actors.messages.common import Describe
from kube_actors.messages.events import ObjectReference
from kube_actors.messages.replica_set import ReplicaSetMessage, Scale, Scaled
from kube_actors.plan import replicas as steps
from kube_actors.plan.backoff import doubled
from kube_actors.plan.pod_ranking import ReplicaPod
from kube_actors.plan.replicas import ReplicaFailure, plan_replicas, pod_body, slow_start
from kube_actors.store import Commit, Key, Revision, Store

PODS_BETWEEN_CHECKPOINTS = 16
RETRY_AFTER_FAILURE = 1.0
LONGEST_RETRY = 300.0


class ReplicaSetActor(ObjectActor[ReplicaSetMessage]):
    """Looks at its ReplicaSet and pods, plans, and performs the plan in order; status last, if it changed."""

    keeper = steps.REPLICA_SET

    def __init__(self, plane: ControlPlane, key: Key, uid: str) -> None:
        super().__init__(plane, key, uid)
        self.client = plane.controller_client(self.keeper.controller)
        self.events = plane.events(self.keeper.controller)
        self.summaries: dict[str, tuple[Revision, ReplicaPod]] = {}
        self.failure: ReplicaFailure | None = None
        self.failures = 0
        self.retry_at = 0.0

    async def receive(self, message: ReplicaSetMessage) -> None:
        """Scale on behalf of the Deployment."""
        match message:
            case Scale():
                await self._scale(message)
            case Describe():
                self.context.answer(message, self.describe())
            case _:
                assert_never(message)

    async def _scale(self, ask: Scale) -> None:
        def change(body: dict[str, Any]) -> None:
            body["spec"]["replicas"] = ask.replicas
            body["metadata"].setdefault("annotations", {}).update(ask.annotations)

        try:
            revision = await self.client.mutate(self.key, change, uid=self.uid)
        except ApiError as error:
            self.context.refuse(ask, error)
        else:
            self.context.answer(ask, Scaled(ask.replicas, revision.resource_version))

    async def reconcile(self, revision: Revision) -> int:
        """One look: snapshot, plan, actions, status."""
        replica_set = self.seen(revision)
        now = self.plane.clock.now()
        pods = self._pods(replica_set)
        surplus = sum(not (pod.deleting or pod.ended) for pod in pods) > replica_set.spec.replicas
        neighbours = self._neighbours(revision) if surplus else None
        plan = plan_replicas(replica_set, pods, now, failure=self.failure, neighbours=neighbours)
        if plan.status.condition("ReplicaFailure") is None:
            self.failure, self.failures, self.retry_at = None, 0, 0.0
        for action in plan.actions:
            await self._perform(action, replica_set, revision)
        reported = self.reported(plan.status)
        if reported != replica_set.status:
            status = body_of(reported)
            await self.client.mutate(
                self.key, lambda body: body.__setitem__("status", status), subresource="status", uid=self.uid
            )
        if plan.wake_at is not None:
            self.context.notify_at(plan.wake_at, self.uid)
        return len(pods)

    # -- what there is

    def seen(self, revision: Revision) -> ReplicaSetView:
        """What is asked for and was reported last."""
        view: ReplicaSetView = revision.view
        return view

    def reported(self, status: ReplicaSetStatus) -> ReplicaSetStatus:
        """What of a status this kind can say."""
        return status

    def _pods(self, replica_set: ReplicaSetView) -> list[ReplicaPod]:
        """Pods it controls and orphans its selector matches, summarised once per revision."""
        store, namespace = self.plane.store, self.key.namespace
        found = {one.uid: one for one in store.owned_by(self.uid) if one.key.resource == "pods"}
        orphans = store.orphaned_pods(namespace)
        if orphans:
            selector = LabelSelector.from_object(body_of(replica_set.spec.selector))
            found |= {one.uid: one for one in orphans if selector.matches(one.projection.labels)}
        known, self.summaries = self.summaries, {}
        for uid, revision in found.items():
            before = known.get(uid)
            same = before is not None and before[0] is revision
            self.summaries[uid] = before if before is not None and same else (revision, summarise(revision))
        return [pod for _, pod in self.summaries.values()]

    def _neighbours(self, revision: Revision) -> dict[str, int] | None:
        """Living pods per node of every ReplicaSet of the same Deployment; None when this one is alone."""
        store = self.plane.store
        owners = [owner.uid for owner in revision.projection.owners if owner.controller]
        siblings = [one for uid in owners for one in store.owned_by(uid) if one.key.resource == "replicasets.apps"]
        if len(siblings) < 2:
            return None
        count: dict[str, int] = {}
        for sibling in siblings:
            for pod in store.owned_by(sibling.uid):
                if pod.key.resource == "pods" and not pod.projection.facts.terminal:
                    node = pod.projection.facts.node
                    count[node] = count.get(node, 0) + 1
        return count

    # -- what to do

    async def _perform(self, action: steps.ReplicasAction, replica_set: ReplicaSetView, revision: Revision) -> None:
        match action:
            case steps.CreatePods(count):
                await self._create_pods(count, replica_set, revision)
            case steps.DeletePod(name, uid):
                await self._delete_pod(name, uid, revision)
            case steps.AdoptPod(name, uid):
                owner = self.keeper.reference(self.key.name, self.uid)
                await self.client.mutate(self._pod(name), lambda body: set_controller(body, owner), uid=uid)
            case steps.ReleasePod(name, uid):
                await self.client.mutate(self._pod(name), lambda body: remove_owner(body, self.uid), uid=uid)
            case _:
                assert_never(action)

    async def _create_pods(self, count: int, replica_set: ReplicaSetView, revision: Revision) -> None:
        """In batches of 1, 2, 4 …: what refuses one pod most likely refuses them all."""
        if self.plane.clock.now() < self.retry_at:
            return
        about = self._about(revision)
        body = pod_body(replica_set, self.keeper)
        for batch in slow_start(count):
            failed = None
            for number in range(batch):
                if number % PODS_BETWEEN_CHECKPOINTS == 0:
                    await trio.lowlevel.checkpoint()
                try:
                    pod = await self.client.create(body)
                except ApiError as error:
                    failed = error
                else:
                    self.events.record(about, "Normal", "SuccessfulCreate", f"Created pod: {pod.key.name}")
            if failed is not None:
                self._failed(ReplicaFailure("FailedCreate", failed.message))
                self.events.record(about, "Warning", "FailedCreate", f"Error creating: {failed.message}")
                return
        self._succeeded()

    async def _delete_pod(self, name: str, uid: str, revision: Revision) -> None:
        about = self._about(revision)
        try:
            await self.client.delete(self._pod(name), uid=uid)
        except ApiError as error:
            if error.reason == "NotFound":
                return
            self._failed(ReplicaFailure("FailedDelete", error.message))
            self.events.record(about, "Warning", "FailedDelete", f"Error deleting: {error.message}")
        else:
            self.events.record(about, "Normal", "SuccessfulDelete", f"Deleted pod: {name}")

    def _failed(self, failure: ReplicaFailure) -> None:
        """Say so in the status and try again after 1, 2, 4 … 300 s."""
        self.failure = failure
        self.retry_at = self.plane.clock.now() + doubled(RETRY_AFTER_FAILURE, LONGEST_RETRY, self.failures)
        self.failures += 1
        self.context.notify_at(self.retry_at, "retry")
        self.context.ref.notify("status")

    def _succeeded(self) -> None:
        self.failures = 0
        if self.failure is not None:
            self.failure = None
            self.context.ref.notify("status")

    def _about(self, revision: Revision) -> ObjectReference:
        return reference_to(revision, kind=self.keeper.kind, api_version=self.keeper.api_version)

    def _pod(self, name: str) -> Key:
        return Key("pods", self.key.namespace, name)


def summarise(revision: Revision) -> ReplicaPod:
    """What the plan has to know of a pod."""
    projection, facts = revision.projection, revision.projection.facts
    return ReplicaPod(
        name=revision.key.name,
        uid=revision.uid,
        created=projection.created,
        labels=projection.labels,
        controller_uid=next((owner.uid for owner in projection.owners if owner.controller), ""),
        deleting=projection.deleting is not None,
        phase=facts.phase,
        node=facts.node,
        ready=facts.ready,
        ready_since=facts.ready_since,
        restarts=facts.restarts,
        deletion_cost=facts.deletion_cost,
    )


def replica_set_route(store: Store, keeper: steps.Keeper) -> dict[str, Route]:
    """Who wakes a ReplicaSet: its pods, and orphans that may become its pods."""

    def pod_changed(commit: Commit) -> Iterable[str]:
        owners = list(controller_of(commit))
        if owners or commit.kind == "deleted":
            return owners
        return [one.uid for one in store.list(keeper.resource, commit.revision.key.namespace)]

    return {"pods": pod_changed}


class ReplicationControllerActor(ReplicaSetActor):
    """A ReplicationController: kept as the ReplicaSet it amounts to, as in Kubernetes."""

    keeper = steps.REPLICATION_CONTROLLER

    def seen(self, revision: Revision) -> ReplicaSetView:
        """What is asked for, as a ReplicaSet."""
        view: ReplicationControllerView = revision.view
        return view.replica_set

    def reported(self, status: ReplicaSetStatus) -> ReplicaSetStatus:
        """A ReplicationController has no word for pods that are ending."""
        return attrs.evolve(status, terminating_replicas=None)


def replica_sets(plane: ControlPlane) -> PerObject[ReplicaSetMessage]:
    """The supervisor of all ReplicaSet actors; the directory knows them, for Deployments ask them to scale."""
    return PerObject(
        plane,
        steps.REPLICA_SET.resource,
        lambda key, uid: ReplicaSetActor(plane, key, uid),
        routes=replica_set_route(plane.store, steps.REPLICA_SET),
        children=plane.directory.replica_sets,
    )


def replication_controllers(plane: ControlPlane) -> PerObject[ReplicaSetMessage]:
    """The supervisor of all actors of ReplicationControllers."""
    return PerObject(
        plane,
        steps.REPLICATION_CONTROLLER.resource,
        lambda key, uid: ReplicationControllerActor(plane, key, uid),
        routes=replica_set_route(plane.store, steps.REPLICATION_CONTROLLER),
    )
