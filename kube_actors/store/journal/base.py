"""The port through which the store survives its process.

The store decides and numbers; a journal only keeps. It is told of every commit in order, by calls that do not wait, and
says up to which revision everything is safe. Numbers are reserved in blocks that are safe before the first number of
the block is used, so a number that anybody may have seen is never given out again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import trio

from kube_actors.errors import ApiError, unavailable
from kube_actors.records import frozen
from kube_actors.store.journal.errors import JournalFailed
from kube_actors.store.revision import Commit, CommitKind, Key


@frozen(weakref_slot=False)
class Record:
    """One revision as it was kept."""

    kind: CommitKind
    key: Key
    uid: str
    resource_version: int
    raw: bytes


@frozen
class Loaded:
    """What a journal remembers at start.

    `objects`: the current objects. `history`: the newest steps, oldest first, all above `floor`. `head`: a number above
    all that were ever given out, at which the store now stands. `gaps`: inclusive ranges of numbers that may have been
    seen and whose steps are lost, one for each earlier end without a goodbye. `volatile`: resources of which some
    objects were never kept.
    """

    objects: Sequence[Record] = ()
    history: Sequence[Record] = ()
    floor: int = 0
    head: int = 0
    gaps: Sequence[tuple[int, int]] = ()
    volatile: frozenset[str] = frozenset()


class Journal(ABC):
    """Keeps commits. All methods are called from the trio thread, by one store.

    `limit` is the highest number that may be given out at this moment; below every number once the journal has ended.
    """

    limit: int = 0

    def __init__(self) -> None:
        self.failure: JournalFailed | None = None
        self._failed = trio.Event()
        self._on_durable: Callable[[int], None] = lambda revision: None
        self._on_failed: Callable[[], None] = lambda: None

    def bind(self, on_durable: Callable[[int], None], on_failed: Callable[[], None]) -> None:
        """`on_durable(n)`: everything up to revision n is safe. `on_failed()`: nothing more will be."""
        self._on_durable = on_durable
        self._on_failed = on_failed

    @abstractmethod
    def load(self) -> Loaded:
        """What was kept, once, before the first `append`. Raises `StateError`."""

    @abstractmethod
    def append(self, commit: Commit) -> None:
        """Takes the next commit, to be kept soon."""

    @abstractmethod
    def skip(self, commit: Commit) -> None:
        """Takes notice of a commit that uses up a number but is not to be kept."""

    @abstractmethod
    async def run(self) -> None:
        """The committer task: keeps what was appended, until cancelled."""

    @abstractmethod
    def close(self) -> None:
        """Keeps what is still waiting and lets go of everything. Raises `JournalFailed` if that was not possible."""

    async def failed(self) -> JournalFailed:
        """Waits until the journal has failed, for whoever has to end the process then."""
        await self._failed.wait()
        assert self.failure is not None
        return self.failure

    def fail(self, why: str) -> None:
        """Ends the journal for good; the first reason stays."""
        if self.failure is None:
            self.failure = JournalFailed(why)
            self.limit = -1
            self._failed.set()
            self._on_failed()

    def refusal(self) -> ApiError:
        """503: why no write can be taken at this moment."""
        if self.failure is not None:
            return unavailable(f"the cluster's state can no longer be written: {self.failure}")
        if self.limit < 0:
            return unavailable("the cluster is shutting down")
        return unavailable("too many writes are waiting for the disk")
