"""What the store's tests are made of: small pods, their projection, a store, and a journal that waits to be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import trio

from kube_actors.records import frozen
from kube_actors.store import Candidate, Commit, Key, Projection, Revision, Store, WatchEvent, base_projection
from kube_actors.store.journal import Journal, Loaded, MemoryJournal


@frozen
class Facts:
    """What the tests' kinds know of an object."""

    node: str


def project(resource: str, body: Mapping[str, Any]) -> Projection:
    """A projection with the node of a pod as its facts."""
    return base_projection(body, Facts(body.get("spec", {}).get("nodeName", "")))


def fail_on_error(error: Exception, commit: Commit) -> None:
    """For stores none of whose subscribers may fail."""
    raise AssertionError(f"a subscriber failed on {commit}") from error


def pod(name: str, namespace: str = "default", *, node: str = "", padding: int = 0, **labels: str) -> dict[str, Any]:
    """A Pod body; its uid is made of its name."""
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{namespace}-{name}", "labels": labels}
    spec: dict[str, Any] = {"nodeName": node} if node else {}
    if padding:
        metadata["annotations"] = {"padding": "x" * padding}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def candidate(body: Mapping[str, Any], resource: str = "pods") -> Candidate:
    """What a writer offers to make `body` the next revision."""
    metadata = body["metadata"]
    key = Key(resource, metadata.get("namespace", ""), metadata["name"])
    return Candidate(key, metadata["uid"], body, project(resource, body))


def new_store(journal: Journal | None = None, **options: Any) -> Store:
    """A store of our pods, in memory unless a journal is given."""
    return Store(journal or MemoryJournal(), project=project, on_error=fail_on_error, **options)


def create(store: Store, body: Mapping[str, Any], resource: str = "pods") -> Revision:
    """Creates the object."""
    return store.commit(candidate(body, resource), None)


def update(store: Store, body: Mapping[str, Any], resource: str = "pods") -> Revision:
    """Replaces the object, whatever it is now."""
    offer = candidate(body, resource)
    live = store.get(offer.key)
    assert live is not None
    return store.commit(offer, live.resource_version)


def delete(store: Store, name: str, namespace: str = "default", resource: str = "pods") -> Revision:
    """Removes the object in the state it has."""
    key = Key(resource, namespace, name)
    live = store.get(key)
    assert live is not None
    return store.remove(key, live.resource_version, live.body())


def names(revisions: list[Revision]) -> list[str]:
    """The names alone."""
    return [revision.key.name for revision in revisions]


def told(events: list[WatchEvent]) -> list[tuple[str, str]]:
    """Events as (type, name of the object)."""
    return [(event.type, event.revision.key.name if event.revision else "") for event in events]


class HeldJournal(Journal):
    """A journal whose disk is slow until the test lets it go on."""

    limit = 1 << 40

    def __init__(self) -> None:
        super().__init__()
        self.last = 0

    def load(self) -> Loaded:
        """Nothing."""
        return Loaded()

    def append(self, commit: Commit) -> None:
        """Takes notice."""
        self.last = commit.resource_version

    def skip(self, commit: Commit) -> None:
        """Takes notice."""
        self.last = commit.resource_version

    def release(self, revision: int | None = None) -> None:
        """Everything, or everything up to `revision`, has reached the disk."""
        self._on_durable(self.last if revision is None else revision)

    async def run(self) -> None:
        """Nothing to do."""
        await trio.sleep_forever()

    def close(self) -> None:
        """Nothing to do."""
