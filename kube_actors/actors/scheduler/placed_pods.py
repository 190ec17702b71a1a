"""Pods that have a node: when they count otherwise than they did, for room on the node or as neighbours."""

from __future__ import annotations

import attrs

from kube_actors.plan.scheduling import PodSummary
from kube_actors.store import Projection, Revision


def may_count_otherwise(now: Projection, before: Projection) -> bool:
    """Whether a change of a pod is about its requests, its labels, or its being deleted. Most are about its status."""
    return (
        now.generation != before.generation
        or (now.deleting is None) != (before.deleting is None)
        or now.labels != before.labels
    )


def recounted(known: PodSummary, pod: Revision) -> PodSummary | None:
    """What a pod counts as now; None when nothing has changed. All else that matters is fixed once it has a node."""
    projection = pod.projection
    if (known.requests.cpu, known.requests.memory) != projection.facts.requests:
        return PodSummary.of(pod.view, placed=True)
    deleting = projection.deleting is not None
    if known.deleting == deleting and known.labels == projection.labels:
        return None
    return attrs.evolve(known, deleting=deleting, labels=projection.labels)
