"""The recent steps of the store, kept once for all watchers.

There is one log per resource, so that a watch of Nodes never looks at Pods. The bound is on all of them together: the
oldest step of the store goes first, whichever log it is in. A watcher only remembers how far it has read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from kube_actors.errors import expired
from kube_actors.store.durability import Durability
from kube_actors.store.log import Log
from kube_actors.store.revision import Commit

_COMMIT_BYTES = 600  # a step's Python objects beside the body, about


class History:
    """The logs of a store, at most `max_bytes` in all (bodies and an allowance for each step).

    `head` is the number of the newest step. A step that is not durable yet is never dropped, so no watcher loses what
    it was not allowed to see. `gaps` are inclusive ranges of numbers whose steps were lost.
    """

    def __init__(self, durability: Durability, *, max_bytes: int, floor: int, gaps: Sequence[tuple[int, int]]) -> None:
        self.durability = durability
        self.head = durability.revision
        self._max_bytes = max_bytes
        self._floor = floor
        self._gaps = gaps
        self._logs: dict[str, Log] = {}
        self._order: deque[tuple[Log, int, int]] = deque()  # log, number, bytes of every step, oldest first
        self._bytes = 0
        self._fresh: set[Log] = set()  # logs with steps that are not durable yet

    def log(self, resource: str) -> Log:
        """The log of one resource."""
        log = self._logs.get(resource)
        if log is None:
            log = self._logs[resource] = Log(self._floor)
        return log

    @property
    def readers(self) -> int:
        """How many watches wait for a step of any log."""
        return sum(log.readers for log in self._logs.values())

    def restore(self, commit: Commit) -> None:
        """Takes a step that the journal remembered; they come in order, before the first `append`."""
        log = self._counted(commit)
        log.restore(commit)
        if commit.previous is None and commit.kind != "added":
            log.blind = commit.resource_version

    def append(self, commit: Commit) -> None:
        """Takes the newest step and wakes those who follow the head."""
        log = self._counted(commit)
        self.head = commit.resource_version
        self._fresh.add(log)
        log.append(commit)
        self._trim()

    def _counted(self, commit: Commit) -> Log:
        """The log of the step, which from now on counts for the bound."""
        log = self.log(commit.key.resource)
        size = len(commit.revision.raw) + _COMMIT_BYTES
        self._order.append((log, commit.resource_version, size))
        self._bytes += size
        return log

    def advanced(self) -> None:
        """More steps are durable: wakes those who follow what is durable."""
        for log in self._fresh:
            log.advance(self.durability.revision)
        self._fresh = {log for log in self._fresh if log.durable_end < log.end}
        self._trim()

    def wake_all(self) -> None:
        """Wakes everybody who follows what is durable, because nothing more will be."""
        for log in self._logs.values():
            log.waiting_durably.wake_all()

    def _trim(self) -> None:
        while self._bytes > self._max_bytes and self._order[0][1] <= self.durability.revision:
            log, _, size = self._order.popleft()
            log.drop_oldest()
            self._bytes -= size

    def forget(self, resource: str) -> None:
        """Nothing before this moment can be told of `resource`: some of its objects were never kept."""
        self.log(resource).floor = self.head

    def position(self, resource: str, since: int, *, selective: bool) -> int:
        """Where a watch of `resource` goes on that has seen everything up to `since`. Raises ApiError 410.

        `selective`: the watch must know what each object was before.
        """
        log = self.log(resource)
        oldest = max(log.floor, log.blind if selective else 0)
        if since < oldest:
            raise expired(f"too old resource version: {since} ({oldest})")
        self.check_issued(since)
        if any(first <= since <= last for first, last in self._gaps):
            raise expired(f"too old resource version: {since} ({self.head}): it was lost when the cluster last ended")
        return log.position_after(since)

    def since(self, resource: str, number: int) -> list[Commit]:
        """Every step of `resource` after `number`, each with what was before it. Raises ApiError 410 as `position`."""
        position = self.position(resource, number, selective=True)
        log = self.log(resource)
        return log.read(position, log.end)

    def check_issued(self, number: int) -> None:
        """Raises ApiError 410 for a number that nobody can have from this cluster: its sender has to list again."""
        if number > self.head:
            raise expired(f"too large resource version: {number}, current: {self.head}")
