"""Ways to find objects without looking at all of them: by owner, by label; pods by node, and those without owner."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

from kube_actors.api.selectors import LabelSelector, Operator
from kube_actors.store.revision import Key, Revision

PODS = "pods"

ValueT = TypeVar("ValueT", bound=Hashable)


class Index(Generic[ValueT]):
    """For every value in use, the keys that have it, in order."""

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: dict[ValueT, list[Key]] = {}

    def add(self, value: ValueT, key: Key) -> None:
        """Files `key` under `value`; twice is once."""
        keys = self._keys.setdefault(value, [])
        if not keys or keys[-1] < key:
            keys.append(key)
            return
        at = bisect_left(keys, key)
        if keys[at] != key:
            keys.insert(at, key)

    def discard(self, value: ValueT, key: Key) -> None:
        """Takes `key` away from `value`; a value without keys is forgotten."""
        keys = self._keys.get(value, [])
        at = bisect_left(keys, key)
        if at < len(keys) and keys[at] == key:
            del keys[at]
            if not keys:
                del self._keys[value]

    def keys(self, value: ValueT) -> Sequence[Key]:
        """The keys under `value`, in order; the index's own list, good until the next change."""
        return self._keys.get(value, ())

    def __len__(self) -> int:
        return len(self._keys)


class Indexes:
    """The indexes of a store, kept in step with its objects by `replace`."""

    __slots__ = ("labels", "nodes", "orphans", "owners")

    def __init__(self) -> None:
        self.orphans: Index[str] = Index()  # pods, by namespace
        self.owners: Index[str] = Index()
        self.nodes: Index[str] = Index()
        self.labels: Index[tuple[str, str, str]] = Index()

    def replace(self, old: Revision | None, new: Revision | None) -> None:
        """`new` takes the place of `old` under the same key; None is no object."""
        self._replace_owners(old, new)
        if (new or old).key.resource == PODS:  # type: ignore[union-attr]  # one of them is there
            self._replace_orphan(old, new)
            self._replace_node(old, new)
        self._replace_labels(old, new)

    def _replace_owners(self, old: Revision | None, new: Revision | None) -> None:
        before = old.projection.owners if old else ()
        after = new.projection.owners if new else ()
        if before == after:
            return
        for owner in before:
            self.owners.discard(owner.uid, old.key)  # type: ignore[union-attr]  # owners came from it
        for owner in after:
            self.owners.add(owner.uid, new.key)  # type: ignore[union-attr]  # owners came from it

    def _replace_orphan(self, old: Revision | None, new: Revision | None) -> None:
        before, after = _is_orphan(old), _is_orphan(new)
        if old and before and not after:
            self.orphans.discard(old.key.namespace, old.key)
        if new and after and not before:
            self.orphans.add(new.key.namespace, new.key)

    def _replace_node(self, old: Revision | None, new: Revision | None) -> None:
        before, after = node_of(old), node_of(new)
        if before == after:
            return
        if old and before:
            self.nodes.discard(before, old.key)
        if new and after:
            self.nodes.add(after, new.key)

    def _replace_labels(self, old: Revision | None, new: Revision | None) -> None:
        before = old.projection.labels if old else {}
        after = new.projection.labels if new else {}
        if before == after:
            return
        key = (old or new).key  # type: ignore[union-attr]  # labels differ, so one of them is there
        for name, value in before.items():
            if after.get(name) != value:
                self.labels.discard((key.resource, name, value), key)
        for name, value in after.items():
            if before.get(name) != value:
                self.labels.add((key.resource, name, value), key)

    def narrowest(self, resource: str, selector: LabelSelector) -> list[Sequence[Key]] | None:
        """The keys under the selector's most selective `=` or `in` requirement, a sequence per value; None without one.

        Every object the selector matches is among them; not every one of them is matched.
        """
        best: list[Sequence[Key]] | None = None
        for requirement in selector.requirements:
            if requirement.operator not in (Operator.EQUALS, Operator.IN):
                continue
            found = [self.labels.keys((resource, requirement.key, value)) for value in requirement.values]
            if best is None or sum(map(len, found)) < sum(map(len, best)):
                best = found
        return best


def _is_orphan(revision: Revision | None) -> bool:
    if revision is None or revision.key.resource != PODS:
        return False
    return not any([owner.controller for owner in revision.projection.owners])


def node_of(revision: Revision | None) -> str:
    """The node a pod is bound to; empty for everything else."""
    if revision is None or revision.key.resource != PODS:
        return ""
    return getattr(revision.projection.facts, "node", "")
