"""One pass over a Deployment, in the order of Kubernetes' controller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from kube_actors.api.selectors import LabelSelector
from kube_actors.api.views.workloads import DeploymentView, ReplicaSetView
from kube_actors.plan.ownership import Claimant, Claims, claim
from kube_actors.plan.planned_event import PlannedEvent
from kube_actors.plan.rollout.current import update_current
from kube_actors.plan.rollout.draft import Draft
from kube_actors.plan.rollout.limits import history_limit, rolls
from kube_actors.plan.rollout.plan import AdoptReplicaSet, DeleteReplicaSet, ReleaseReplicaSet, RolloutPlan
from kube_actors.plan.rollout.progress import assessed, complete, counted, note_pause, wake_at
from kube_actors.plan.rollout.recreate import recreate
from kube_actors.plan.rollout.revisions import by_age, find_new, revision_of
from kube_actors.plan.rollout.rolling import roll
from kube_actors.plan.rollout.scaling import is_scaling, scale
from kube_actors.records import frozen


@frozen
class _Owned:
    """A ReplicaSet as `claim` wants to see it."""

    view: ReplicaSetView

    @property
    def name(self) -> str:
        return self.view.metadata.name

    @property
    def uid(self) -> str:
        return self.view.metadata.uid

    @property
    def labels(self) -> Mapping[str, str]:
        return self.view.metadata.labels

    @property
    def controller_uid(self) -> str:
        owner = self.view.metadata.controller
        return owner.uid if owner else ""

    @property
    def deleting(self) -> bool:
        return self.view.metadata.deleting


def plan_rollout(deployment: DeploymentView, replica_sets: Iterable[ReplicaSetView], now: float) -> RolloutPlan:
    """What to do next for a Deployment.

    `replica_sets` are those of its namespace that it controls or whose labels its selector matches; others do no harm.
    The plan has no actions and the same status as before when the Deployment is where it should be.
    """
    selector = LabelSelector.from_object(deployment.spec.selector)
    if selector.empty:
        return _selects_everything(deployment)
    deleting = deployment.metadata.deleting
    claims = claim(Claimant(deployment.metadata.uid, selector, deleting), map(_Owned, by_age(replica_sets)))
    draft = _draft(deployment, claims, now)
    if deleting:
        return RolloutPlan((), counted(draft))
    note_pause(draft)
    if deployment.spec.paused or is_scaling(draft):
        _rescale(draft)
        status = counted(draft)
    else:
        roll(draft) if rolls(deployment) else recreate(draft)
        if complete(deployment, deployment.status):
            _forget_old(draft)
        status = assessed(draft)
    return RolloutPlan(tuple(draft.actions), status, wake_at(draft, status), tuple(draft.events))


def _selects_everything(deployment: DeploymentView) -> RolloutPlan:
    """An empty selector would claim every pod there is; Kubernetes leaves such a Deployment alone."""
    text = "This deployment is selecting all pods. A non-empty selector is required."
    status = attrs.evolve(deployment.status, observed_generation=deployment.metadata.generation)
    return RolloutPlan((), status, events=(PlannedEvent("Warning", "SelectingAll", text),))


def _draft(deployment: DeploymentView, claims: Claims[_Owned], now: float) -> Draft:
    mine = [one.view for one in claims.mine]
    new = find_new(deployment, mine)
    draft = Draft(deployment, now, deployment.status, new, [one for one in mine if one is not new])
    draft.actions.extend(ReleaseReplicaSet(one.name, one.uid) for one in claims.release)
    draft.actions.extend(AdoptReplicaSet(one.name, one.uid) for one in claims.adopt)
    return draft


def _rescale(draft: Draft) -> None:
    """While paused, or when `replicas` changed: no new template is rolled out, but sizes follow."""
    update_current(draft)
    scale(draft)
    if draft.deployment.spec.paused:
        _forget_old(draft)


def _forget_old(draft: Draft) -> None:
    """Delete the old empty sets beyond the history limit, lowest revision first."""
    limit = history_limit(draft.deployment)
    kept = [one for one in draft.old if not one.metadata.deleting]
    surplus = len(kept) - limit if limit is not None else 0
    if surplus <= 0:
        return
    for one in sorted(kept, key=lambda one: (revision_of(one), one.metadata.creation_timestamp))[:surplus]:
        if _empty(one):
            draft.actions.append(DeleteReplicaSet(one.metadata.name, one.metadata.uid))


def _empty(one: ReplicaSetView) -> bool:
    """Whether the set wants no pods, has none, and knows it."""
    return not (one.spec.replicas or one.status.replicas or one.status.observed_generation < one.metadata.generation)
