"""One actor per API object: a supervisor keeps them, latches wake them, and each reads the store again.

`PerObject` watches commits of one resource and starts or stops a child for every uid. Other resources wake a child
through *routes*: pure functions from a commit to the uids that care.
"""

from __future__ import annotations

import abc
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Generic, TypeVar

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.errors import ApiError
from kube_actors.kernel import Actor, NameTaken, Ref
from kube_actors.messages.common import Describe, Description
from kube_actors.store import Commit, Key, Revision

M = TypeVar("M")

Route = Callable[[Commit], Iterable[str]]
NAME_RETRY = 0.01
PAUSE = "pause"
RETRY = 0.01
LOOK_AGAIN = frozenset({"Conflict", "NotFound", "AlreadyExists"})


class ObjectActor(Actor[M], Generic[M]):
    """The actor of one object. Whatever woke it, it takes a fresh snapshot and brings the world closer to it."""

    pause_per_object = 0.0002
    longest_pause = 0.1
    """Cluster seconds between two looks: so many for each object looked at, and so many at most."""

    def __init__(self, plane: ControlPlane, key: Key, uid: str) -> None:
        self.plane = plane
        self.key = key
        self.uid = uid
        self.reconciles = 0
        self.not_before = 0.0

    async def started(self) -> None:
        """The first look."""
        self.context.ref.notify(self.uid)

    async def changed(self, keys: frozenset[Any]) -> None:
        """Look at the object and act; somebody else's write in between means: look again."""
        revision = self.plane.find(self.key, self.uid)
        if revision is None:
            return
        now = self.plane.clock.now()
        if now < self.not_before:
            self.context.notify_at(self.not_before, PAUSE)
            return
        self.reconciles += 1
        try:
            size = await self.reconcile(revision)
        except ApiError as error:
            if error.reason not in LOOK_AGAIN:
                raise
            self.context.notify_at(self.plane.clock.now() + RETRY, RETRY)
        else:
            self.not_before = now + min(size * self.pause_per_object, self.longest_pause)

    @abc.abstractmethod
    async def reconcile(self, revision: Revision) -> int:
        """Compute the plan for this snapshot and perform it; answers how many objects were looked at.

        The more these are, the longer the pause before the next look: 500 pods that become ready one after the other
        are then counted ten times a second, not five hundred times.
        """

    def describe(self) -> Description:
        """The object and how often it was looked at."""
        place = f"{self.key.namespace}/{self.key.name}" if self.key.namespace else self.key.name
        return Description((("object", f"{self.key.resource} {place}"), ("reconciles", str(self.reconciles))))


class PerObject(Actor[Describe], Generic[M]):
    """Keeps one child for each object of `resource`.

    `make` builds the actor of an object. `routes` maps other resources to the uids their commits concern; `everything`
    is the route of all resources not named there. `children` lets the owner publish them (the directory's ReplicaSets).
    `clear_up` is called with the key of an object that is gone.
    """

    def __init__(
        self,
        plane: ControlPlane,
        resource: str,
        make: Callable[[Key, str], ObjectActor[M]],
        *,
        routes: dict[str, Route] | None = None,
        everything: Route | None = None,
        children: dict[str, Ref[M]] | None = None,
        clear_up: Callable[[Key], Awaitable[None]] | None = None,
    ) -> None:
        self.plane = plane
        self.resource = resource
        self.make = make
        self.routes = routes or {}
        self.everything = everything
        self.children: dict[str, Ref[M]] = {} if children is None else children
        self.clear_up = clear_up
        self.unsubscribe: list[Callable[[], None]] = []

    async def started(self) -> None:
        """Watch commits from now on, and begin with what is there."""
        self.children.clear()
        resources = {self.resource, *self.routes} if self.everything is None else ()
        self.unsubscribe = [self.plane.store.subscribe(self._committed, *resources)]
        for revision in self.plane.store.list(self.resource):
            self._start(revision)

    async def stopped(self) -> None:
        """Stop watching."""
        for unsubscribe in self.unsubscribe:
            unsubscribe()
        self.children.clear()

    async def receive(self, message: Describe) -> None:
        """Only questions arrive here."""
        self.context.answer(message, Description((("resource", self.resource), ("actors", str(len(self.children))))))

    async def changed(self, keys: frozenset[Any]) -> None:
        """Objects came or went."""
        for key, uid in sorted(keys):
            revision = self.plane.find(key, uid)
            child = self.children.get(uid)
            if revision is not None and child is None:
                self._start(revision)
            elif revision is None and child is not None:
                del self.children[uid]
                self.context.stop_child_soon(child)
                if self.clear_up is not None:
                    self.context.start_task(self.clear_up, key, name=f"clear up {key.namespace}.{key.name}")

    def _start(self, revision: Revision) -> None:
        key, uid = revision.key, revision.uid
        name = f"{key.namespace}.{key.name}" if key.namespace else key.name
        try:
            self.children[uid] = self.context.spawn(name, lambda: self.make(key, uid))
        except NameTaken:  # the actor of a deleted object of this name has still to end
            self.context.notify_at(self.plane.clock.now() + NAME_RETRY, (key, uid))

    def _committed(self, commit: Commit) -> None:
        revision = commit.revision
        if revision.key.resource == self.resource:
            child = self.children.get(revision.uid)
            if child is None or commit.kind == "deleted":
                self.context.ref.notify((revision.key, revision.uid))
            else:
                child.notify(revision.uid)
        route = self.routes.get(revision.key.resource, self.everything)
        if route is not None:
            for uid in route(commit):
                child = self.children.get(uid)
                if child is not None:
                    child.notify(uid)


def controller_of(commit: Commit) -> Iterable[str]:
    """Route: the controlling owner of the object, before and after the commit."""
    uids = []
    for revision in (commit.revision, commit.previous):
        if revision is not None:
            uids += [owner.uid for owner in revision.projection.owners if owner.controller]
    return dict.fromkeys(uids)
