"""The garbage collector: ends what has lost its owners, and lets owners go that waited for their dependents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.actors.ownership import remove_owner
from kube_actors.api.registry import Registry
from kube_actors.errors import ApiError
from kube_actors.kernel import Actor
from kube_actors.messages.common import Describe, Description
from kube_actors.plan.garbage import (
    FOREGROUND,
    ORPHAN,
    Delete,
    Dependent,
    Keep,
    Owned,
    OwnerState,
    RemoveOwners,
    plan_dependent,
    plan_owner,
)
from kube_actors.store import Commit, Key, Owner, Revision

RETRY_SECONDS = 0.05
OBJECTS_BETWEEN_CHECKPOINTS = 16


class GarbageCollector(Actor[Describe]):
    """Looks at an object when it, an owner or a dependent of it changed; keys of its latch are (key, uid)."""

    def __init__(self, plane: ControlPlane, registry: Registry) -> None:
        self.plane = plane
        self.registry = registry
        self.client = plane.controller_client("generic-garbage-collector")
        self.unsubscribe: Callable[[], None] | None = None
        self.looked = 0

    async def started(self) -> None:
        """Look at everything once: owners may have gone while nobody watched."""
        self.unsubscribe = self.plane.store.subscribe(self._committed)
        for resource in self.plane.store.resources():
            for revision in self.plane.store.list(resource):
                if revision.projection.owners or self._waits(revision):
                    self.context.ref.notify((revision.key, revision.uid))

    async def stopped(self) -> None:
        """Stop watching."""
        if self.unsubscribe is not None:
            self.unsubscribe()

    async def receive(self, message: Describe) -> None:
        """Only questions arrive here."""
        self.context.answer(message, Description((("objects looked at", str(self.looked)),)))

    @staticmethod
    def _waits(revision: Revision) -> bool:
        """Whether the object is being deleted and waits for this actor."""
        projection = revision.projection
        return projection.deleting is not None and (
            FOREGROUND in projection.finalizers or ORPHAN in projection.finalizers
        )

    def _committed(self, commit: Commit) -> None:
        revision, previous = commit.revision, commit.previous
        notify = self.context.ref.notify
        if commit.kind == "deleted":
            for dependent in self.plane.store.owned_by(revision.uid):
                notify((dependent.key, dependent.uid))
        elif self._waits(revision):
            notify((revision.key, revision.uid))
        owners = revision.projection.owners
        if not owners:
            return
        if commit.kind == "deleted" or (previous is not None and previous.projection.deleting is None):
            self._notify_waiting_owners(revision)
        if commit.kind == "added" or (previous is not None and previous.projection.owners != owners):
            notify((revision.key, revision.uid))

    def _notify_waiting_owners(self, dependent: Revision) -> None:
        for owner in dependent.projection.owners:
            found = self._owner(owner, dependent.key.namespace)
            if found is not None and self._waits(found):
                self.context.ref.notify((found.key, found.uid))

    async def changed(self, keys: frozenset[Any]) -> None:
        """Look at each object; what somebody else changed meanwhile is looked at again."""
        for number, (key, uid) in enumerate(keys):
            if number % OBJECTS_BETWEEN_CHECKPOINTS == 0:
                await trio.lowlevel.checkpoint()
            revision = self.plane.find(key, uid)
            if revision is None:
                continue
            self.looked += 1
            try:
                await self._end_owner(revision)
                await self._judge(key, uid)
            except ApiError as error:
                if error.reason not in ("Conflict", "NotFound"):
                    raise
                self.context.notify_at(self.plane.clock.now() + RETRY_SECONDS, (key, uid))

    # -- an owner that is being deleted

    async def _end_owner(self, revision: Revision) -> None:
        if not self._waits(revision):
            return
        projection = revision.projection
        dependents = {one.uid: one for one in self.plane.store.owned_by(revision.uid)}
        owned = [self._owned(one, revision.uid) for one in dependents.values()]
        plan = plan_owner(revision.uid, projection.finalizers, projection.deleting is not None, owned)
        for uid in plan.orphan:
            await self._remove_owners(dependents[uid], (revision.uid,))
        for uid in plan.visit:
            self.context.ref.notify((dependents[uid].key, uid))
        if plan.finalizer is not None:
            await self.client.finalize(revision.key, plan.finalizer, uid=revision.uid)

    @staticmethod
    def _owned(dependent: Revision, owner_uid: str) -> Owned:
        projection = dependent.projection
        blocks = any(owner.uid == owner_uid and owner.block_owner_deletion for owner in projection.owners)
        return Owned(dependent.uid, blocks, projection.deleting is not None)

    # -- a dependent

    async def _judge(self, key: Key, uid: str) -> None:
        revision = self.plane.find(key, uid)
        if revision is None:
            return
        projection = revision.projection
        dependent = Dependent(
            uid=uid,
            owners=tuple(owner.uid for owner in projection.owners),
            finalizers=projection.finalizers,
            deleting=projection.deleting is not None,
            has_dependents=bool(self.plane.store.owned_by(uid)),
        )
        states = {owner.uid: self._state(owner, key.namespace) for owner in projection.owners}
        match plan_dependent(dependent, states):
            case RemoveOwners(uids):
                await self._remove_owners(revision, uids)
            case Delete(propagation):
                await self.client.delete(key, uid=uid, propagation=propagation)
            case Keep():
                pass

    async def _remove_owners(self, revision: Revision, uids: tuple[str, ...]) -> None:
        def change(body: dict[str, Any]) -> None:
            for uid in uids:
                remove_owner(body, uid)

        await self.client.mutate(revision.key, change, uid=revision.uid)

    def _owner(self, owner: Owner, namespace: str) -> Revision | None:
        resource = self.registry.by_kind(owner.api_version, owner.kind)
        if resource is None:
            return None
        key = Key(resource.id, namespace if resource.namespaced else "", owner.name)
        return self.plane.find(key, owner.uid)

    def _state(self, owner: Owner, namespace: str) -> OwnerState:
        """An owner of a kind nobody knows counts as there: better to keep an object than to lose it."""
        if self.registry.by_kind(owner.api_version, owner.kind) is None:
            return OwnerState.SOLID
        found = self._owner(owner, namespace)
        if found is None:
            return OwnerState.DANGLING
        waiting = found.projection.deleting is not None and FOREGROUND in found.projection.finalizers
        return OwnerState.WAITING if waiting else OwnerState.SOLID
