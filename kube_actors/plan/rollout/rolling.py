"""RollingUpdate: the current set grows into the room there is, the old ones shrink by what is available beyond need."""

from __future__ import annotations

from kube_actors.plan.rollout.current import create_current, current_size, update_current
from kube_actors.plan.rollout.draft import Draft, active, surely_available, wanted_pods
from kube_actors.plan.rollout.limits import fewest_available
from kube_actors.plan.rollout.revisions import by_age


def roll(draft: Draft) -> None:
    """One step of a rolling update. After growing the current set, the old ones wait for the next look."""
    if draft.new is None:
        create_current(draft)
    else:
        update_current(draft)
    if not _grow_current(draft):
        _shrink_old(draft)


def _grow_current(draft: Draft) -> bool:
    new, replicas = draft.new, draft.deployment.spec.replicas
    assert new is not None
    if new.spec.replicas == replicas:
        return False
    if new.spec.replicas > replicas:
        return draft.scale(new, replicas)
    return draft.scale(new, current_size(draft.deployment, new.spec.replicas, draft.present()))


def _shrink_old(draft: Draft) -> None:
    """Take pods from the old sets, unhealthy ones first, then as many as are available beyond need.

    10 replicas, at least 8 available, 10 old pods available and 3 new ones starting: 13 - 8 - 3 = 2 may go now; the
    new ones that are not available yet are not counted on, so each that becomes available lets another old one go.
    """
    new, deployment = draft.new, draft.deployment
    assert new is not None
    if not active(draft.old):
        return
    starting = new.spec.replicas - surely_available(new)
    may_go = wanted_pods(draft.every) - fewest_available(deployment) - starting
    if may_go <= 0:
        return
    _drop_unhealthy(draft, may_go)
    _drop_surplus(draft)


def _drop_unhealthy(draft: Draft, most: int) -> None:
    """Unavailable old pods go first, oldest set first: they only stand in the way."""
    for old in by_age(active(draft.old)):
        count = min(most, old.spec.replicas - surely_available(old))
        if count > 0:
            draft.scale(old, old.spec.replicas - count)
            most -= count


def _drop_surplus(draft: Draft) -> None:
    """Available old pods beyond the fewest needed go, oldest set first."""
    surplus = sum(surely_available(one) for one in draft.every) - fewest_available(draft.deployment)
    for old in by_age(active(draft.old)):
        count = min(old.spec.replicas, surplus)
        if count > 0:
            draft.scale(old, old.spec.replicas - count)
            surplus -= count


def empty_old(draft: Draft) -> bool:
    """Take every pod from the old sets; True when there were any to take."""
    emptied = [draft.scale(old, 0) for old in by_age(active(draft.old))]
    return any(emptied)
