"""Recreate: no pod of the new template before the last old one is gone."""

from __future__ import annotations

from kube_actors.api.views.workloads import ReplicaSetView
from kube_actors.plan.rollout.current import create_current, update_current
from kube_actors.plan.rollout.draft import Draft
from kube_actors.plan.rollout.rolling import empty_old


def recreate(draft: Draft) -> None:
    """One step: empty the old sets, wait until their pods are gone, then bring up the current one at full size."""
    update_current(draft)
    if empty_old(draft) or any(_may_have_pods(one) for one in draft.old):
        return
    if draft.new is None:
        create_current(draft)
        return
    if draft.new.spec.replicas != draft.deployment.spec.replicas:
        draft.scale(draft.new, draft.deployment.spec.replicas)


def _may_have_pods(replica_set: ReplicaSetView) -> bool:
    """Whether a pod of the set may still run: a terminating one counts, and so does a set whose status lags behind."""
    status = replica_set.status
    unseen = status.observed_generation < replica_set.metadata.generation
    return unseen or status.replicas + (status.terminating_replicas or 0) > 0
