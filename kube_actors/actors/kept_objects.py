"""Objects that a cluster has from its start and is never without: whoever deletes or changes one gets it back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.errors import ApiError
from kube_actors.kernel import Actor
from kube_actors.messages.common import Describe, Description
from kube_actors.store import Commit, Key

NOT_NOW = frozenset({"AlreadyExists", "Conflict", "NotFound"})
"""Somebody writes the same objects right now."""
RETRY = 0.05


class KeptObjects(Actor[Describe]):
    """Calls `restore` when something happens to one of `keys`; it writes what is not as it should be, and only that."""

    def __init__(self, plane: ControlPlane, keys: Collection[Key], restore: Callable[[], Awaitable[None]]) -> None:
        self.plane = plane
        self.keys = frozenset(keys)
        self.restore = restore
        self.unsubscribe: list[Callable[[], None]] = []

    async def started(self) -> None:
        """The first look."""
        resources = sorted({key.resource for key in self.keys})
        self.unsubscribe = [self.plane.store.subscribe(self._committed, resource) for resource in resources]
        self.context.ref.notify(None)

    async def stopped(self) -> None:
        """Stop watching."""
        for unsubscribe in self.unsubscribe:
            unsubscribe()

    async def receive(self, message: Describe) -> None:
        """Only questions arrive here."""
        self.context.answer(message, Description((("objects", str(len(self.keys))),)))

    async def changed(self, keys: frozenset[Any]) -> None:
        """Put things right."""
        try:
            await self.restore()
        except ApiError as error:
            if error.reason not in NOT_NOW:
                raise
            self.context.notify_at(self.plane.clock.now() + RETRY, None)

    def _committed(self, commit: Commit) -> None:
        if commit.key in self.keys:
            self.context.ref.notify(None)
