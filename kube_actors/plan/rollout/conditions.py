"""A Deployment's conditions, and when setting one changes anything."""

from __future__ import annotations

import attrs

from kube_actors.api.views.workloads import DeploymentCondition, DeploymentStatus

AVAILABLE = "Available"
PROGRESSING = "Progressing"
REPLICA_FAILURE = "ReplicaFailure"

NEW_SET_CREATED = "NewReplicaSetCreated"
NEW_SET_FOUND = "FoundNewReplicaSet"
SET_NOT_CREATED = "ReplicaSetCreateError"
SET_UPDATED = "ReplicaSetUpdated"
NEW_SET_AVAILABLE = "NewReplicaSetAvailable"
DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"
PAUSED = "DeploymentPaused"
RESUMED = "DeploymentResumed"


def condition(kind: str, status: str, reason: str, message: str, now: float) -> DeploymentCondition:
    """A condition as found now."""
    return DeploymentCondition(kind, status, now, now, reason, message)


def without(status: DeploymentStatus, kind: str) -> DeploymentStatus:
    """The status without the condition of that type."""
    return attrs.evolve(status, conditions=tuple(one for one in status.conditions if one.type != kind))


def with_condition(status: DeploymentStatus, new: DeploymentCondition) -> DeploymentStatus:
    """The status with this condition.

    Nothing changes while status and reason stay the same; the transition time is kept while the status stays the same.
    """
    current = status.condition(new.type)
    if current is not None and current.status == new.status:
        if current.reason == new.reason:
            return status
        new = attrs.evolve(new, last_transition_time=current.last_transition_time)
    return attrs.evolve(status, conditions=(*without(status, new.type).conditions, new))
