"""The recent steps of the store, kept once for all watchers.

There is one log per resource, so that a watch of Nodes never looks at Pods. The bound is on all of them together: the
oldest step of the store goes first, whichever log it is in. A watcher only remembers how far it has read.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence

import trio

from kube_actors.errors import expired
from kube_actors.store.durability import Durability
from kube_actors.store.revision import Commit

_COMMIT_BYTES = 600  # a step's Python objects beside the body, about
_TIDY_AFTER = 512  # dropped entries at the front of a log before the list is cut


class Log:
    """The steps of one resource. Positions count from the first step ever seen and stay valid as steps are dropped.

    `floor` is the number at or below which steps are missing. `blind` is the number of the newest step whose previous
    object is unknown: up to there nobody can tell what a selector matched before.
    """

    def __init__(self, floor: int) -> None:
        self.floor = floor
        self.blind = 0
        self._entries: list[Commit | None] = []
        self._dropped = 0  # entries at the front that are None
        self._cut = 0  # entries no longer in the list
        self._grown: trio.Event | None = None
        self._grown_durably: trio.Event | None = None

    @property
    def start(self) -> int:
        """The position of the oldest step that is still there."""
        return self._cut + self._dropped

    @property
    def end(self) -> int:
        """The position of the next step to come."""
        return self._cut + len(self._entries)

    def append(self, commit: Commit) -> None:
        """Adds the newest step."""
        self._entries.append(commit)

    def drop_oldest(self) -> None:
        """Forgets one step."""
        oldest = self._entries[self._dropped]
        assert oldest is not None
        self.floor = oldest.resource_version
        self._entries[self._dropped] = None
        self._dropped += 1
        if self._dropped >= _TIDY_AFTER and 2 * self._dropped >= len(self._entries):
            del self._entries[: self._dropped]
            self._cut += self._dropped
            self._dropped = 0

    def position_after(self, resource_version: int) -> int:
        """The position of the first step above `resource_version`."""
        at = bisect_right(self._entries, resource_version, lo=self._dropped, key=_number_of)
        return self._cut + at

    def read(self, position: int, limit: int, horizon: int) -> list[Commit]:
        """Up to `limit` steps from `position` (not before `start`) on, none above the number `horizon`."""
        at = position - self._cut
        steps: list[Commit] = self._entries[at : at + limit]  # type: ignore[assignment]  # None only precedes `start`
        if steps and steps[-1].resource_version > horizon:
            del steps[bisect_right(steps, horizon, key=_number_of) :]
        return steps

    def ends_above(self, resource_version: int) -> bool:
        """Whether there is a step above this number."""
        return self.end > self.start and _number_of(self._entries[-1]) > resource_version

    @property
    def readers(self) -> int:
        """How many wait for a step at this moment."""
        return sum(each.statistics().tasks_waiting for each in (self._grown, self._grown_durably) if each is not None)

    def wake(self, *, durable: bool) -> None:
        """Wakes those who wait for a step, or for a durable one."""
        if durable:
            event, self._grown_durably = self._grown_durably, None
        else:
            event, self._grown = self._grown, None
        if event is not None:
            event.set()

    async def grown(self, *, durable: bool) -> None:
        """Returns after the next `wake` of that sort."""
        event = self._grown_durably if durable else self._grown
        if event is None:
            event = trio.Event()
            if durable:
                self._grown_durably = event
            else:
                self._grown = event
        await event.wait()


def _number_of(commit: Commit | None) -> int:
    assert commit is not None
    return commit.resource_version


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
        log = self._take(commit)
        if commit.previous is None and commit.kind != "added":
            log.blind = commit.resource_version

    def append(self, commit: Commit) -> None:
        """Takes the newest step and wakes those who follow the head."""
        log = self._take(commit)
        self.head = commit.resource_version
        self._fresh.add(log)
        log.wake(durable=False)
        self._trim()

    def _take(self, commit: Commit) -> Log:
        log = self.log(commit.key.resource)
        log.append(commit)
        size = len(commit.revision.raw) + _COMMIT_BYTES
        self._order.append((log, commit.resource_version, size))
        self._bytes += size
        return log

    def advanced(self) -> None:
        """More steps are durable: wakes those who follow what is durable."""
        logs, self._fresh = self._fresh, set()
        for log in logs:
            if log.ends_above(self.durability.revision):
                self._fresh.add(log)
            log.wake(durable=True)
        self._trim()

    def wake_all(self) -> None:
        """Wakes everybody who follows what is durable, because nothing more will be."""
        for log in self._logs.values():
            log.wake(durable=True)

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
        return log.read(position, log.end - position, self.head)

    def check_issued(self, number: int) -> None:
        """Raises ApiError 410 for a number that nobody can have from this cluster: its sender has to list again."""
        if number > self.head:
            raise expired(f"too large resource version: {number}, current: {self.head}")
