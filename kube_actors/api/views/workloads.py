"""Deployments and ReplicaSets. Pod template and selector stay the raw JSON they will be copied and hashed as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from kube_actors.api.views.converter import Time, always
from kube_actors.api.views.metadata import ObjectMeta
from kube_actors.records import frozen


@frozen
class RollingUpdate:
    """How far a rolling update may stray from the wished number: counts or percentages."""

    max_surge: int | str = "25%"
    max_unavailable: int | str = "25%"


@frozen
class DeploymentStrategy:
    """RollingUpdate or Recreate."""

    type: str = "RollingUpdate"
    rolling_update: RollingUpdate | None = None


@frozen
class DeploymentCondition:
    """A condition of a Deployment; `last_update_time` is when progress was last seen."""

    type: str = always(default="")
    status: str = always(default="")
    last_update_time: Time | None = None
    last_transition_time: Time | None = None
    reason: str = ""
    message: str = ""


@frozen
class DeploymentSpec:
    """What a Deployment is to be."""

    replicas: int = 1
    selector: Mapping[str, Any] = attrs.field(factory=dict)
    template: Mapping[str, Any] = attrs.field(factory=dict)
    strategy: DeploymentStrategy = DeploymentStrategy()
    min_ready_seconds: int = 0
    revision_history_limit: int | None = None
    paused: bool = False
    progress_deadline_seconds: int | None = None


@frozen
class DeploymentStatus:
    """Every field of a Deployment's status."""

    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    unavailable_replicas: int = 0
    terminating_replicas: int | None = None
    conditions: tuple[DeploymentCondition, ...] = ()
    collision_count: int | None = None

    def condition(self, kind: str) -> DeploymentCondition | None:
        """The condition of that type, if it was ever set."""
        return next((condition for condition in self.conditions if condition.type == kind), None)


@frozen
class DeploymentView:
    """A Deployment."""

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: DeploymentSpec = DeploymentSpec()
    status: DeploymentStatus = DeploymentStatus()


@frozen
class ReplicaSetCondition:
    """A condition of a ReplicaSet (ReplicaFailure)."""

    type: str = always(default="")
    status: str = always(default="")
    last_transition_time: Time | None = None
    reason: str = ""
    message: str = ""


@frozen
class ReplicaSetSpec:
    """What a ReplicaSet is to be."""

    replicas: int = 1
    min_ready_seconds: int = 0
    selector: Mapping[str, Any] = attrs.field(factory=dict)
    template: Mapping[str, Any] = attrs.field(factory=dict)


@frozen
class ReplicaSetStatus:
    """Every field of a ReplicaSet's status."""

    replicas: int = always(default=0)
    fully_labeled_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    terminating_replicas: int | None = None
    observed_generation: int = 0
    conditions: tuple[ReplicaSetCondition, ...] = ()

    def condition(self, kind: str) -> ReplicaSetCondition | None:
        """The condition of that type, if it is set."""
        return next((condition for condition in self.conditions if condition.type == kind), None)


@frozen
class ReplicaSetView:
    """A ReplicaSet."""

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: ReplicaSetSpec = ReplicaSetSpec()
    status: ReplicaSetStatus = ReplicaSetStatus()


@frozen
class ReplicationControllerView:
    """A ReplicationController: a ReplicaSet of old, whose selector is a plain map of labels."""

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: ReplicaSetSpec = ReplicaSetSpec()
    status: ReplicaSetStatus = ReplicaSetStatus()

    @property
    def replica_set(self) -> ReplicaSetView:
        """The ReplicaSet that would ask for the same."""
        spec = attrs.evolve(self.spec, selector={"matchLabels": self.spec.selector})
        return ReplicaSetView(self.metadata, spec, self.status)
