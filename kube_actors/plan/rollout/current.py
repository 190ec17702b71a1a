"""The current ReplicaSet of a Deployment: found and brought up to date, or made."""

from __future__ import annotations

from typing import Any

import attrs

from kube_actors.api.views import structure
from kube_actors.api.views.workloads import DeploymentView, ReplicaSetView
from kube_actors.plan.ownership import controller_reference
from kube_actors.plan.planned_event import PlannedEvent
from kube_actors.plan.rollout.conditions import NEW_SET_CREATED, NEW_SET_FOUND, PROGRESSING, condition, with_condition
from kube_actors.plan.rollout.draft import Draft
from kube_actors.plan.rollout.limits import most_pods, progress_deadline, rolls
from kube_actors.plan.rollout.plan import CreateReplicaSet, SetRevision, UpdateReplicaSet
from kube_actors.plan.rollout.revisions import (
    HASH_LABEL,
    REVISION,
    plain_template,
    replica_set_name,
    revision_annotations,
    size_annotations,
    template_hash,
)


def update_current(draft: Draft) -> None:
    """Bring annotations, revision and minReadySeconds of the current set in line with the Deployment."""
    new = draft.new
    if new is None:
        return
    annotations = revision_annotations(draft.deployment, draft.old, new.metadata.annotations)
    changed = {key: value for key, value in annotations.items() if new.metadata.annotations.get(key) != value}
    min_ready = draft.deployment.spec.min_ready_seconds
    if changed or new.spec.min_ready_seconds != min_ready:
        settled = tuple(sorted(changed.items()))
        draft.actions.append(UpdateReplicaSet(new.metadata.name, new.metadata.uid, settled, min_ready))
        metadata = attrs.evolve(new.metadata, annotations=annotations)
        spec = attrs.evolve(new.spec, min_ready_seconds=min_ready)
        draft.replace(new, attrs.evolve(new, metadata=metadata, spec=spec))
    _take_revision(draft, annotations.get(REVISION, ""))
    if progress_deadline(draft.deployment) is not None and draft.before.condition(PROGRESSING) is None:
        _note_progress(draft, NEW_SET_FOUND, f'Found new replica set "{new.metadata.name}"')


def create_current(draft: Draft) -> None:
    """Make the current set with as many pods as the bounds allow at once."""
    deployment = draft.deployment
    body = new_replica_set(draft)
    replicas, name = body["spec"]["replicas"], body["metadata"]["name"]
    draft.actions.append(CreateReplicaSet(name, replicas, body))
    draft.new = structure(ReplicaSetView, body)
    if replicas:
        text = f"Scaled up replica set {name} from 0 to {replicas}"
        draft.events.append(PlannedEvent("Normal", "ScalingReplicaSet", text))
    _take_revision(draft, body["metadata"]["annotations"][REVISION])
    if progress_deadline(deployment) is not None:
        _note_progress(draft, NEW_SET_CREATED, f'Created new replica set "{name}"')


def new_replica_set(draft: Draft) -> dict[str, Any]:
    """The complete object of a new current set."""
    deployment = draft.deployment
    metadata = deployment.metadata
    plain = plain_template(deployment.spec.template)
    hashed = template_hash(plain, deployment.status.collision_count)
    template_metadata = plain.get("metadata", {})
    labels = {**template_metadata.get("labels", {}), HASH_LABEL: hashed}
    selector = dict(deployment.spec.selector)
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH_LABEL: hashed}
    annotations = revision_annotations(deployment, draft.old, {})
    annotations.update(size_annotations(deployment.spec.replicas, most_pods(deployment)))
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": replica_set_name(metadata.name, hashed),
            "namespace": metadata.namespace,
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": [controller_reference("apps/v1", "Deployment", metadata.name, metadata.uid)],
        },
        "spec": {
            "replicas": current_size(deployment, 0, draft.present()),
            **({"minReadySeconds": ready_for} if (ready_for := deployment.spec.min_ready_seconds) else {}),
            "selector": selector,
            "template": {**plain, "metadata": {**template_metadata, "labels": labels}},
        },
    }


def current_size(deployment: DeploymentView, size: int, present: int) -> int:
    """How large the current set may be now, being `size`, with `present` pods of all sets together.

    3 replicas, surge 1, and 3 old pods: the current set gets 1; when an old one has gone, 2.
    """
    if not rolls(deployment):
        return deployment.spec.replicas
    room = most_pods(deployment) - present
    return size + max(0, min(room, deployment.spec.replicas - size))


def _take_revision(draft: Draft, revision: str) -> None:
    if revision and draft.deployment.metadata.annotations.get(REVISION) != revision:
        draft.actions.append(SetRevision(revision))


def _note_progress(draft: Draft, reason: str, message: str) -> None:
    draft.before = with_condition(draft.before, condition(PROGRESSING, "True", reason, message, draft.now))
