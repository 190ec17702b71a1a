"""One pass over a Deployment, while it is being planned: the sets as they will be, and what has been decided so far."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from kube_actors.api.views.workloads import DeploymentStatus, DeploymentView, ReplicaSetView
from kube_actors.plan.planned_event import PlannedEvent
from kube_actors.plan.rollout.limits import most_pods
from kube_actors.plan.rollout.plan import RolloutAction, ScaleReplicaSet
from kube_actors.plan.rollout.revisions import MAX_REPLICAS, size_annotations
from kube_actors.records import define


@define
class Draft:
    """The working copy of one pass; local to it. `before` is the status the pass compares its findings with."""

    deployment: DeploymentView
    now: float
    before: DeploymentStatus
    new: ReplicaSetView | None = None
    old: list[ReplicaSetView] = attrs.field(factory=list)
    actions: list[RolloutAction] = attrs.field(factory=list)
    events: list[PlannedEvent] = attrs.field(factory=list)

    @property
    def every(self) -> list[ReplicaSetView]:
        """All sets, the current one last."""
        return [*self.old, *([self.new] if self.new else ())]

    def present(self, *, without: ReplicaSetView | None = None) -> int:
        """The pods there may be right now, but those of one set: a set just scaled down still has those it had.

        Counting them keeps the surge bound at every moment, where counting only what is wanted keeps it at rest.
        """
        new = [max(self.new.spec.replicas, self.new.status.replicas)] if self.new and self.new is not without else []
        return sum(new) + sum(_may_have(old) for old in self.old if old is not without)

    def scale(self, replica_set: ReplicaSetView, replicas: int) -> bool:
        """Give a set a new size, remembering what it was sized for; True when the size changed."""
        wanted = size_annotations(self.deployment.spec.replicas, most_pods(self.deployment))
        have = replica_set.metadata.annotations
        resized = replica_set.spec.replicas != replicas
        if not resized and all(have.get(key) == value for key, value in wanted.items()):
            return False
        name, uid = replica_set.metadata.name, replica_set.metadata.uid
        self.actions.append(ScaleReplicaSet(name, uid, replicas, tuple(wanted.items())))
        if resized:
            before = replica_set.spec.replicas
            direction = "up" if before < replicas else "down"
            text = f"Scaled {direction} replica set {name} from {before} to {replicas}"
            self.events.append(PlannedEvent("Normal", "ScalingReplicaSet", text))
        metadata = attrs.evolve(replica_set.metadata, annotations={**have, **wanted})
        spec = attrs.evolve(replica_set.spec, replicas=replicas)
        self.replace(replica_set, attrs.evolve(replica_set, metadata=metadata, spec=spec))
        return resized

    def replace(self, before: ReplicaSetView, after: ReplicaSetView) -> None:
        """Take a changed set in the place of the one it was made from."""
        if self.new is before:
            self.new = after
        else:
            self.old = [after if one is before else one for one in self.old]


def active(replica_sets: Iterable[ReplicaSetView]) -> list[ReplicaSetView]:
    """Those that should have pods."""
    return [one for one in replica_sets if one.spec.replicas > 0]


def wanted_pods(replica_sets: Iterable[ReplicaSetView]) -> int:
    """The pods these sets should have."""
    return sum(one.spec.replicas for one in replica_sets)


def _may_have(old: ReplicaSetView) -> int:
    """The pods an old set may have. One that was resized and has not answered may have made pods that its status does
    not speak of yet: as many as it was ever sized for."""
    unheard = old.metadata.generation > max(1, old.status.observed_generation)
    before = old.metadata.annotations.get(MAX_REPLICAS, "") if unheard else ""
    return max(old.spec.replicas, old.status.replicas, int(before) if before.isdecimal() else 0)


def surely_available(replica_set: ReplicaSetView) -> int:
    """Available pods that will still be there: a set just scaled down reports those it is about to delete."""
    return min(replica_set.status.available_replicas, replica_set.spec.replicas)
