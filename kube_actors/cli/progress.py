"""How far the objects of a file have come, read from the store: what the live view and the plain lines show."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from kube_actors.records import frozen
from kube_actors.store import Key, Revision, Store

FOLLOWED: Final = ("pods", "replicasets.apps", "deployments.apps")
_SINGULAR: Final = {"pods": "pod", "replicasets.apps": "replicaset", "deployments.apps": "deployment"}
_QUIET: Final = frozenset({"ContainerCreating", "PodInitializing", ""})
_PODS_LOOKED_AT: Final = 50


@frozen
class Row:
    """One workload: `ready` of `wanted` pods can be used; `note` says what is in the way."""

    name: str
    ready: int
    wanted: int
    done: bool
    note: str = ""


def rows(store: Store, keys: Collection[Key]) -> tuple[Row, ...]:
    """The workloads among these objects, in their order."""
    found = ((key, store.get(key)) for key in keys if key.resource in FOLLOWED)
    return tuple(_ROWS[key.resource](store, key, revision) if revision else _gone(key) for key, revision in found)


def all_done(found: Collection[Row]) -> bool:
    """Whether nothing is left to wait for."""
    return all(row.done for row in found)


def _gone(key: Key) -> Row:
    return Row(_name(key), 0, 0, True, "deleted")


def _name(key: Key) -> str:
    name = f"{_SINGULAR[key.resource]}/{key.name}"
    return name if key.namespace == "default" else f"{key.namespace}/{name}"


def _pod(_store: Store, key: Key, pod: Revision) -> Row:
    facts = pod.projection.facts
    done = facts.ready or facts.phase == "Succeeded"
    return Row(_name(key), int(done), 1, done, "" if done else _pod_note(pod))


def _replica_set(store: Store, key: Key, revision: Revision) -> Row:
    body = revision.body()
    wanted, status = body["spec"].get("replicas", 1), body.get("status") or {}
    available = status.get("availableReplicas", 0)
    done = _observed(body) and available == wanted == status.get("replicas", 0)
    return Row(_name(key), available, wanted, done, "" if done else _note(store, body, [revision]))


def _deployment(store: Store, key: Key, revision: Revision) -> Row:
    """Done as `kubectl rollout status` sees it; of a paused one only the replicas count."""
    body = revision.body()
    wanted, status = body["spec"].get("replicas", 1), body.get("status") or {}
    available, total = status.get("availableReplicas", 0), status.get("replicas", 0)
    rolled = status.get("updatedReplicas", 0) == total or body["spec"].get("paused", False)
    done = _observed(body) and rolled and available == wanted == total
    return Row(_name(key), available, wanted, done, "" if done else _note(store, body, store.owned_by(revision.uid)))


_ROWS: Final = {"pods": _pod, "replicasets.apps": _replica_set, "deployments.apps": _deployment}


def _observed(body: Mapping[str, Any]) -> bool:
    observed = (body.get("status") or {}).get("observedGeneration", 0)
    return bool(observed >= body["metadata"].get("generation", 1))


def _note(store: Store, body: Mapping[str, Any], owners: list[Revision]) -> str:
    """Why a workload is not ready: its own failing condition, else what its newest unready pods say."""
    for condition in (body.get("status") or {}).get("conditions") or ():
        if condition["type"] == "Progressing" and condition["status"] == "False":
            return str(condition.get("reason", ""))
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            return str(condition.get("message", ""))
    notes = (_pod_note(pod) for pod in _unready_pods(store, owners))
    return next((note for note in notes if note), "")


def _unready_pods(store: Store, owners: list[Revision]) -> Iterator[Revision]:
    looked_at = 0
    for owner in sorted(owners, key=lambda each: -each.projection.created):
        for pod in store.owned_by(owner.uid):
            if pod.key.resource == "pods" and not pod.projection.facts.ready:
                looked_at += 1
                if looked_at > _PODS_LOOKED_AT:
                    return
                yield pod


def _pod_note(pod: Revision) -> str:
    status = pod.body().get("status") or {}
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"{condition.get('reason', '')}: {condition.get('message', '')}"
    for field in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(field) or ():
            waiting = (container.get("state") or {}).get("waiting") or {}
            if waiting.get("reason", "") not in _QUIET:
                return ": ".join(part for part in (waiting["reason"], waiting.get("message", "")) if part)
    return str(status.get("reason") or "")
