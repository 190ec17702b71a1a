"""A change of `replicas` in the middle of an update: shared out among the sets in proportion to their size."""

from __future__ import annotations

import math
from collections.abc import Sequence

from kube_actors.api.views.workloads import DeploymentView, ReplicaSetView
from kube_actors.plan.rollout.draft import Draft, active, surely_available, wanted_pods
from kube_actors.plan.rollout.limits import fewest_available, most_pods, rolls
from kube_actors.plan.rollout.revisions import DESIRED_REPLICAS, MAX_REPLICAS, by_age
from kube_actors.plan.rollout.rolling import empty_old


def is_scaling(draft: Draft) -> bool:
    """Whether some set with pods was sized for another number of replicas than the Deployment has now.

    Recreate shares nothing out: with several sets that have pods (it was RollingUpdate before) all but one are about to
    be emptied, and the last one then gets the right size.
    """
    if not rolls(draft.deployment) and len(active(draft.every)) > 1:
        return False
    wanted = draft.deployment.spec.replicas
    sized_for = (_number(one, DESIRED_REPLICAS) for one in active(draft.every))
    return any(number is not None and number != wanted for number in sized_for)


def scale(draft: Draft) -> None:
    """Resize the sets for the Deployment's number of replicas, keeping their proportions.

    One that was paused when it was made has none yet.
    """
    if not draft.every:
        return
    only = _only_or_latest(draft)
    if only is not None:
        draft.scale(only, _bounded(draft, only))
    elif draft.new is not None and _saturated(draft.deployment, draft.new):
        empty_old(draft)
    elif rolls(draft.deployment):
        _scale_in_proportion(draft)


def _only_or_latest(draft: Draft) -> ReplicaSetView | None:
    """The one set with pods; when none has any, the current or else the newest; None when several have."""
    busy = active(draft.every)
    if len(busy) > 1:
        return None
    if busy:
        return busy[0]
    return draft.new or (by_age(draft.old)[-1] if draft.old else None)


def _bounded(draft: Draft, only: ReplicaSetView) -> int:
    """The Deployment's replicas, less what the surge bound forbids while pods of emptied sets are still there."""
    replicas = draft.deployment.spec.replicas
    if not rolls(draft.deployment):
        return replicas
    room = most_pods(draft.deployment) - draft.present(without=only)
    return min(replicas, max(room, only.spec.replicas))


def _saturated(deployment: DeploymentView, new: ReplicaSetView) -> bool:
    """Whether the current set alone is all that the Deployment wants."""
    wanted = deployment.spec.replicas
    sizes = (new.spec.replicas, _number(new, DESIRED_REPLICAS), new.status.available_replicas)
    return all(size == wanted for size in sizes)


def _scale_in_proportion(draft: Draft) -> None:
    """Share what is to be added or removed among the sets with pods, the largest taking what rounding leaves.

    From 10 (surge 3) to 20 (surge 5) with sets of 8 and 5: 12 more; 8 x 25/13 = 15.4 gets 7, 5 x 25/13 = 9.6 gets 5.
    """
    deployment = draft.deployment
    busy = active(draft.every)
    allowed = most_pods(deployment) if deployment.spec.replicas > 0 else 0
    change = allowed - wanted_pods(busy)
    if change > 0:
        # Pods that emptied or shrunken sets still have must fit below the bound too.
        change = max(0, min(change, allowed - draft.present()))
        busy.sort(key=lambda one: (-one.spec.replicas, -one.metadata.creation_timestamp, one.metadata.name))
    else:
        busy.sort(key=lambda one: (-one.spec.replicas, one.metadata.creation_timestamp, one.metadata.name))
    sizes, shared = [], 0
    for one in busy:
        part = _share(deployment, one, change, change - shared)
        shared += part
        sizes.append(one.spec.replicas + part)
    sizes[0] = max(0, sizes[0] + change - shared)
    if change < 0:
        _spare_available(deployment, busy, sizes)
    for one, size in zip(busy, sizes, strict=True):
        draft.scale(one, size)


def _share(deployment: DeploymentView, one: ReplicaSetView, change: int, left: int) -> int:
    """One set's part of the change, never more than is left of it."""
    if change == 0 or left == 0:
        return 0
    if deployment.spec.replicas == 0:
        return max(-one.spec.replicas, left)
    before = _number(one, MAX_REPLICAS) or deployment.status.replicas
    if before == 0:
        return 0
    exact = one.spec.replicas * most_pods(deployment) / before
    part = math.floor(exact + 0.5) - one.spec.replicas
    return min(part, left) if change > 0 else max(part, left)


def _spare_available(deployment: DeploymentView, busy: Sequence[ReplicaSetView], sizes: list[int]) -> None:
    """While fewer pods than needed would stay available, let a set that has unavailable ones give instead.

    Kubernetes shares by size alone and can fall below its own bound here; at rest the outcome is the same.
    """
    available = [surely_available(one) for one in busy]
    short = fewest_available(deployment) - sum(map(min, sizes, available))
    for to, _ in enumerate(busy):
        for giver, _ in enumerate(busy):
            moved = min(short, available[to] - sizes[to], sizes[giver] - available[giver])
            if moved > 0:
                sizes[to] += moved
                sizes[giver] -= moved
                short -= moved


def _number(replica_set: ReplicaSetView, annotation: str) -> int | None:
    text = replica_set.metadata.annotations.get(annotation, "")
    return int(text) if text.isascii() and text.isdigit() else None
