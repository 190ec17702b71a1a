"""What a watch is about, and how a step of the store looks from there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from kube_actors.api.selectors import LabelSelector, Operator
from kube_actors.records import frozen
from kube_actors.store.revision import Commit, CommitKind, Revision, restamped
from kube_actors.store.waiting import Interest

EventType = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
_TYPES: dict[CommitKind, EventType] = {"added": "ADDED", "modified": "MODIFIED", "deleted": "DELETED"}


class WatchEvent(NamedTuple):
    """One event. `revision` is the object, in its last state with the number of its deletion when DELETED.

    A BOOKMARK has no object: it says that everything up to `resource_version` has been sent; `initial_events_end`
    marks the one that ends the initial events (annotation `k8s.io/initial-events-end`).
    """

    type: EventType
    revision: Revision | None
    resource_version: int
    initial_events_end: bool = False


class Batch(list[WatchEvent]):
    """Events handed out together, the same list to every reader that stands at the same place.

    Nobody changes it. `forms` is room for what a reader made of the events, for the next one that wants the same.
    """

    __slots__ = ("forms",)

    def __init__(self, events: Iterable[WatchEvent] = ()) -> None:
        super().__init__(events)
        self.forms: dict[str, bytes] = {}


@frozen
class Scope:
    """Which objects of a resource are watched: a namespace (None: all), a name (None: any), a label selector, any
    other condition (`where`). `node`, if set, is one that `where` demands the pods to be bound to."""

    namespace: str | None = None
    name: str | None = None
    selector: LabelSelector | None = None
    where: Callable[[Revision], bool] | None = None
    node: str = ""

    @property
    def is_selective(self) -> bool:
        """Whether an object can come into the scope, or leave it, by being changed."""
        return self.selector is not None or self.where is not None

    @property
    def interest(self) -> Interest:
        """Which steps can concern the scope at all."""
        if self.name is not None:
            return (self.namespace, self.name)
        if self.node:
            return ("@", "", self.node)
        if self.selector is not None:
            for requirement in self.selector.requirements:
                if requirement.operator in (Operator.EQUALS, Operator.IN) and len(requirement.values) == 1:
                    return ("=", requirement.key, next(iter(requirement.values)))
        return () if self.namespace is None else (self.namespace,)

    def covers(self, revision: Revision) -> bool:
        """Whether the object is in the scope."""
        if not self._has_place(revision):
            return False
        if self.selector is not None and not self.selector.matches(revision.projection.labels):
            return False
        return self.where is None or self.where(revision)

    def event(self, commit: Commit) -> WatchEvent | None:
        """What a watcher of this scope is told about the step; None if it does not concern it."""
        revision = commit.revision
        if not self._has_place(revision):
            return None
        if not self.is_selective:
            return WatchEvent(_TYPES[commit.kind], revision, revision.resource_version)
        was_in = commit.previous is not None and self.covers(commit.previous)
        is_in = commit.kind != "deleted" and self.covers(revision)
        if is_in:
            return WatchEvent("MODIFIED" if was_in else "ADDED", revision, revision.resource_version)
        if not was_in:
            return None
        if commit.kind != "deleted":  # it left the selector: the watcher is shown what it knew, under the new number
            assert commit.previous is not None
            revision = restamped(commit.previous, revision.resource_version)
        return WatchEvent("DELETED", revision, revision.resource_version)

    def _has_place(self, revision: Revision) -> bool:
        key = revision.key
        if self.namespace is not None and key.namespace != self.namespace:
            return False
        return self.name is None or key.name == self.name
