"""The objects of one resource, always in order of (namespace, name)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from kube_actors.store.revision import Key, Revision


class Table:
    """Two parallel lists in key order: a change costs a binary search, a listing one copy of a slice."""

    __slots__ = ("_order", "_revisions")

    def __init__(self, revisions: Iterable[Revision] = ()) -> None:
        self._revisions = sorted(revisions, key=lambda revision: revision.key[1:])
        self._order = [revision.key[1:] for revision in self._revisions]

    def __len__(self) -> int:
        return len(self._order)

    def put(self, revision: Revision) -> None:
        """Adds the object, or puts its newer revision in the place of the older one."""
        place = revision.key[1:]
        at = bisect_left(self._order, place)
        if at < len(self._order) and self._order[at] == place:
            self._revisions[at] = revision
        else:
            self._order.insert(at, place)
            self._revisions.insert(at, revision)

    def discard(self, key: Key) -> None:
        """Removes the object if it is there."""
        at = bisect_left(self._order, key[1:])
        if at < len(self._order) and self._order[at] == key[1:]:
            del self._order[at]
            del self._revisions[at]

    def all(self) -> list[Revision]:
        """Every object, in order."""
        return self._revisions[:]

    def in_namespace(self, namespace: str) -> list[Revision]:
        """The objects of one namespace, in order."""
        start, end = self._bounds(namespace)
        return self._revisions[start:end]

    def count(self, namespace: str) -> int:
        """How many objects one namespace has."""
        start, end = self._bounds(namespace)
        return end - start

    def _bounds(self, namespace: str) -> tuple[int, int]:
        # No string lies between `namespace` and `namespace` + NUL, so the second bound ends exactly this namespace.
        return bisect_left(self._order, (namespace,)), bisect_left(self._order, (namespace + "\0",))
