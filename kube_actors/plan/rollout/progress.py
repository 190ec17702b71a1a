"""A Deployment's status: counts, availability, and whether the update gets on."""

from __future__ import annotations

import attrs

from kube_actors.api.views.workloads import DeploymentCondition, DeploymentStatus, DeploymentView
from kube_actors.plan.planned_event import PlannedEvent
from kube_actors.plan.rollout.conditions import (
    AVAILABLE,
    DEADLINE_EXCEEDED,
    NEW_SET_AVAILABLE,
    PAUSED,
    PROGRESSING,
    REPLICA_FAILURE,
    RESUMED,
    SET_NOT_CREATED,
    SET_UPDATED,
    condition,
    with_condition,
    without,
)
from kube_actors.plan.rollout.draft import Draft, wanted_pods
from kube_actors.plan.rollout.limits import fewest_available, progress_deadline


def note_pause(draft: Draft) -> None:
    """Record that the Deployment was paused or resumed; a missed deadline stays on record over a pause."""
    current = draft.before.condition(PROGRESSING)
    if progress_deadline(draft.deployment) is None or (current and current.reason == DEADLINE_EXCEEDED):
        return
    was_paused = current is not None and current.reason == PAUSED
    if draft.deployment.spec.paused and not was_paused:
        change = condition(PROGRESSING, "Unknown", PAUSED, "Deployment is paused", draft.now)
    elif was_paused and not draft.deployment.spec.paused:
        change = condition(PROGRESSING, "Unknown", RESUMED, "Deployment is resumed", draft.now)
    else:
        return
    draft.before = with_condition(draft.before, change)


def counted(draft: Draft) -> DeploymentStatus:
    """The status by counting: what the sets report, and whether enough pods are available."""
    every, deployment = draft.every, draft.deployment
    available = sum(one.status.available_replicas for one in every)
    status = DeploymentStatus(
        observed_generation=deployment.metadata.generation,
        replicas=sum(one.status.replicas for one in every),
        updated_replicas=draft.new.status.replicas if draft.new else 0,
        ready_replicas=sum(one.status.ready_replicas for one in every),
        available_replicas=available,
        unavailable_replicas=max(0, wanted_pods(every) - available),
        terminating_replicas=sum(one.status.terminating_replicas or 0 for one in every),
        conditions=draft.before.conditions,
        collision_count=draft.before.collision_count,
    )
    if available >= fewest_available(deployment):
        enough = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        enough = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    return with_condition(status, condition(AVAILABLE, *enough, draft.now))


def assessed(draft: Draft) -> DeploymentStatus:
    """The counted status with its Progressing and ReplicaFailure conditions brought up to date."""
    status = counted(draft)
    current = draft.before.condition(PROGRESSING)
    if progress_deadline(draft.deployment) is None:
        status = without(status, PROGRESSING)
    elif not (current and current.reason == NEW_SET_AVAILABLE and status.replicas == status.updated_replicas):
        status = _with_progress(draft, status, current)
    failure = _failure(draft)
    return with_condition(status, failure) if failure else without(status, REPLICA_FAILURE)


def not_created(deployment: DeploymentView, name: str, why: str, now: float) -> tuple[DeploymentStatus, PlannedEvent]:
    """What is to be said when the new set was refused: in the status, and as an Event."""
    text = f'Failed to create new replica set "{name}": {why}'
    status = deployment.status
    if progress_deadline(deployment) is not None:
        status = with_condition(status, condition(PROGRESSING, "False", SET_NOT_CREATED, text, now))
    return status, PlannedEvent("Warning", SET_NOT_CREATED, text)


def complete(deployment: DeploymentView, status: DeploymentStatus) -> bool:
    """Whether every wished pod, and no other, has the current template and is available."""
    counts = (status.updated_replicas, status.replicas, status.available_replicas)
    seen = status.observed_generation >= deployment.metadata.generation
    return seen and all(count == deployment.spec.replicas for count in counts)


def wake_at(draft: Draft, status: DeploymentStatus) -> float | None:
    """When the progress deadline will have passed, if nothing happens until then."""
    deadline, current = progress_deadline(draft.deployment), status.condition(PROGRESSING)
    if deadline is None or current is None or draft.deployment.spec.paused or complete(draft.deployment, status):
        return None
    if current.reason in (DEADLINE_EXCEEDED, NEW_SET_AVAILABLE):
        return None
    return _last_progress(current) + deadline


def _with_progress(draft: Draft, status: DeploymentStatus, current: DeploymentCondition | None) -> DeploymentStatus:
    kind, named = ("ReplicaSet", draft.new) if draft.new else ("Deployment", draft.deployment)
    subject = f'{kind} "{named.metadata.name}"'
    if complete(draft.deployment, status):
        done = condition(PROGRESSING, "True", NEW_SET_AVAILABLE, f"{subject} has successfully progressed.", draft.now)
        return with_condition(status, done)
    if _advanced(draft.deployment.status, status):
        # Seen progress moves the time of the last update even when status and reason stay the same.
        moving = condition(PROGRESSING, "True", SET_UPDATED, f"{subject} is progressing.", draft.now)
        if current is not None and current.status == "True":
            moving = attrs.evolve(moving, last_transition_time=current.last_transition_time)
        return with_condition(without(status, PROGRESSING), moving)
    if _timed_out(draft, current):
        late = condition(PROGRESSING, "False", DEADLINE_EXCEEDED, f"{subject} has timed out progressing.", draft.now)
        return with_condition(status, late)
    return status


def _advanced(before: DeploymentStatus, after: DeploymentStatus) -> bool:
    fewer_old = after.replicas - after.updated_replicas < before.replicas - before.updated_replicas
    more_new = after.updated_replicas > before.updated_replicas
    more_ready = after.ready_replicas > before.ready_replicas or after.available_replicas > before.available_replicas
    return more_new or fewer_old or more_ready


def _timed_out(draft: Draft, current: DeploymentCondition | None) -> bool:
    """Whether the deadline has passed since progress was last seen, an attempt made, or a pause ended."""
    if current is None or current.reason == NEW_SET_AVAILABLE:
        return False
    if current.reason == DEADLINE_EXCEEDED:
        return True
    return draft.now >= _last_progress(current) + (progress_deadline(draft.deployment) or 0)


def _last_progress(current: DeploymentCondition) -> float:
    return current.last_update_time or current.last_transition_time or 0.0


def _failure(draft: Draft) -> DeploymentCondition | None:
    """What keeps a set from making pods, the current one's word first."""
    for one in [*([draft.new] if draft.new else ()), *draft.old]:
        found = one.status.condition(REPLICA_FAILURE)
        if found is not None:
            since = found.last_transition_time
            return DeploymentCondition(REPLICA_FAILURE, found.status, since, since, found.reason, found.message)
    return None
