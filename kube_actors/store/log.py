"""The recent steps of one resource, kept once for all who read them."""

from __future__ import annotations

from bisect import bisect_right

from kube_actors.records import frozen
from kube_actors.store.revision import Commit
from kube_actors.store.scope import Batch, Scope
from kube_actors.store.waiting import Waiting

BLOCK = 64
"""Steps in one stretch at most. Stretches end where a block ends, so that readers fall into step with each other."""
STRETCH_BYTES = 128 << 10
"""Bytes of objects in one stretch, about: what a server sends at a time."""

_TIDY_AFTER = 512  # dropped entries at the front of a log before the list is cut
_SHARED = 4  # stretches kept for other readers of the same


@frozen
class Stretch:
    """Some steps in a row as a scope sees them. `position` is that of the step after them, `resource_version` the
    number of the last."""

    events: Batch
    position: int
    resource_version: int


class Log:
    """The steps of one resource. Positions count from the first step ever seen and stay valid as steps are dropped.

    `floor` is the number at or below which steps are missing. `blind` is the number of the newest step whose previous
    object is unknown: up to there nobody can tell what a selector matched before. `durable_end` is the position of the
    first step that is not durable yet.
    """

    def __init__(self, floor: int) -> None:
        self.floor = floor
        self.blind = 0
        self.durable_end = 0
        self.waiting = Waiting()
        self.waiting_durably = Waiting()
        self._entries: list[Commit | None] = []
        self._dropped = 0  # entries at the front that are None
        self._cut = 0  # entries no longer in the list
        self._shared: dict[tuple[int, int, Scope], Stretch] = {}

    @property
    def start(self) -> int:
        """The position of the oldest step that is still there."""
        return self._cut + self._dropped

    @property
    def end(self) -> int:
        """The position of the next step to come."""
        return self._cut + len(self._entries)

    @property
    def readers(self) -> int:
        """How many wait for a step at this moment."""
        return len(self.waiting) + len(self.waiting_durably)

    def restore(self, commit: Commit) -> None:
        """Adds a step that has been durable since before the process began."""
        self._entries.append(commit)
        self.durable_end = self.waiting.looked = self.waiting_durably.looked = self.end

    def append(self, commit: Commit) -> None:
        """Adds the newest step, and wakes those who follow the head."""
        self._entries.append(commit)
        self.waiting.offer((commit,), self.end - 1)

    def advance(self, revision: int) -> None:
        """Everything up to this number is durable: wakes those who follow what is."""
        before, self.durable_end = self.durable_end, self.position_after(revision, self.durable_end)
        self.waiting_durably.offer(self.read(before, self.durable_end), before)

    def drop_oldest(self) -> None:
        """Forgets one step, which is durable."""
        oldest = self._entries[self._dropped]
        assert oldest is not None
        self.floor = oldest.resource_version
        self._entries[self._dropped] = None
        self._dropped += 1
        if self._dropped >= _TIDY_AFTER and 2 * self._dropped >= len(self._entries):
            del self._entries[: self._dropped]
            self._cut += self._dropped
            self._dropped = 0

    def position_after(self, resource_version: int, least: int = 0) -> int:
        """The position of the first step above `resource_version`, which is known not to stand before `least`."""
        first = max(self._dropped, least - self._cut)
        return self._cut + bisect_right(self._entries, resource_version, lo=first, key=_number_of)

    def read(self, position: int, end: int) -> list[Commit]:
        """The steps from `position` (not before `start`) up to `end`."""
        return self._entries[position - self._cut : end - self._cut]  # type: ignore[return-value]  # None precedes `start`

    def stretch(self, position: int, end: int, scope: Scope) -> Stretch:
        """The next steps from `position` on, at least one of those before `end`, as the scope sees them."""
        end = min(end, position - position % BLOCK + BLOCK)
        if scope.is_selective:
            return self._made(position, end, scope)
        place = (position, end, scope)
        stretch = self._shared.get(place)
        if stretch is None:
            if len(self._shared) == _SHARED:
                del self._shared[next(iter(self._shared))]
            stretch = self._shared[place] = self._made(position, end, scope)
        return stretch

    def _made(self, position: int, end: int, scope: Scope) -> Stretch:
        events, size, number = Batch(), 0, 0
        for step in self.read(position, end):
            position += 1
            number = step.resource_version
            event = scope.event(step)
            if event is not None:
                events.append(event)
                size += len(step.revision.raw)
                if size >= STRETCH_BYTES:
                    break
        return Stretch(events, position, number)


def _number_of(commit: Commit | None) -> int:
    assert commit is not None
    return commit.resource_version
