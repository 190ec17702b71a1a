"""The Deployment actor: one per Deployment. It plans the rollout and performs the plan through its ReplicaSets."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, assert_never

from kube_actors.actors.control_plane import ControlPlane, reference_to
from kube_actors.actors.ownership import remove_owner, set_controller
from kube_actors.actors.per_object import LOOK_AGAIN, ObjectActor, PerObject, Route, controller_of
from kube_actors.api.selectors import LabelSelector
from kube_actors.api.views import DeploymentView, ReplicaSetView, body_of
from kube_actors.errors import ApiError
from kube_actors.kernel import ActorStopped, AskTimeout
from kube_actors.messages.common import Describe
from kube_actors.messages.replica_set import Scale
from kube_actors.plan.backoff import doubled
from kube_actors.plan.ownership import controller_reference
from kube_actors.plan.planned_event import PlannedEvent
from kube_actors.plan.rollout import plan as steps
from kube_actors.plan.rollout import plan_rollout
from kube_actors.plan.rollout.progress import not_created
from kube_actors.plan.rollout.revisions import REVISION, is_collision
from kube_actors.store import Commit, Key, Revision, Store

REPLICA_SETS = "replicasets.apps"
SCALE_DEADLINE = 10.0
SERVER_ERROR = 500
TERMINATING = "NamespaceTerminating"
RETRY_AFTER_REFUSAL = 1.0
LONGEST_RETRY = 300.0


class DeploymentActor(ObjectActor[Describe]):
    """Looks at its Deployment and ReplicaSets, plans, and performs the plan in order; status last, if it changed."""

    pause_per_object = 0.0001
    longest_pause = 0.05

    def __init__(self, plane: ControlPlane, key: Key, uid: str) -> None:
        super().__init__(plane, key, uid)
        self.client = plane.controller_client("deployment-controller")
        self.events = plane.events("deployment-controller")
        self.refused = ""
        self.refusals = 0
        self.retry_at = 0.0

    async def receive(self, message: Describe) -> None:
        """Only questions arrive here."""
        self.context.answer(message, self.describe())

    async def reconcile(self, revision: Revision) -> int:
        """One look: snapshot, plan, actions, status."""
        deployment: DeploymentView = revision.view
        replica_sets = [one.view for one in self._replica_sets(deployment)]
        plan = plan_rollout(deployment, replica_sets, self.plane.clock.now())
        for action in plan.actions:
            if not await self._perform(action, revision):
                return _size(replica_sets)
        self._tell(revision, plan.events)
        if plan.status != deployment.status:
            await self._write_status(body_of(plan.status))
        if plan.wake_at is not None:
            self.context.notify_at(plan.wake_at, self.uid)
        return _size(replica_sets)

    def _tell(self, revision: Revision, events: Iterable[PlannedEvent]) -> None:
        about = reference_to(revision, kind="Deployment", api_version="apps/v1")
        for event in events:
            self.events.record(about, event.type, event.reason, event.message)

    def _replica_sets(self, deployment: DeploymentView) -> Iterable[Revision]:
        """Those it owns and the orphans its selector matches, by name."""
        selector = LabelSelector.from_object(body_of(deployment.spec.selector))
        store, namespace = self.plane.store, self.key.namespace
        found = {one.uid: one for one in store.owned_by(self.uid) if one.key.resource == REPLICA_SETS}
        found |= {one.uid: one for one in store.list(REPLICA_SETS, namespace, selector)}
        return sorted(found.values(), key=lambda one: one.key.name)

    async def _perform(self, action: steps.RolloutAction, revision: Revision) -> bool:
        """Do one step; False when what follows has to be planned anew."""
        match action:
            case steps.CreateReplicaSet():
                return await self._create(action, revision)
            case steps.ScaleReplicaSet(_, uid, replicas, annotations):
                return await self._scale(uid, replicas, annotations)
            case steps.AdoptReplicaSet(name, uid):
                owner = controller_reference("apps/v1", "Deployment", self.key.name, self.uid)
                await self.client.mutate(self._replica_set(name), lambda body: set_controller(body, owner), uid=uid)
            case steps.ReleaseReplicaSet(name, uid):
                await self.client.mutate(self._replica_set(name), lambda body: remove_owner(body, self.uid), uid=uid)
            case steps.UpdateReplicaSet(name, uid):
                await self.client.mutate(self._replica_set(name), lambda body: _update(body, action), uid=uid)
            case steps.DeleteReplicaSet(name, uid):
                await self.client.delete(self._replica_set(name), uid=uid, propagation="Background")
            case steps.SetRevision(number):
                # With the status, as Kubernetes does: the annotations of an update would count in the generation.
                annotate = partial(_annotate, annotations=((REVISION, number),))
                await self.client.mutate(self.key, annotate, subresource="status", uid=self.uid)
            case _:
                assert_never(action)
        return True

    async def _create(self, action: steps.CreateReplicaSet, revision: Revision) -> bool:
        if action.name == self.refused and self.plane.clock.now() < self.retry_at:
            return False
        deployment: DeploymentView = revision.view
        try:
            await self.client.create(dict(action.body), namespace=self.key.namespace)
        except ApiError as error:
            if error.reason == "AlreadyExists":
                existing = self.plane.store.get(self._replica_set(action.name))
                if existing is not None and is_collision(deployment, existing.view):
                    await self.client.mutate(self.key, _count_collision, subresource="status", uid=self.uid)
            elif error.reason in LOOK_AGAIN or error.code >= SERVER_ERROR:
                raise
            elif all(cause.reason != TERMINATING for cause in error.causes):
                await self._refuse(action.name, error.message, revision)
            return False
        self.refused, self.refusals = "", 0
        return True

    async def _refuse(self, name: str, why: str, revision: Revision) -> None:
        """Say so, and try again after 1, 2, 4 … 300 s; another set, of another template, is tried at once."""
        now, deployment = self.plane.clock.now(), revision.view
        self.refusals = self.refusals + 1 if name == self.refused else 1
        self.refused = name
        self.retry_at = now + doubled(RETRY_AFTER_REFUSAL, LONGEST_RETRY, self.refusals - 1)
        self.context.notify_at(self.retry_at, "retry")
        status, event = not_created(deployment, name, why, now)
        self._tell(revision, (event,))
        if status != deployment.status:
            await self._write_status(body_of(status))

    async def _scale(self, uid: str, replicas: int, annotations: tuple[tuple[str, str], ...]) -> bool:
        """Ask the ReplicaSet, so that the next step counts what is there; a set without actor is just being made."""
        replica_set = self.plane.directory.replica_sets.get(uid)
        if replica_set is None:
            self.context.notify_at(self.plane.clock.now() + 0.01, self.uid)
            return False
        try:
            await replica_set.ask(Scale(replicas, annotations), deadline=SCALE_DEADLINE)
        except (AskTimeout, ActorStopped):
            self.context.notify_at(self.plane.clock.now() + 0.1, self.uid)
            return False
        return True

    def _replica_set(self, name: str) -> Key:
        return Key(REPLICA_SETS, self.key.namespace, name)

    async def _write_status(self, status: dict[str, Any]) -> None:
        def change(body: dict[str, Any]) -> None:
            body["status"] = status

        await self.client.mutate(self.key, change, subresource="status", uid=self.uid)


def _size(replica_sets: Iterable[ReplicaSetView]) -> int:
    """What a look is about: the ReplicaSets and the pods they count."""
    return sum(1 + one.status.replicas for one in replica_sets)


def _annotate(body: dict[str, Any], annotations: Iterable[tuple[str, str]]) -> None:
    body["metadata"].setdefault("annotations", {}).update(annotations)


def _update(body: dict[str, Any], action: steps.UpdateReplicaSet) -> None:
    _annotate(body, action.annotations)
    body["spec"]["minReadySeconds"] = action.min_ready_seconds
    if not action.min_ready_seconds:
        del body["spec"]["minReadySeconds"]


def _count_collision(body: dict[str, Any]) -> None:
    status = body.setdefault("status", {})
    status["collisionCount"] = status.get("collisionCount", 0) + 1


def deployment_route(store: Store) -> dict[str, Route]:
    """Who wakes a Deployment: its ReplicaSets, matching orphans among them, and the end of one of its pods."""

    def replica_set_changed(commit: Commit) -> Iterable[str]:
        owners = list(controller_of(commit))
        if owners:
            return owners
        return [one.uid for one in store.list("deployments.apps", commit.revision.key.namespace)]

    def pod_changed(commit: Commit) -> Iterable[str]:
        # Recreate waits until the last old pod is gone, which no ReplicaSet reports.
        if commit.kind != "deleted":
            return ()
        uids = []
        for owner in commit.revision.projection.owners:
            replica_set = store.get(Key(REPLICA_SETS, commit.revision.key.namespace, owner.name))
            if owner.controller and replica_set is not None and replica_set.uid == owner.uid:
                uids += [one.uid for one in replica_set.projection.owners if one.controller]
        return uids

    return {REPLICA_SETS: replica_set_changed, "pods": pod_changed}


def deployments(plane: ControlPlane) -> PerObject[Describe]:
    """The supervisor of all Deployment actors."""
    return PerObject(
        plane,
        "deployments.apps",
        lambda key, uid: DeploymentActor(plane, key, uid),
        routes=deployment_route(plane.store),
    )
