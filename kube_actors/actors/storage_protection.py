"""The controllers pvc-protection and pv-protection: claims and volumes that are deleted go when nobody uses them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.errors import ApiError
from kube_actors.kernel import Actor
from kube_actors.kinds.storage_protection import CLAIMS, PROTECTED_BY, VOLUMES
from kube_actors.messages.common import Describe, Description
from kube_actors.plan.storage_protection import Body, is_bound, protect, uses_claim
from kube_actors.store import Commit, Key, Revision

NOT_NOW = frozenset({"Conflict", "NotFound"})
RETRY = 0.05
_VOLUMES_OF_CLAIMS = (b'"persistentVolumeClaim"', b'"ephemeral"')
"""One of these is in the canonical JSON of every pod that has a claim; the others need not be parsed."""


class StorageProtection(Actor[Describe], ABC):
    """Looks at an object when its finalizer may have to come or go; keys of its latch are (key, uid).

    `waiting` are those that are being deleted and were in use when they were looked at last.
    """

    resource: ClassVar[str]
    controller: ClassVar[str]

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.finalizer = PROTECTED_BY[self.resource]
        self.client = plane.controller_client(self.controller)
        self.waiting: dict[Key, str] = {}
        self.unsubscribe: list[Callable[[], None]] = []

    @abstractmethod
    def is_used(self, body: Body) -> bool:
        """Whether the object must stay."""

    async def started(self) -> None:
        """Look at every object once: what was stored before there was protection gets it now."""
        self.unsubscribe = [self.plane.store.subscribe(self._committed, self.resource)]
        for revision in self.plane.store.list(self.resource):
            self._see(revision)

    async def stopped(self) -> None:
        """Stop watching."""
        for unsubscribe in self.unsubscribe:
            unsubscribe()

    async def receive(self, message: Describe) -> None:
        """Only questions arrive here."""
        names = ", ".join(f"{key.namespace}/{key.name}".lstrip("/") for key in sorted(self.waiting))
        self.context.answer(message, Description((("deleted but in use", names or "none"),)))

    async def changed(self, keys: frozenset[Any]) -> None:
        """Settle the finalizer of each; what somebody else changed meanwhile is looked at again."""
        for key, uid in sorted(keys):
            try:
                await self._settle(key, uid)
            except ApiError as error:
                if error.reason not in NOT_NOW:
                    raise
                self.context.notify_at(self.plane.clock.now() + RETRY, (key, uid))

    async def _settle(self, key: Key, uid: str) -> None:
        """Whether the object is used is found out in the very step that commits, so that nobody comes in between."""
        self.waiting.pop(key, None)
        if self.plane.find(key, uid) is None:
            return

        def change(body: dict[str, Any]) -> None:
            is_deleted = "deletionTimestamp" in body["metadata"]
            used = is_deleted and self.is_used(body)
            protect(body, self.finalizer, used=used)
            if used:
                self.waiting[key] = uid

        await self.client.mutate(key, change, uid=uid)

    def _committed(self, commit: Commit) -> None:
        if commit.kind == "deleted":
            self.waiting.pop(commit.key, None)
        else:
            self._see(commit.revision)

    def _see(self, revision: Revision) -> None:
        """An object that stays needs the finalizer, one that is deleted perhaps no longer."""
        projection = revision.projection
        if (projection.deleting is not None) == (self.finalizer in projection.finalizers):
            self.context.ref.notify((revision.key, revision.uid))


class VolumeProtection(StorageProtection):
    """PersistentVolumes stay while they are bound."""

    resource = VOLUMES
    controller = "pv-protection-controller"

    def is_used(self, body: Body) -> bool:
        """Whether a claim has the volume."""
        return is_bound(body)


class ClaimProtection(StorageProtection):
    """PersistentVolumeClaims stay while a pod uses them."""

    resource = CLAIMS
    controller = "pvc-protection-controller"

    async def started(self) -> None:
        """Hear of pods, too."""
        await super().started()
        self.unsubscribe.append(self.plane.store.subscribe(self._pod_committed, "pods"))

    def is_used(self, body: Body) -> bool:
        """Whether a pod that is bound to a node has the claim."""
        pods = self.plane.store.list("pods", body["metadata"]["namespace"])
        return any(
            uses_claim(pod.body(), body)
            for pod in pods
            if pod.projection.facts.node and any(mark in pod.raw for mark in _VOLUMES_OF_CLAIMS)
        )

    def _pod_committed(self, commit: Commit) -> None:
        """A pod that goes may have been the last user of what waits in its namespace."""
        if not self.waiting or (commit.kind != "deleted" and commit.revision.projection.deleting is None):
            return
        for key, uid in self.waiting.items():
            if key.namespace == commit.key.namespace:
                self.context.ref.notify((key, uid))
