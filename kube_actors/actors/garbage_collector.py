"""The garbage collector: ends what has lost its owners, and lets owners go that waited for their dependents."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import trio

from kube_actors.actors.control_plane import ControlPlane, reference_to
from kube_actors.actors.ownership import remove_owner, unblock_owners
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
    """Looks at an object when it, an owner or a dependent of it changed; keys of its latch are (key, uid).

    `strays` are uids of objects that came with an owner that is not where it should be.
    """

    def __init__(self, plane: ControlPlane, registry: Registry) -> None:
        self.plane = plane
        self.registry = registry
        self.client = plane.controller_client("generic-garbage-collector")
        self.events = plane.events("garbage-collector-controller")
        self.unsubscribe: Callable[[], None] | None = None
        self.looked = 0
        self.strays: set[str] = set()

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
        revision = commit.revision
        notify = self.context.ref.notify
        if commit.kind == "deleted":
            self.strays.discard(revision.uid)
            for dependent in self.plane.store.owned_by(revision.uid):
                notify((dependent.key, dependent.uid))
        elif self._waits(revision):
            notify((revision.key, revision.uid))
        self._committed_dependent(commit)

    def _committed_dependent(self, commit: Commit) -> None:
        revision, previous = commit.revision, commit.previous
        owners = revision.projection.owners
        before = previous.projection.owners if previous is not None else ()
        if not owners and not before:
            return
        begins_to_go = previous is not None and previous.projection.deleting is None
        if commit.kind == "deleted" or begins_to_go or owners != before:
            self._notify_waiting_owners(revision.key, {*owners, *before})
        if commit.kind == "added" or owners != before:
            if commit.kind != "deleted" and any(self._owner(each, revision.key.namespace) is None for each in owners):
                self.strays.add(revision.uid)
            self.context.ref.notify((revision.key, revision.uid))

    def _notify_waiting_owners(self, dependent: Key, owners: Iterable[Owner]) -> None:
        for owner in owners:
            found = self._owner(owner, dependent.namespace)
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
        self._tell_of_stray(revision)
        own = self.plane.store.owned_by(uid)
        dependent = Dependent(
            uid=uid,
            owners=tuple(owner.uid for owner in projection.owners),
            finalizers=projection.finalizers,
            deleting=projection.deleting is not None,
            has_dependents=bool(own),
            dependents_wait=any(_waits_for_dependents(one) for one in own),
        )
        states = {owner.uid: self._state(owner, key.namespace) for owner in projection.owners}
        match plan_dependent(dependent, states):
            case RemoveOwners(uids):
                await self._remove_owners(revision, uids)
            case Delete(propagation, unblock):
                if unblock:
                    await self.client.mutate(key, unblock_owners, uid=uid)
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
        resource = self.registry.by_kind(owner.api_version, owner.kind)
        if resource is None or (resource.namespaced and not namespace):
            return OwnerState.UNKNOWN
        found = self._owner(owner, namespace)
        if found is None:
            return OwnerState.DANGLING
        return OwnerState.WAITING if _waits_for_dependents(found) else OwnerState.SOLID

    def _tell_of_stray(self, dependent: Revision) -> None:
        """An Event for every owner that lives, but in a namespace where this object's owners cannot be."""
        if dependent.uid not in self.strays:
            return
        self.strays.discard(dependent.uid)
        namespace, own = dependent.key.namespace, self.registry.by_id(dependent.key.resource)
        about = reference_to(dependent, kind=own.kind, api_version=own.api_version)
        for owner in dependent.projection.owners:
            resource = self.registry.by_kind(owner.api_version, owner.kind)
            known = self.plane.store.list(resource.id) if resource is not None and resource.namespaced else ()
            if not any(one.uid == owner.uid and one.key.namespace != namespace for one in known):
                continue
            named = f"{owner.api_version}/{owner.kind}, namespace: {namespace}, name: {owner.name}, uid: {owner.uid}"
            text = f'ownerRef [{named}] does not exist in namespace "{namespace}"'
            self.events.record(about, "Warning", "OwnerRefInvalidNamespace", text)


def _waits_for_dependents(revision: Revision) -> bool:
    """Whether the object is being deleted in the foreground."""
    projection = revision.projection
    return projection.deleting is not None and FOREGROUND in projection.finalizers
