"""The PodDisruptionBudget actor: one per budget. It keeps counting how many of its pods may be evicted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kube_actors.actors.control_plane import ControlPlane, reference_to
from kube_actors.actors.per_object import ObjectActor, PerObject
from kube_actors.actors.stale_disruptions import StaleDisruptions
from kube_actors.api.registry import Registry
from kube_actors.api.selectors import LabelSelector, printed_selector
from kube_actors.messages.common import Describe
from kube_actors.plan.disruption import BudgetPlan, Controller, GuardedPod, plan_budget
from kube_actors.store import Commit, Key, Owner, Revision, Store

BUDGETS = "poddisruptionbudgets.policy"
API_VERSION = "policy/v1"
SCALABLE = {
    ("apps", "ReplicaSet"): "replicasets.apps",
    ("apps", "Deployment"): "deployments.apps",
    ("apps", "StatefulSet"): "statefulsets.apps",
    ("", "ReplicationController"): "replicationcontrollers",
}
EXPIRY = "expiry"
UNMANAGED = (
    "Pods selected by this PodDisruptionBudget (selector: {}) were found to be unmanaged. As a result, the status of "
    "the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please "
    'set ".spec.minAvailable" field of the PDB to an integer value.'
)


class DisruptionBudgetActor(ObjectActor[Describe]):
    """Counts the pods its budget guards, and those their controllers want."""

    def __init__(self, plane: ControlPlane, key: Key, uid: str) -> None:
        super().__init__(plane, key, uid)
        self.client = plane.controller_client("disruption-controller")
        self.events = plane.events("controllermanager")

    async def receive(self, message: Describe) -> None:
        """Only questions arrive here."""
        self.context.answer(message, self.describe())

    async def reconcile(self, revision: Revision) -> int:
        """One look: count, write the status if it differs."""
        if revision.projection.deleting is not None:
            return 0
        budget = revision.body()
        selector = LabelSelector.from_object(budget["spec"].get("selector"))
        pods = self.plane.store.list("pods", self.key.namespace, selector)
        plan = plan_budget(budget, (self._guarded(pod) for pod in pods), self.plane.clock.now())
        self._tell(revision, plan, any_pods=bool(pods))
        if plan.look_again_at is not None:
            self.context.notify_at(plan.look_again_at + 1, EXPIRY)
        if plan.status != budget.get("status"):
            await self.client.mutate(
                self.key, lambda body: _replace(body, budget, plan), subresource="status", uid=self.uid
            )
        return len(pods)

    def _tell(self, revision: Revision, plan: BudgetPlan, *, any_pods: bool) -> None:
        about = reference_to(revision, kind="PodDisruptionBudget", api_version=API_VERSION)
        if plan.error:
            text = f"Failed to calculate the number of expected pods: {plan.error}"
            self.events.record(about, "Warning", "CalculateExpectedPodCountFailed", text)
        if not any_pods:
            self.events.record(about, "Normal", "NoPods", "No matching pods found")
        if plan.unmanaged:
            selector = printed_selector(revision.projection.facts.selector or {})
            self.events.record(about, "Warning", "UnmanagedPods", UNMANAGED.format(selector))
        for name in plan.stayed:
            pod = self.plane.store.get(Key("pods", self.key.namespace, name))
            if pod is not None:
                text = f"Pod was expected by PDB {self.key.namespace}/{self.key.name} to be deleted but it wasn't"
                self.events.record(reference_to(pod, kind="Pod", api_version="v1"), "Warning", "NotDeleted", text)

    def _guarded(self, pod: Revision) -> GuardedPod:
        facts, projection = pod.projection.facts, pod.projection
        owner = next((each for each in projection.owners if each.controller), None)
        controller = None if owner is None else self._controller(pod.key, owner)
        return GuardedPod(pod.key.name, facts.ready, projection.deleting is not None, controller)

    def _controller(self, pod: Key, owner: Owner) -> Controller | None:
        """Who wants how many: for a ReplicaSet that a Deployment controls, the Deployment."""
        group = owner.api_version.rpartition("/")[0]
        resource = SCALABLE.get((group, owner.kind))
        if resource is None:
            known = Registry.built_in().by_kind(owner.api_version, owner.kind)
            if known is None:
                why = f'no matches for kind "{owner.kind}" in version "{owner.api_version}"'
                return Controller(owner.uid, error=why)
            return Controller(owner.uid, error=f"{known.id} does not implement the scale subresource")
        found = self.plane.find(Key(resource, pod.namespace, owner.name), owner.uid)
        if found is None:
            return Controller(owner.uid, error=f'found no controllers for pod "{pod.name}"')
        above = next((each for each in found.projection.owners if each.controller), None)
        if above is not None and above.kind == "Deployment":
            found = self.plane.find(Key(SCALABLE["apps", "Deployment"], pod.namespace, above.name), above.uid) or found
        return Controller(found.uid, found.body()["spec"].get("replicas", 1))


def _replace(body: dict[str, Any], seen: dict[str, Any], plan: BudgetPlan) -> None:
    """Write the status, unless an eviction was granted since the look: then that look did not know enough."""
    if body.get("status") == seen.get("status"):
        body["status"] = plan.status


class BudgetRoutes:
    """Who wakes a budget: pods it guards or guarded, and controllers whose number changed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def pod_changed(self, commit: Commit) -> Iterable[str]:
        """A status write that changes nothing a budget counts wakes nobody."""
        revision, previous = commit.revision, commit.previous
        if commit.kind == "modified" and previous is not None and _counts_the_same(revision, previous):
            return ()
        found: dict[str, None] = {}
        for budget in self._store.list(BUDGETS, revision.key.namespace):
            selector = LabelSelector.from_object(budget.projection.facts.selector)
            if any(one is not None and selector.matches(one.projection.labels) for one in (revision, previous)):
                found[budget.uid] = None
        return found

    def controller_changed(self, commit: Commit) -> Iterable[str]:
        """Every budget of the namespace: which of them guard its pods only these could tell."""
        revision, previous = commit.revision, commit.previous
        before = previous.projection.generation if previous is not None else None
        if commit.kind == "modified" and revision.projection.generation == before:
            return ()
        return [budget.uid for budget in self._store.list(BUDGETS, revision.key.namespace)]


def _counts_the_same(one: Revision, other: Revision) -> bool:
    now, before = one.projection, other.projection
    same = now.labels == before.labels and now.owners == before.owners and now.deleting == before.deleting
    return same and now.facts.ready == before.facts.ready


class DisruptionBudgets(PerObject[Describe]):
    """The supervisor of all PodDisruptionBudget actors, and of the one that clears up after disruptions that did not
    come about."""

    async def started(self) -> None:
        """Begin with what is there."""
        await super().started()
        self.context.spawn("stale-disruptions", lambda: StaleDisruptions(self.plane))


def disruption_budgets(plane: ControlPlane) -> DisruptionBudgets:
    """The disruption controller."""
    routes = BudgetRoutes(plane.store)
    return DisruptionBudgets(
        plane,
        BUDGETS,
        lambda key, uid: DisruptionBudgetActor(plane, key, uid),
        routes={"pods": routes.pod_changed, **dict.fromkeys(SCALABLE.values(), routes.controller_changed)},
    )
