"""What a rollout plan consists of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.api.views.workloads import DeploymentStatus
from kube_actors.plan.planned_event import PlannedEvent
from kube_actors.records import frozen


@frozen
class AdoptReplicaSet:
    """Become the controller of a matching orphan (check that uid is still its uid)."""

    name: str
    uid: str


@frozen
class ReleaseReplicaSet:
    """Give up a ReplicaSet whose labels no longer match: remove our owner reference."""

    name: str
    uid: str


@frozen
class CreateReplicaSet:
    """Create this complete object. When its name is taken by another template, see `is_collision`."""

    name: str
    replicas: int
    body: Mapping[str, Any]


@frozen
class UpdateReplicaSet:
    """Set these annotations (others stay) and minReadySeconds of the current ReplicaSet."""

    name: str
    uid: str
    annotations: tuple[tuple[str, str], ...]
    min_ready_seconds: int


@frozen
class ScaleReplicaSet:
    """Set `spec.replicas` and these annotations (others stay), in one write."""

    name: str
    uid: str
    replicas: int
    annotations: tuple[tuple[str, str], ...]


@frozen
class DeleteReplicaSet:
    """Delete an old, empty ReplicaSet beyond the history limit."""

    name: str
    uid: str


@frozen
class SetRevision:
    """Write the annotation `deployment.kubernetes.io/revision` of the Deployment."""

    revision: str


RolloutAction = (
    AdoptReplicaSet
    | ReleaseReplicaSet
    | CreateReplicaSet
    | UpdateReplicaSet
    | ScaleReplicaSet
    | DeleteReplicaSet
    | SetRevision
)


@frozen
class RolloutPlan:
    """Perform `actions` in order, then write `status` if it differs; look again at `wake_at` (epoch seconds)."""

    actions: tuple[RolloutAction, ...]
    status: DeploymentStatus
    wake_at: float | None = None
    events: tuple[PlannedEvent, ...] = ()
