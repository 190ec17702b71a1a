"""The two ways in: a bounded queue of commands, and a latch of keys to look at again. Nothing else exists."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any

import trio

from kube_actors.kernel.asks import PendingAsk

COMMANDS_PER_LOOK = 64
"""A busy command queue is interrupted after so many commands when the latch has something."""


class KeySet(frozenset[Hashable]):
    """A frozenset that is iterated in order of arrival, so that a run does not depend on PYTHONHASHSEED."""

    __slots__ = ("_order",)
    _order: tuple[Hashable, ...]

    def __new__(cls, keys: Iterable[Hashable]) -> KeySet:
        order = tuple(dict.fromkeys(keys))
        made = super().__new__(cls, order)
        made._order = order
        return made

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self._order)

    def __reduce__(self) -> tuple[type[KeySet], tuple[tuple[Hashable, ...]]]:
        return KeySet, (self._order,)


class Mailbox:
    """What waits for one actor, and the one task that waits for it.

    The queue is two lists (an idle deque alone would take 0.7 KB): `_incoming` grows at its end, `_ready` holds the
    older entries reversed and is popped from its end.
    """

    __slots__ = ("_incoming", "_keys", "_ready", "_since_look", "_waiter", "capacity")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._incoming: list[Any] = []
        self._ready: list[Any] = []
        self._keys: dict[Hashable, None] | None = None
        self._since_look = 0
        self._waiter: trio.lowlevel.Task | None = None

    @property
    def depth(self) -> int:
        """Commands and asks that wait."""
        return len(self._incoming) + len(self._ready)

    @property
    def latch_depth(self) -> int:
        """Distinct keys that wait."""
        return len(self._keys) if self._keys else 0

    @property
    def waiting(self) -> bool:
        """The owner stands at its empty (or frozen) mailbox."""
        return self._waiter is not None

    def put(self, entry: Any) -> bool:
        """Queue a command or a PendingAsk; False when the box is full."""
        if len(self._incoming) + len(self._ready) >= self.capacity and not self.drop_settled():
            return False
        self._incoming.append(entry)
        if self._waiter is not None:
            self.wake()
        return True

    def drop_settled(self) -> bool:
        """Forget asks nobody waits for any more; says whether there is room now."""
        for queue in (self._incoming, self._ready):
            queue[:] = [entry for entry in queue if not (isinstance(entry, PendingAsk) and entry.settled)]
        return self.depth < self.capacity

    def notify(self, key: Hashable) -> None:
        """Set a key of the latch."""
        if self._keys is None:
            self._keys = {}
        self._keys[key] = None
        if self._waiter is not None:
            self.wake()

    def take(self) -> Any:
        """The oldest command or live ask; None when there is none."""
        while True:
            if not self._ready:
                if not self._incoming:
                    return None
                self._incoming.reverse()
                self._ready, self._incoming = self._incoming, self._ready
            entry = self._ready.pop()
            if entry.__class__ is not PendingAsk or not entry.settled:
                self._since_look += 1
                return entry

    @property
    def look_is_due(self) -> bool:
        """The latch comes next: it is set, and no command waits or enough were handled since the last look."""
        if not self._keys:
            return False
        return self._since_look >= COMMANDS_PER_LOOK or not (self._ready or self._incoming)

    def take_keys(self) -> KeySet:
        """All keys set since the last look."""
        keys, self._keys = self._keys, None
        self._since_look = 0
        return KeySet(keys or ())

    def restore_keys(self, keys: Iterable[Hashable]) -> None:
        """Set keys again whose look failed, before any that came since."""
        self._keys = {**dict.fromkeys(keys), **(self._keys or {})}

    def abandon(self) -> int:
        """Empty the box for good; the number of commands that are lost with it."""
        lost = sum(not isinstance(entry, PendingAsk) for entry in (*self._ready, *self._incoming))
        self._ready, self._incoming, self._keys = [], [], None
        return lost

    def wake(self) -> None:
        """Let the owner look at its mailbox (and at whether it is frozen or stopping)."""
        task, self._waiter = self._waiter, None
        if task is not None:
            trio.lowlevel.reschedule(task)

    async def wait(self) -> None:
        """Stand here until something arrives or `wake` is called."""
        self._waiter = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(self._leave)

    def _leave(self, _raise_cancel: Callable[[], Any]) -> trio.lowlevel.Abort:
        self._waiter = None
        return trio.lowlevel.Abort.SUCCEEDED
