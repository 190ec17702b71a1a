"""What Services hold of things that nobody else may have: read from the store, so nothing can leak."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from kube_actors.store import Commit, Key, Revision, Store

HEADLESS: Final = "None"
V = TypeVar("V", bound=Hashable)


class InUse(Generic[V]):
    """Who uses which value, kept up to date by the store's commits until it is closed."""

    def __init__(self, store: Store, resource: str, values: Callable[[Revision], tuple[V, ...]]) -> None:
        self._values = values
        self._holders: dict[V, Key] = {}
        for revision in store.list(resource):
            self._add(revision)
        self.close = store.subscribe(self._committed, resource)

    def holder(self, value: V) -> Key | None:
        """The object that uses the value."""
        return self._holders.get(value)

    def _add(self, revision: Revision) -> None:
        for value in self._values(revision):
            self._holders[value] = revision.key

    def _committed(self, commit: Commit) -> None:
        before = commit.previous or commit.revision
        for value in self._values(before):
            if self._holders.get(value) == before.key:
                del self._holders[value]
        if commit.kind != "deleted":
            self._add(commit.revision)


def addresses_held(revision: Revision) -> tuple[str, ...]:
    """The addresses of a Service."""
    return tuple(each for each in revision.projection.facts.cluster_ips if each != HEADLESS)


def ports_held(revision: Revision) -> tuple[tuple[str, int], ...]:
    """The (protocol, port) that a Service holds on every node."""
    found: tuple[tuple[str, int], ...] = revision.projection.facts.node_ports
    return found
