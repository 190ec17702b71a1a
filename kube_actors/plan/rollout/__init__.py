"""Deployments: one pass of Kubernetes' deployment controller as a pure function.

`plan_rollout(deployment, replica_sets, now)` looks at a Deployment and at the ReplicaSets it owns or might adopt, and
says what to do next. Each pass takes one step; performing it changes a ReplicaSet, which is the reason for the next
look. At every moment there are at most `replicas + maxSurge` pods that are not terminating, and no step takes an
available pod away when fewer than `replicas - maxUnavailable` would stay.

`rollout undo` is not an action here: write `template_of_revision` into the Deployment, and the ReplicaSet with that
template becomes the current one again.
"""

from __future__ import annotations

from kube_actors.plan.rollout.limits import max_surge, max_unavailable
from kube_actors.plan.rollout.pass_over import plan_rollout
from kube_actors.plan.rollout.plan import (
    AdoptReplicaSet,
    CreateReplicaSet,
    DeleteReplicaSet,
    ReleaseReplicaSet,
    RolloutAction,
    RolloutPlan,
    ScaleReplicaSet,
    SetRevision,
    UpdateReplicaSet,
)
from kube_actors.plan.rollout.revisions import (
    HistoryEntry,
    is_collision,
    rollout_history,
    template_hash,
    template_of_revision,
)

__all__ = [
    "AdoptReplicaSet",
    "CreateReplicaSet",
    "DeleteReplicaSet",
    "HistoryEntry",
    "ReleaseReplicaSet",
    "RolloutAction",
    "RolloutPlan",
    "ScaleReplicaSet",
    "SetRevision",
    "UpdateReplicaSet",
    "is_collision",
    "max_surge",
    "max_unavailable",
    "plan_rollout",
    "rollout_history",
    "template_hash",
    "template_of_revision",
]
