"""The journal of a cluster that lasts: group commit into one SQLite file, by a process of its own.

Commits are sent to that process as they come, a few at a time. It writes all that have come while it was at work in one
transaction with one sync of the disk: many writers share a sync, and one writer waits for one.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Final

import trio

from kube_actors.store.journal.base import Journal, Loaded, Record
from kube_actors.store.journal.committer import Committer
from kube_actors.store.journal.errors import JournalFailed, StateCorrupt, StateTooNew, StateUnwritable
from kube_actors.store.journal.lock import StateLock
from kube_actors.store.revision import Commit, CommitKind, Key
from kube_actors.store.state_file.database import (
    SCHEMA_VERSION,
    Damaged,
    Database,
    Step,
    TooNew,
    Unwritable,
    WriteFailed,
)

BLOCK = 50_000  # revision numbers reserved at a time; the next block is asked for when half is used
_SENT_AT_ONCE: Final = 8
"""Commits that are not kept waiting for the end of this turn of the loop: their group is written meanwhile."""
_GROUP_COUNT: Final = 4096  # commits sent together at most
_GROUP_BYTES: Final = 8 << 20
_FAREWELL: Final = 30.0
"""Machine seconds that the last groups may take."""
_FAILURES: Final = 3
"""Processes one after the other that may end before they have answered anything."""
_ENDED: Final = "the process that writes it ends again and again"


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
        self._held = contextlib.ExitStack()
        self._path, self._bounds = path.absolute(), (history_bytes, history_count)
        self._lock = _take_lock(path)
        try:
            with _in_words(path):
                self._database = Database(str(self._path), history_bytes=history_bytes, history_count=history_count)
        except BaseException:
            self._lock.release()
            raise
        self._unsent: deque[Commit] = deque()
        self._underway: deque[Commit] = deque()  # sent, and not answered yet
        self._committer: Committer | None = None
        self._answers = 0
        self._asked = 0  # the first number that is not to be given out, as it was last sent
        self._owner = 0
        self._last = 0  # the newest number taken notice of
        self._volatile: set[str] = set()
        self._new_volatile: set[str] = set()
        self._work = trio.Event()
        self._closed = False

    def load(self) -> Loaded:
        """Reads the state and reserves the first block; on an error the state is let go of, unchanged."""
        try:
            with _in_words(self._path):
                found = self._database.load(BLOCK)
        except BaseException:
            self.close()
            raise
        self.limit = found.reserved + BLOCK - 1
        self._owner, self._last = found.owner, found.reserved
        self._volatile.update(found.volatile)
        objects, history = map(_record, found.objects), map(_record, found.history)
        return Loaded([*objects], [*history], found.floor, found.reserved, found.gaps, found.volatile)

    def append(self, commit: Commit) -> None:
        """Takes the commit into the next group, and sends that when it is large."""
        self._last = commit.resource_version
        self._unsent.append(commit)
        committer = self._committer
        if committer is not None and len(self._unsent) >= _SENT_AT_ONCE and committer.takes_more:
            self._send(committer)  # what of it does not go at once is flushed: the first of them has set `_work`
        else:
            self._work.set()

    def skip(self, commit: Commit) -> None:
        """A commit that is not kept is as durable as the kept ones before it."""
        self._last = commit.resource_version
        if commit.key.resource not in self._volatile:
            self._volatile.add(commit.key.resource)
            self._new_volatile.add(commit.key.resource)
        if not self._underway and not self._unsent:
            self._on_durable(self._last)
        if self._wants_numbers():
            self._work.set()

    # --- the process

    async def run(self) -> None:
        """Sends and hears. Returns when the journal has failed; `failed()` says so.

        A process that ends without a reason is replaced, and gets once more what it had not answered.
        """
        failures = 0
        while self.failure is None and failures < _FAILURES:
            self._unsent.extendleft(reversed(self._underway))
            self._underway.clear()
            self._new_volatile |= self._volatile
            try:
                self._committer = committer = Committer(self._path, *self._bounds, self._owner)
            except OSError as error:
                self.fail(f"{self._path}: the process that writes it cannot be started: {error}")
                return
            try:
                failures = 0 if await self._work_with(committer) else failures + 1
            finally:
                self._committer = None
                committer.close()
                self._held.close()
        self.fail(f"{self._path}: {_ENDED}")

    async def _work_with(self, committer: Committer) -> bool:
        """Until it has ended, or this is cancelled: then until it has written what it was sent. Whether it has answered
        anything."""
        before = self._answers
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._send_all, committer)
                await self._hear(committer)
                nursery.cancel_scope.cancel()
        finally:
            with trio.move_on_after(_FAREWELL, shield=True):
                await committer.flush()
                committer.finish()
                await self._hear(committer)
        return self._answers > before

    async def _send_all(self, committer: Committer) -> None:
        """The first group may be empty: one that answers it can do its work."""
        if committer.takes_more:  # or else `append` was faster
            self._send(committer)
        while True:
            await committer.flush()
            if self._unsent or self._new_volatile or self._wants_numbers():
                self._send(committer)
            else:
                self._work = trio.Event()
                await self._work.wait()

    async def _hear(self, committer: Committer) -> None:
        while (answers := await committer.receive()) is not None:
            for answer in answers:
                if isinstance(answer, str):
                    self.fail(answer)
                else:
                    self._answers += 1
                    self._finish(*answer)

    def _send(self, committer: Committer) -> None:
        """Send the oldest commits that wait; they are kept until they are answered, so that none is lost in between."""
        commits, through = self._next_group()
        try:
            committer.send(self._group(commits, through))
        except BaseException:  # what cannot be sent must not count as answered by and by
            self._unsent.extendleft(reversed(commits))
            raise
        if commits and not self._underway:
            self._held.enter_context(self._hold())
        self._underway.extend(commits)
        self._new_volatile.clear()

    def _next_group(self) -> tuple[list[Commit], int]:
        """The oldest commits that have not been sent, and the number that they go up to."""
        commits: list[Commit] = []
        size = 0
        while self._unsent and len(commits) < _GROUP_COUNT and size < _GROUP_BYTES:
            commits.append(self._unsent.popleft())
            size += len(commits[-1].revision.raw)
        return commits, self._unsent[0].resource_version - 1 if self._unsent else self._last

    def _group(self, commits: list[Commit], through: int) -> tuple[list[tuple[object, ...]], list[str], int, int]:
        """What `Database.write` is to keep."""
        steps: list[tuple[object, ...]] = [
            (each.revision.resource_version, each.kind, *map(_plain, (*each.key, each.revision.uid)), each.revision.raw)
            for each in commits
        ]
        return steps, sorted(self._new_volatile), through, self._reservation()

    def _is_running_out(self) -> bool:
        return self._last > self.limit - BLOCK // 2

    def _wants_numbers(self) -> bool:
        """Whether half a block is used up, and the next has not been asked for."""
        return self._is_running_out() and self._asked <= self.limit + 1

    def _reservation(self) -> int:
        """The first number that is not to be given out: unchanged until half a block is used up."""
        wanted = self._last + BLOCK if self._is_running_out() else self.limit + 1
        self._asked = max(self._asked, wanted)  # what has been asked for may be granted any moment
        return self._asked

    def _finish(self, through: int, reserved: int) -> None:
        """Everything up to a number is on the disk, and numbers below `reserved` may be given out."""
        while self._underway and self._underway[0].resource_version <= through:
            self._underway.popleft()
        self.limit = max(self.limit, reserved - 1)
        if not self._underway:
            self._held.pop_all().close()
        first = self._underway or self._unsent
        self._on_durable(first[0].resource_version - 1 if first else self._last)

    # --- the end

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
        self._unsent.extendleft(reversed(self._underway))
        self._underway.clear()
        self._new_volatile |= self._volatile
        try:
            while self._unsent:
                commits, through = self._next_group()
                self._database.write(*self._group(commits, through))
                self._finish(through, 0)
            # The number after the last is spent on the end itself: the next start stands there, above all that was.
            self._database.write([], sorted(self._new_volatile), self._last, self._last + 1)
        except WriteFailed as error:
            raise JournalFailed(str(error)) from error


_plain: Final = str.__str__
"""A text as a plain `str`: somebody's `StrEnum` is not what a process of another program could read."""


def _record(step: Step) -> Record:
    kind: CommitKind = step.kind  # type: ignore[assignment]  # what was written is one
    return Record(kind, Key(step.resource, step.namespace, step.name), step.uid, step.revision, step.body)


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """What is wrong with a file, for the person who starts the program."""
    try:
        yield
    except TooNew as error:
        raise StateTooNew(path, error.args[0], SCHEMA_VERSION) from error
    except Unwritable as error:
        raise StateUnwritable(path, str(error)) from error
    except Damaged as error:
        raise StateCorrupt(path, str(error)) from error


def _take_lock(path: Path) -> StateLock:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return StateLock(path.with_name(path.name + ".lock"), path)
    except OSError as error:
        raise StateUnwritable(path, error.strerror or str(error)) from error
