"""Which ReplicaSet is the current one, what its revision is, and how templates are told apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kube_actors.api.views.workloads import DeploymentView, ReplicaSetView
from kube_actors.records import frozen

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"
CHANGE_CAUSE = "kubernetes.io/change-cause"

_NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to",
        REVISION,
        REVISION_HISTORY,
        DESIRED_REPLICAS,
        MAX_REPLICAS,
    }
)
_HISTORY_CHARACTERS = 2000
# Kubernetes' safe alphabet: no vowels (no words arise), nothing that looks like something else.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_HASH_LENGTH = 10
_NAME_LENGTH = 253


def plain_template(template: Mapping[str, Any]) -> dict[str, Any]:
    """A pod template as its author wrote it: without the hash label, and without empty metadata."""
    metadata = {key: value for key, value in (template.get("metadata") or {}).items() if value not in (None, {}, [])}
    labels = {key: value for key, value in (metadata.pop("labels", None) or {}).items() if key != HASH_LABEL}
    if labels:
        metadata["labels"] = labels
    plain = {key: value for key, value in template.items() if key != "metadata"}
    return {"metadata": metadata, **plain} if metadata else plain


def template_hash(template: Mapping[str, Any], collision_count: int | None) -> str:
    """The value of `pod-template-hash`: the same for equal templates whatever the order of their keys.

    `collision_count` (from the Deployment's status) gives the same template another hash when a name was taken.
    """
    text = json.dumps(plain_template(template), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(f"{text}#{collision_count or 0}".encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:_HASH_LENGTH])


def by_age(replica_sets: Iterable[ReplicaSetView]) -> list[ReplicaSetView]:
    """Oldest first, equal ages by name."""
    return sorted(replica_sets, key=lambda one: (one.metadata.creation_timestamp, one.metadata.name))


def find_new(deployment: DeploymentView, replica_sets: Iterable[ReplicaSetView]) -> ReplicaSetView | None:
    """The ReplicaSet with the Deployment's template; the oldest if several have it."""
    wanted = plain_template(deployment.spec.template)
    return next((one for one in by_age(replica_sets) if plain_template(one.spec.template) == wanted), None)


def revision_of(replica_set: ReplicaSetView) -> int:
    """Its revision number; 0 when it has none or an unreadable one."""
    text = replica_set.metadata.annotations.get(REVISION, "0")
    return int(text) if text.isascii() and text.isdigit() else 0


def size_annotations(replicas: int, most: int) -> dict[str, str]:
    """What a ReplicaSet remembers of the Deployment it was last sized for, for proportional scaling."""
    return {DESIRED_REPLICAS: str(replicas), MAX_REPLICAS: str(most)}


def revision_annotations(
    deployment: DeploymentView, old: Sequence[ReplicaSetView], current: Mapping[str, str]
) -> dict[str, str]:
    """The annotations the current ReplicaSet should have, given those it has.

    The Deployment's own are copied. The revision becomes one more than the highest of the others, unless it already is
    higher (older sets may have been deleted since); a set that is rolled back to keeps its earlier numbers as history.
    """
    wanted = dict(current)
    wanted.update({key: value for key, value in deployment.metadata.annotations.items() if key not in _NOT_COPIED})
    revision = max((revision_of(one) for one in old), default=0) + 1
    before = current.get(REVISION)
    if before and not (before.isascii() and before.isdigit()):
        return wanted
    if int(before or 0) < revision:
        wanted[REVISION] = str(revision)
        if before is not None:
            wanted[REVISION_HISTORY] = _with_history(current.get(REVISION_HISTORY, ""), before)
    return wanted


def _with_history(history: str, revision: str) -> str:
    """The history with one more revision, the oldest dropped when it would grow beyond 2,000 characters."""
    revisions = [*(history.split(",") if history else ()), revision]
    while len(revisions) > 1 and len(",".join(revisions)) > _HISTORY_CHARACTERS:
        revisions.pop(0)
    return ",".join(revisions)


def replica_set_name(deployment_name: str, template_hash: str) -> str:
    """`<deployment>-<hash>`, the deployment's part cut to fit the limit of names."""
    return f"{deployment_name[: _NAME_LENGTH - len(template_hash) - 1].rstrip('-.')}-{template_hash}"


def is_collision(deployment: DeploymentView, existing: ReplicaSetView) -> bool:
    """Whether a ReplicaSet that has the name of the one to create is another one.

    If so, raise `status.collisionCount` by one and plan again; otherwise it is the one that was to be created.
    """
    owner = existing.metadata.controller
    ours = owner is not None and owner.uid == deployment.metadata.uid
    return not ours or plain_template(existing.spec.template) != plain_template(deployment.spec.template)


@frozen
class HistoryEntry:
    """One revision of a Deployment, as `kubectl rollout history` lists it."""

    revision: int
    replica_set: str
    change_cause: str = ""


def rollout_history(replica_sets: Iterable[ReplicaSetView]) -> tuple[HistoryEntry, ...]:
    """The revisions still kept, oldest first."""
    entries = (
        HistoryEntry(revision_of(one), one.metadata.name, one.metadata.annotations.get(CHANGE_CAUSE, ""))
        for one in replica_sets
        if revision_of(one) > 0
    )
    return tuple(sorted(entries, key=lambda entry: entry.revision))


def template_of_revision(
    deployment: DeploymentView, replica_sets: Sequence[ReplicaSetView], revision: int = 0
) -> dict[str, Any]:
    """The pod template to write back for `rollout undo`; revision 0 means the one before the current.

    LookupError in kubectl's words when there is no such revision.
    """
    found = {revision_of(one): one for one in by_age(replica_sets) if revision_of(one) > 0}
    if revision == 0:
        earlier = sorted(found)[:-1]
        if not earlier:
            raise LookupError(f'no rollout history found for deployment "{deployment.metadata.name}"')
        return plain_template(found[earlier[-1]].spec.template)
    if revision not in found:
        raise LookupError(f"unable to find specified revision {revision} in history")
    return plain_template(found[revision].spec.template)
