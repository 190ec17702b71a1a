"""`rollout history`, `undo`, `restart`, `pause`, `resume`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.api.registry import Resource
from kube_actors.api.times import rfc3339
from kube_actors.api.views.workloads import DeploymentView, ReplicaSetView
from kube_actors.plan.rollout import rollout_history, template_of_revision
from kube_actors.plan.rollout.revisions import (
    DESIRED_REPLICAS,
    MAX_REPLICAS,
    REVISION,
    REVISION_HISTORY,
    plain_template,
    revision_of,
)
from kube_actors.records import frozen
from kube_actors.store import Key, Revision
from kube_actors.verbs.errors import UsageError, VerbError
from kube_actors.verbs.selection import Selection, find_one
from kube_actors.verbs.session import Session

DEPLOYMENTS = "deployments.apps"
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_OWN = frozenset(
    {
        REVISION,
        REVISION_HISTORY,
        DESIRED_REPLICAS,
        MAX_REPLICAS,
        "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to",
    }
)
_TEMPLATED = frozenset({DEPLOYMENTS, "daemonsets.apps", "statefulsets.apps"})


@frozen
class RevisionEntry:
    """One kept revision: its number, why it was made ("" when nobody said), and its pod template."""

    revision: int
    change_cause: str
    template: Mapping[str, Any]


def deployment_of(session: Session, selection: Selection, verb: str) -> Revision:
    """The Deployment that is meant. UsageError for kinds that cannot be rolled."""
    if selection.resource.id != DEPLOYMENTS:
        raise UsageError(f"{selection.resource.id} cannot be rolled here: {verb} works on deployments")
    return find_one(session, selection)


async def rollout_history_of(session: Session, deployment: Revision) -> tuple[RevisionEntry, ...]:
    """The revisions that are kept, oldest first."""
    sets = _replica_sets(session, deployment)
    by_name = {each.metadata.name: each for each in sets}
    await session.settled()
    return tuple(
        RevisionEntry(entry.revision, entry.change_cause, by_name[entry.replica_set].spec.template)
        for entry in rollout_history(sets)
    )


def revision_entry(entries: tuple[RevisionEntry, ...], revision: int) -> RevisionEntry:
    """One of them by number. VerbError when it is not kept."""
    for entry in entries:
        if entry.revision == revision:
            return entry
    raise VerbError(f"unable to find the specified revision {revision} in history")


@frozen
class Undone:
    """What an undo did; `skipped` is the reason why nothing had to be."""

    revision: Revision
    skipped: str = ""


async def rollout_undo(
    session: Session, deployment: Revision, to_revision: int = 0, *, dry_run: bool = False
) -> Undone:
    """Bring back the pod template (and the annotations) of a revision; 0 is the one before the current. VerbError."""
    view: DeploymentView = deployment.view
    if view.spec.paused:
        raise VerbError(
            "you cannot rollback a paused deployment; resume it first with "
            f"'rollout resume deployment/{deployment.key.name}' and try again"
        )
    sets = _replica_sets(session, deployment)
    try:
        template = template_of_revision(view, sets, to_revision)
    except LookupError as error:
        raise VerbError(str(error)) from None
    if plain_template(view.spec.template) == template:
        which = to_revision or max((revision_of(each) for each in sets), default=0)
        return Undone(deployment, f"current template already matches revision {which}")
    annotations = next(each for each in sets if plain_template(each.spec.template) == template).metadata.annotations

    def change(body: dict[str, Any]) -> None:
        body["spec"]["template"] = template
        kept = {name: text for name, text in (body["metadata"].get("annotations") or {}).items() if name in _OWN}
        restored = {name: text for name, text in annotations.items() if name not in _OWN}
        body["metadata"]["annotations"] = {**kept, **restored}

    if dry_run:
        return Undone(deployment)
    revision = await session.client.mutate(deployment.key, change, uid=deployment.uid)
    await session.client.durable(revision)
    return Undone(revision)


async def rollout_restart(session: Session, resource: Resource, key: Key) -> Revision:
    """Replace every pod, by a changed annotation of the template. VerbError for a paused Deployment."""
    if resource.id not in _TEMPLATED:
        raise VerbError(f'{resource.id} "{key.name}" can\'t restart: restarting is not supported')

    def change(body: dict[str, Any]) -> None:
        if body["spec"].get("paused"):
            raise VerbError(f'{resource.id} "{key.name}" can\'t restart paused deployment (run rollout resume first)')
        metadata = body["spec"]["template"].setdefault("metadata", {})
        annotations = metadata.setdefault("annotations", {})
        stamp = rfc3339(session.now)
        if annotations.get(RESTARTED_AT) == stamp:
            raise VerbError("it was restarted within the past second: wait before triggering another")
        annotations[RESTARTED_AT] = stamp

    return await _write(session, key, change)


async def rollout_pause(session: Session, resource: Resource, key: Key, *, paused: bool) -> Revision:
    """Hold a rollout, or let it go on. VerbError when it is so already."""
    if resource.id != DEPLOYMENTS:
        raise VerbError(f'{resource.id} "{key.name}" cannot be paused: pausing is not supported')

    def change(body: dict[str, Any]) -> None:
        if bool(body["spec"].get("paused")) == paused:
            state = "already paused" if paused else "not paused"
            raise VerbError(f'{resource.id} "{key.name}" is {state}')
        if paused:
            body["spec"]["paused"] = True
        else:
            del body["spec"]["paused"]

    return await _write(session, key, change)


async def _write(session: Session, key: Key, change: Any) -> Revision:
    revision = await session.client.mutate(key, change)
    await session.client.durable(revision)
    return revision


def _replica_sets(session: Session, deployment: Revision) -> list[ReplicaSetView]:
    """The ReplicaSets that a Deployment controls."""
    owned = session.plane.store.owned_by(deployment.uid)
    views = (each.view for each in owned if each.key.resource == "replicasets.apps")
    return [view for view in views if (owner := view.metadata.controller) and owner.uid == deployment.uid]
