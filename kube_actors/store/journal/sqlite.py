"""The journal of a cluster that lasts: group commit into one SQLite file.

Commits queue in memory; one task hands all that are waiting to a thread, which makes them one transaction with one
sync of the disk. While that runs the next group gathers, so many writers share a sync and one writer waits for one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import trio

from kube_actors.store.journal.base import Journal, Loaded
from kube_actors.store.journal.database import Batch, Database
from kube_actors.store.journal.errors import JournalFailed, StateUnwritable
from kube_actors.store.journal.lock import StateLock
from kube_actors.store.revision import Commit

BLOCK = 50_000  # revision numbers reserved at a time; the next block is asked for when half is used
_GROUP_COUNT = 4096  # commits in one transaction at most
_GROUP_BYTES = 8 << 20


class SqliteJournal(Journal):
    """Keeps objects and recent history in the file `path`; a file `path`.lock beside it holds the lock.

    `hold` is entered while the disk is at work, so that virtual time waits for it.
    `history_bytes` and `history_count` bound the steps kept for watches that go on over a restart.
    """

    def __init__(
        self,
        path: Path,
        *,
        hold: Callable[[], AbstractContextManager[object]] = nullcontext,
        history_bytes: int = 8 << 20,
        history_count: int = 5000,
    ) -> None:
        """Opens or creates the state. Raises `StateInUse`, `StateTooNew`, `StateCorrupt` or `StateUnwritable`."""
        super().__init__()
        self._hold = hold
        self._lock = _take_lock(path)
        try:
            self._database = Database(path, history_bytes=history_bytes, history_count=history_count)
        except BaseException:
            self._lock.release()
            raise
        self._waiting: deque[Commit] = deque()
        self._last = 0  # the newest number taken notice of
        self._volatile: set[str] = set()
        self._new_volatile: set[str] = set()
        self._work = trio.Event()
        self._threads = trio.CapacityLimiter(1)  # ours alone: nobody else's blocking work delays a commit
        self._closed = False

    def load(self) -> Loaded:
        """Reads the state and reserves the first block; on an error the state is let go of, unchanged."""
        try:
            loaded, reserved = self._database.load(BLOCK)
        except BaseException:
            self.close()
            raise
        self.limit = reserved - 1
        self._last = loaded.head
        self._volatile.update(loaded.volatile)
        return loaded

    def append(self, commit: Commit) -> None:
        """Queues the commit for the next group."""
        self._last = commit.resource_version
        self._waiting.append(commit)
        self._work.set()

    def skip(self, commit: Commit) -> None:
        """A commit that is not kept is as durable as the kept ones before it."""
        self._last = commit.resource_version
        if commit.key.resource not in self._volatile:
            self._volatile.add(commit.key.resource)
            self._new_volatile.add(commit.key.resource)
        if not self._waiting:
            self._on_durable(self._last)
        if self._is_running_out():
            self._work.set()

    async def run(self) -> None:
        """The committer task. Returns when the journal has failed; `failed()` says so."""
        while self.failure is None:
            await self._work.wait()
            self._work = trio.Event()
            batch = self._next_batch()
            try:
                with self._hold():  # a cancellation waits for the thread, and takes nothing out of the queue
                    await trio.to_thread.run_sync(self._database.write, batch, limiter=self._threads)
            except JournalFailed as error:
                self.fail(str(error))
            else:
                self._finish(batch)

    def _next_batch(self) -> Batch:
        """The oldest commits that wait; they go on waiting until `_finish`, so that none is lost in between."""
        commits: list[Commit] = []
        size = 0
        for commit in self._waiting:
            if len(commits) == _GROUP_COUNT or size >= _GROUP_BYTES:
                through = commit.resource_version - 1
                break
            commits.append(commit)
            size += len(commit.revision.raw)
        else:
            through = self._last
        return Batch(commits, frozenset(self._new_volatile), through, self._reservation())

    def _is_running_out(self) -> bool:
        return self._last > self.limit - BLOCK // 2

    def _reservation(self) -> int:
        """The first number that is not to be given out: unchanged until half a block is used up."""
        return self._last + BLOCK if self._is_running_out() else self.limit + 1

    def _finish(self, batch: Batch) -> None:
        for _ in batch.commits:
            self._waiting.popleft()
        self.limit = batch.reserved - 1
        self._new_volatile -= batch.volatile
        if self._waiting:
            self._work.set()
        self._on_durable(self._waiting[0].resource_version - 1 if self._waiting else self._last)

    def close(self) -> None:
        """Keeps what is waiting, gives back the numbers that were not used, and releases the state. Twice is once."""
        if self._closed:
            return
        self._closed = True
        try:
            if self.failure is None and self.limit > 0:
                self._say_goodbye()
        finally:
            self.limit = -1
            self._database.close()
            self._lock.release()

    def _say_goodbye(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            self._database.write(batch)
            self._finish(batch)
        # The number after the last is spent on the end itself: the next start stands there, above all that was seen.
        self._database.write(Batch((), frozenset(self._new_volatile), self._last, self._last + 1))


def _take_lock(path: Path) -> StateLock:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return StateLock(path.with_name(path.name + ".lock"), path)
    except OSError as error:
        raise StateUnwritable(path, error.strerror or str(error)) from error
