"""What exists now, and the ways to ask for it. Nothing here waits, and nothing looks at more than it returns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import merge

from kube_actors.api.selectors import LabelSelector
from kube_actors.store.indexes import Indexes
from kube_actors.store.revision import Key, Revision
from kube_actors.store.table import Table

Revisions = list[Revision]


class Objects:
    """The newest revision of every object, in order and indexed. Lists are the caller's to keep."""

    def __init__(self) -> None:
        self._objects: dict[Key, Revision] = {}
        self._tables: dict[str, Table] = {}
        self._indexes = Indexes()

    def get(self, key: Key) -> Revision | None:
        """The object, or None."""
        return self._objects.get(key)

    def list(self, resource: str, namespace: str | None = None, selector: LabelSelector | None = None) -> Revisions:
        """The objects of a resource by (namespace, name); of one namespace (None or "": all), that match a selector."""
        table = self._tables.get(resource)
        if table is None:
            return []
        if selector is None or selector.empty:
            return table.in_namespace(namespace) if namespace else table.all()
        if selector.matches_nothing:
            return []
        return [
            revision
            for revision in self._candidates(table, resource, namespace, selector)
            if selector.matches(revision.projection.labels)
        ]

    def _candidates(
        self, table: Table, resource: str, namespace: str | None, selector: LabelSelector
    ) -> Iterable[Revision]:
        """The shortest sorted run of objects that holds all the selector can match."""
        narrowest = self._indexes.narrowest(resource, selector)
        available = table.count(namespace) if namespace else len(table)
        if narrowest is None or sum(map(len, narrowest)) >= available:
            return table.in_namespace(namespace) if namespace else table.all()
        found = (self._objects[key] for key in merge(*narrowest))  # each run is sorted, and no key is in two
        return (revision for revision in found if not namespace or revision.key.namespace == namespace)

    def count(self, resource: str) -> int:
        """How many objects a resource has."""
        table = self._tables.get(resource)
        return 0 if table is None else len(table)

    def resources(self) -> Sequence[str]:
        """The ids of the resources that have objects, sorted."""
        return sorted(resource for resource, table in self._tables.items() if len(table))

    def owned_by(self, uid: str) -> Revisions:
        """The objects with an owner reference to this uid."""
        return [self._objects[key] for key in self._indexes.owners.keys(uid)]

    def orphaned_pods(self, namespace: str) -> Revisions:
        """The pods in this namespace that no controller owns."""
        return [self._objects[key] for key in self._indexes.orphans.keys(namespace)]

    def on_node(self, node: str) -> Revisions:
        """The pods bound to this node."""
        return [self._objects[key] for key in self._indexes.nodes.keys(node)]

    def in_namespace(self, namespace: str) -> Revisions:
        """The objects of every resource in this namespace."""
        if not namespace:
            return []
        return [each for resource in sorted(self._tables) for each in self._tables[resource].in_namespace(namespace)]

    def _fill(self, revisions: Iterable[Revision]) -> None:
        """Begins with these objects; sorting once is cheaper than placing each."""
        by_resource: dict[str, Revisions] = {}
        for revision in sorted(revisions, key=lambda revision: revision.key):
            by_resource.setdefault(revision.key.resource, []).append(revision)
            self._objects[revision.key] = revision
            self._indexes.replace(None, revision)
        self._tables = {resource: Table(found) for resource, found in by_resource.items()}

    def _put(self, old: Revision | None, new: Revision) -> None:
        self._objects[new.key] = new
        table = self._tables.get(new.key.resource)
        if table is None:
            table = self._tables[new.key.resource] = Table()
        table.put(new)
        self._indexes.replace(old, new)

    def _discard(self, old: Revision) -> None:
        del self._objects[old.key]
        self._tables[old.key.resource].discard(old.key)
        self._indexes.replace(old, None)
