"""Who waits for steps of a log, by what they wait for.

A step wakes those alone whom it concerns: among a thousand watches of single objects, the ones of its object. And never
all of many at once: a few are woken, and each that has begun lets the next one begin, so that everybody else in the
process gets a turn in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import trio

from kube_actors.records import define
from kube_actors.store.indexes import node_of
from kube_actors.store.revision import Commit, Revision

AT_ONCE: Final = 32
"""How many woken tasks may be about to run at a moment: about a millisecond of work."""

# What is waited for: anything (), a namespace (one,), a name in a namespace (one, name), or in any (None, name), or a
# label ("=", key, value) or a node's pods ("@", "", node): those are marks of an object.
Interest = tuple[str | None, ...]
_MARK: Final = 3
"""Parts of an interest in a mark."""


@define(eq=False, slots=True)
class Waiter:
    """One who waits, over and over, for one interest. After a wait, also one that was cut short, no step before
    `position` concerns it."""

    interest: Interest = ()
    position: int = 0
    task: trio.lowlevel.Task | None = None


class Waiting:
    """Those who wait for steps of one log. `looked` is the position up to which steps have been offered to them."""

    def __init__(self) -> None:
        self.looked = 0
        self._parked: dict[Interest, dict[Waiter, None]] = {}
        self._due: dict[Waiter, None] = {}  # woken, but not let go yet
        self._starting = 0  # let go, but not running yet
        self._marks: set[Interest] = set()  # those of the interests that are in marks

    def __len__(self) -> int:
        return sum(map(len, self._parked.values()))

    def offer(self, steps: Iterable[Commit], position: int) -> None:
        """Wakes everybody whom one of these steps concerns; `position` is that of the first one."""
        for step in steps:
            if self._parked:
                for interest in _interests(step):
                    self._wake(interest, position)
                if self._marks:
                    self._wake_marked(step, position)
            position += 1
        self.looked = position
        self._let_go()

    def wake_all(self) -> None:
        """Wakes everybody, because nothing more will come."""
        for interest in list(self._parked):
            self._wake(interest, self.looked)
        self._marks.clear()
        self._let_go()

    async def wait(self, waiter: Waiter) -> None:
        """Returns when a step that concerns the waiter has been offered."""
        waiter.task = trio.lowlevel.current_task()
        self._parked.setdefault(waiter.interest, {})[waiter] = None
        if len(waiter.interest) == _MARK:
            self._marks.add(waiter.interest)

        def abort(_raise_cancel: object) -> trio.lowlevel.Abort:
            self._forget(waiter)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)
        self._starting -= 1
        self._let_go()

    def _wake_marked(self, step: Commit, position: int) -> None:
        """An object concerns those who wait for its marks, and those who wait for the marks it had."""
        for revision in (step.revision, step.previous):
            for interest in () if revision is None else _marks(revision):
                if interest in self._marks:
                    self._marks.discard(interest)
                    self._wake(interest, position)

    def _wake(self, interest: Interest, position: int) -> None:
        for waiter in self._parked.pop(interest, ()):
            waiter.position = position
            self._due[waiter] = None

    def _let_go(self) -> None:
        while self._due and self._starting < AT_ONCE:
            waiter = next(iter(self._due))
            del self._due[waiter]
            self._starting += 1
            assert waiter.task is not None
            trio.lowlevel.reschedule(waiter.task)

    def _forget(self, waiter: Waiter) -> None:
        """The waiter is cancelled: what is offered from here on it has to look at itself."""
        if waiter in self._due:
            del self._due[waiter]
            return
        waiter.position = self.looked
        parked = self._parked[waiter.interest]
        del parked[waiter]
        if not parked:
            del self._parked[waiter.interest]
            self._marks.discard(waiter.interest)


def _marks(revision: Revision) -> Iterator[Interest]:
    for key, value in revision.projection.labels.items():
        yield ("=", key, value)
    if node := node_of(revision):
        yield ("@", "", node)


def _interests(step: Commit) -> Iterator[Interest]:
    _, namespace, name = step.key
    yield ()
    yield (namespace,)
    yield (namespace, name)
    yield (None, name)
