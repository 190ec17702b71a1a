"""Takes back what pods were told of their end when nobody ends them: `DisruptionTarget` becomes False again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.errors import ApiError
from kube_actors.kernel import Actor
from kube_actors.messages.common import Describe, Description
from kube_actors.plan.disruption_target import KIND, stale_at, take_back_disruption
from kube_actors.store import Commit, Revision

OBJECTS_BETWEEN_CHECKPOINTS = 16
NOT_NOW = frozenset({"Conflict", "NotFound"})
_MARK = f'"{KIND}"'.encode()


class StaleDisruptions(Actor[Describe]):
    """Looks at a pod that has the condition when it changed, and when the time is over in which it should have been
    deleted. Keys are (key, uid)."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.client = plane.controller_client("disruption-controller")
        self.taken_back = 0
        self.unsubscribe: Callable[[], None] | None = None

    async def started(self) -> None:
        """Look at every such pod once."""
        self.unsubscribe = self.plane.store.subscribe(self._committed, "pods")
        for revision in self.plane.store.list("pods"):
            self._see(revision)

    async def stopped(self) -> None:
        """Stop watching."""
        if self.unsubscribe is not None:
            self.unsubscribe()

    async def receive(self, message: Describe) -> None:
        """Only questions arrive here."""
        self.context.answer(message, Description((("taken back", str(self.taken_back)),)))

    def _committed(self, commit: Commit) -> None:
        if commit.kind != "deleted":
            self._see(commit.revision)

    def _see(self, pod: Revision) -> None:
        if pod.projection.deleting is None and _MARK in pod.raw:  # few pods have it, and reading them all is slow
            self.context.ref.notify((pod.key, pod.uid))

    async def changed(self, keys: frozenset[Any]) -> None:
        """Wait for the end of each pod's time, then take the condition back."""
        for number, (key, uid) in enumerate(sorted(keys)):
            if number % OBJECTS_BETWEEN_CHECKPOINTS == 0:
                await trio.lowlevel.checkpoint()
            pod = self.plane.find(key, uid)
            due = None if pod is None else stale_at(pod.body())
            if pod is None or due is None:
                continue
            now = self.plane.clock.now()
            if now < due:
                self.context.notify_at(due, (key, uid))
                continue
            try:
                await self._take_back(pod, now)
            except ApiError as error:  # who changed the pod meanwhile has woken this actor
                if error.reason not in NOT_NOW:
                    raise

    async def _take_back(self, pod: Revision, now: float) -> None:
        def change(body: dict[str, Any]) -> None:
            if stale_at(body) is not None:
                take_back_disruption(body, now)

        await self.client.mutate(pod.key, change, subresource="status", uid=pod.uid)
        self.taken_back += 1
