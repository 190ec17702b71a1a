"""The state file: the SQL of the SQLite journal, and the only module that knows sqlite3.

Two tables hold bodies: `objects` has what exists, keyed by where it lives; `history` has the newest steps, so that a
watch can go on over a restart. Everything here blocks; one thread at a time may be inside.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from zlib import crc32

from kube_actors.records import frozen
from kube_actors.store.journal.base import Loaded, Record
from kube_actors.store.journal.errors import JournalFailed, StateCorrupt, StateTooNew, StateUnwritable
from kube_actors.store.revision import Commit, Key

SCHEMA_VERSION = 1
APPLICATION_ID = 0x6B616374  # "kact": tells our file from any other SQLite database

_TABLES = """
create table state (
    id integer primary key check (id = 1), schema integer not null,
    durable integer not null, reserved integer not null, floor integer not null);
create table objects (
    resource text not null, namespace text not null, name text not null,
    uid text not null, revision integer not null, checksum integer not null, body blob not null,
    primary key (resource, namespace, name));
create table history (
    revision integer primary key, kind text not null,
    resource text not null, namespace text not null, name text not null,
    uid text not null, checksum integer not null, body blob not null);
create table gaps (first integer primary key, last integer not null);
create table volatile (resource text primary key) without rowid;
"""

_PUT_OBJECT = """
insert into objects (resource, namespace, name, uid, revision, checksum, body) values (?, ?, ?, ?, ?, ?, ?)
on conflict (resource, namespace, name) do update set uid = excluded.uid, revision = excluded.revision,
    checksum = excluded.checksum, body = excluded.body
"""
_SET_STATE = "update state set durable = ?, reserved = ?, floor = max(floor, ?)"
_DROP_OBJECT = "delete from objects where resource = ? and namespace = ? and name = ?"
_ADD_HISTORY = "insert or replace into history values (?, ?, ?, ?, ?, ?, ?, ?)"
_READ_OBJECTS = "select 'added', resource, namespace, name, uid, revision, checksum, body from objects"
_READ_HISTORY = "select kind, resource, namespace, name, uid, revision, checksum, body from history order by revision"

_PAGE_SIZE = 8192  # bytes; two typical objects, measured a fifth faster than 4096
_WAL_PAGES = 1000  # checkpoint when the log has this many pages (8 MB): a few milliseconds' work
_VACUUM_ABOVE = 2048  # free pages (16 MB) worth giving back to the file system
_VACUUM_STEP = 512  # pages given back at a time (4 MB), a few milliseconds' work
_VACUUM_EVERY = 16  # groups of writes
_BUSY_SECONDS = 10.0  # how long somebody who looks into the file with another program may hold us up

_CANNOT_WRITE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}


@frozen
class Batch:
    """What one transaction keeps: `commits` in order, all up to `through`, the right to numbers below `reserved`."""

    commits: Sequence[Commit]
    volatile: frozenset[str]
    through: int
    reserved: int


class Database:
    """The open state file. History keeps at most `history_count` steps and `history_bytes` of bodies."""

    def __init__(self, path: Path, *, history_bytes: int, history_count: int) -> None:
        """Opens or creates the file. Raises `StateError`; a file that is not ours or too new is left as it is."""
        self._path = path
        self._history_bytes = history_bytes
        self._history_count = history_count
        self._kept: deque[tuple[int, int]] = deque()  # revision and bytes of every history row, oldest first
        self._kept_bytes = 0
        self._writes = 0
        with self._opening():
            _create_private(path)
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        try:
            with self._opening():
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    @contextmanager
    def _opening(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StateUnwritable(self._path, error.strerror or str(error)) from error
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _CANNOT_WRITE:
                raise StateUnwritable(self._path, str(error)) from error
            raise StateCorrupt(self._path, str(error)) from error

    def _prepare(self) -> None:
        execute = self._connection.execute
        application = execute("pragma application_id").fetchone()[0]
        is_empty = not execute("select 1 from sqlite_master limit 1").fetchone()
        if is_empty:
            execute(f"pragma page_size = {_PAGE_SIZE}")
            execute("pragma auto_vacuum = incremental")
        elif application != APPLICATION_ID:
            raise StateCorrupt(self._path, "it belongs to another program")
        else:
            row = execute("select schema from state").fetchone()
            if row is None:
                raise StateCorrupt(self._path, "its state row is missing")
            if row[0] > SCHEMA_VERSION:
                raise StateTooNew(self._path, row[0], SCHEMA_VERSION)
        execute("pragma journal_mode = wal")
        execute("pragma synchronous = full")
        execute(f"pragma wal_autocheckpoint = {_WAL_PAGES}")
        execute(f"pragma journal_size_limit = {2 * _WAL_PAGES * _PAGE_SIZE}")
        if is_empty:
            self._connection.executescript(
                f"begin immediate; pragma application_id = {APPLICATION_ID}; {_TABLES}"
                f"insert into state values (1, {SCHEMA_VERSION}, 0, 0, 0); commit;"
            )

    def load(self, block: int) -> tuple[Loaded, int]:
        """Everything kept, and the new reservation: `block` numbers beyond all that may have been given out."""
        with self._opening():
            execute = self._connection.execute
            durable, reserved, floor = execute("select durable, reserved, floor from state").fetchone()
            objects = self._records(_READ_OBJECTS)
            history = self._records(_READ_HISTORY)
            volatile = frozenset(row[0] for row in execute("select resource from volatile"))
            execute("begin immediate")
            if durable + 1 < reserved:
                execute("insert or ignore into gaps values (?, ?)", (durable + 1, reserved - 1))
            execute("update state set durable = reserved, reserved = ?", (reserved + block,))
            execute("commit")
            gaps = execute("select first, last from gaps order by first").fetchall()
        self._kept.extend((record.resource_version, len(record.raw)) for record in history)
        self._kept_bytes = sum(size for _, size in self._kept)
        return Loaded(objects, history, floor, reserved, gaps, volatile), reserved + block

    def _records(self, query: str) -> list[Record]:
        records = []
        for kind, resource, namespace, name, uid, revision, checksum, body in self._connection.execute(query):
            key = Key(sys.intern(resource), sys.intern(namespace), name)
            if not isinstance(body, bytes) or crc32(body) != checksum:
                raise StateCorrupt(self._path, f"revision {revision} of {'/'.join(filter(None, key))} is damaged")
            records.append(Record(kind, key, uid, revision, body))
        return records

    def write(self, batch: Batch) -> None:
        """Keeps the batch; it is on the disk when this returns. May be repeated.

        Raises `JournalFailed`: then the disk may or may not have it, and nobody must be told that it has.
        """
        with self._writing():
            execute = self._connection.execute
            execute("begin immediate")
            self._write_commits(batch.commits)
            floor = self._forget_oldest(2 * len(batch.commits) + 64)
            for resource in sorted(batch.volatile):
                execute("insert or ignore into volatile values (?)", (resource,))
            execute(_SET_STATE, (batch.through, batch.reserved, floor))
            execute("commit")
            self._writes += 1
            if self._writes % _VACUUM_EVERY == 0:
                self._give_back_space()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                self._connection.rollback()
            raise JournalFailed(f"{self._path}: {error}") from error

    def _write_commits(self, commits: Iterable[Commit]) -> None:
        steps = []
        last: dict[Key, tuple[Commit, int]] = {}
        for commit in commits:
            revision = commit.revision
            checksum = crc32(revision.raw)
            steps.append((commit.resource_version, commit.kind, *revision.key, revision.uid, checksum, revision.raw))
            last[revision.key] = commit, checksum
            self._kept.append((commit.resource_version, len(revision.raw)))
            self._kept_bytes += len(revision.raw)
        puts, drops = [], []
        for key, (commit, checksum) in last.items():
            if commit.kind == "deleted":
                drops.append(key)
            else:
                puts.append((*key, commit.revision.uid, commit.resource_version, checksum, commit.revision.raw))
        for statement, rows in ((_ADD_HISTORY, steps), (_PUT_OBJECT, puts), (_DROP_OBJECT, drops)):
            if rows:  # each statement lets go of the interpreter, and a busy main thread is slow to give it back
                self._connection.executemany(statement, rows)

    def _forget_oldest(self, most: int) -> int:
        """Drops up to `most` of the oldest steps where history has outgrown its bounds; the new floor, or 0."""
        floor = 0
        while most and (self._kept_bytes > self._history_bytes or len(self._kept) > self._history_count):
            floor, size = self._kept.popleft()
            self._kept_bytes -= size
            most -= 1
        if floor:
            self._connection.execute("delete from history where revision <= ?", (floor,))
            self._connection.execute("delete from gaps where last < ?", (floor,))
        return floor

    def _give_back_space(self) -> None:
        if self._connection.execute("pragma freelist_count").fetchone()[0] > _VACUUM_ABOVE:
            # `execute` would stop after one page; `executescript` goes on to the end of the statement.
            self._connection.executescript(f"pragma incremental_vacuum({_VACUUM_STEP})")

    def close(self) -> None:
        """Closes the file; its write-ahead log is folded in."""
        self._connection.close()


def _create_private(path: Path) -> None:
    """Makes the file readable by its owner only, whatever the umask; SQLite gives its companions the same mode."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
