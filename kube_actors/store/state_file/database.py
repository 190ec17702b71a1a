"""The SQL of the state file, and the only module that knows sqlite3.

Two tables hold bodies: `objects` has what exists, keyed by where it lives; `history` has the newest steps, so that a
watch can go on over a restart. Everything here blocks; one thread at a time may be inside.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple
from zlib import crc32

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
_READ_SIZES = "select revision, length(body) from history order by revision"

_PAGE_SIZE = 8192  # bytes; two typical objects, measured a fifth faster than 4096
_WAL_PAGES = 1000  # checkpoint when the log has this many pages (8 MB): a few milliseconds' work
_VACUUM_ABOVE = 2048  # free pages (16 MB) worth giving back to the file system
_VACUUM_STEP = 512  # pages given back at a time (4 MB), a few milliseconds' work
_VACUUM_EVERY = 16  # groups of writes
_BUSY_SECONDS = 10.0  # how long somebody who looks into the file with another program may hold us up
_OWNERS = 1 << 31  # the file's `user_version` has 32 bits with a sign

_CANNOT_WRITE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}


class Damaged(Exception):
    """The file cannot be read, or is none of ours; the text says why."""


class TooNew(Exception):
    """A program that knows more wrote the file, in the schema version that is the argument."""


class Unwritable(Exception):
    """The file cannot be written by this user; the text says why."""


class WriteFailed(Exception):
    """A write did not succeed; the text names the file."""


class Step(NamedTuple):
    """A commit as it is kept. `kind` is `added`, `modified` or `deleted`, `body` canonical JSON."""

    revision: int
    kind: str
    resource: str
    namespace: str
    name: str
    uid: str
    body: bytes


class Contents(NamedTuple):
    """What the file has: `objects` as steps, `history` from its oldest step above `floor`, `gaps` of numbers that were
    lost, `volatile` resources; numbers below `reserved` may have been seen. From now on only `owner` may write."""

    objects: list[Step]
    history: list[Step]
    floor: int
    reserved: int
    gaps: list[tuple[int, int]]
    volatile: frozenset[str]
    owner: int


class Database:
    """The open file. History keeps at most `history_count` steps and `history_bytes` of bodies.

    Who has loaded the file last is its owner. A process that still writes for the one before, which was killed, is
    refused: the new one would not know of what it wrote.
    """

    def __init__(self, path: str, *, history_bytes: int, history_count: int, creates: bool = True) -> None:
        """Opens or (`creates`) makes the file. Raises `Damaged`, `TooNew` or `Unwritable`; then it is left as it is."""
        self._path = path
        self._history_bytes = history_bytes
        self._history_count = history_count
        self._kept: deque[tuple[int, int]] = deque()  # revision and bytes of every history row, oldest first
        self._kept_bytes = 0
        self._writes = 0
        self._owner = 0
        with self._opening():
            if creates:
                _create_private(path)
            else:
                os.stat(path)
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
            raise Unwritable(error.strerror or str(error)) from error
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _CANNOT_WRITE:
                raise Unwritable(str(error)) from error
            raise Damaged(str(error)) from error

    def _prepare(self) -> None:
        execute = self._connection.execute
        application = execute("pragma application_id").fetchone()[0]
        is_empty = not execute("select 1 from sqlite_master limit 1").fetchone()
        if is_empty:
            execute(f"pragma page_size = {_PAGE_SIZE}")
            execute("pragma auto_vacuum = incremental")
        elif application != APPLICATION_ID:
            raise Damaged("it belongs to another program")
        else:
            row = execute("select schema from state").fetchone()
            if row is None:
                raise Damaged("its state row is missing")
            if row[0] > SCHEMA_VERSION:
                raise TooNew(row[0])
        execute("pragma journal_mode = wal")
        execute("pragma synchronous = full")
        execute(f"pragma wal_autocheckpoint = {_WAL_PAGES}")
        execute(f"pragma journal_size_limit = {2 * _WAL_PAGES * _PAGE_SIZE}")
        if is_empty:
            self._connection.executescript(
                f"begin immediate; pragma application_id = {APPLICATION_ID}; {_TABLES}"
                f"insert into state values (1, {SCHEMA_VERSION}, 0, 0, 0); commit;"
            )

    def load(self, block: int) -> Contents:
        """Becomes the owner, reads everything and reserves `block` numbers beyond all that may have been given out.

        In one transaction: nobody writes in between, and nothing has changed when this raises.
        """
        with self._opening(), self._transaction():
            execute = self._connection.execute
            durable, reserved, floor = execute("select durable, reserved, floor from state").fetchone()
            objects = self._steps(_READ_OBJECTS)
            history = self._steps(_READ_HISTORY)
            volatile = frozenset(row[0] for row in execute("select resource from volatile"))
            if durable + 1 < reserved:
                execute("insert or ignore into gaps values (?, ?)", (durable + 1, reserved - 1))
            execute("update state set durable = reserved, reserved = ?", (reserved + block,))
            gaps = execute("select first, last from gaps order by first").fetchall()
            self._owner = int.from_bytes(os.urandom(4), "big") % _OWNERS  # not to be met again in a file made anew
            execute(f"pragma user_version = {self._owner}")
        self._keep((step.revision, len(step.body)) for step in history)
        return Contents(objects, history, floor, reserved, gaps, volatile, self._owner)

    def follow(self, owner: int) -> None:
        """Writes in the name of who loaded the file over another connection."""
        self._owner = owner
        with self._opening():
            self._keep(self._connection.execute(_READ_SIZES))

    def _keep(self, sizes: Iterator[tuple[int, int]]) -> None:
        self._kept.extend(sizes)
        self._kept_bytes = sum(size for _, size in self._kept)

    def _steps(self, query: str) -> list[Step]:
        steps = []
        for kind, resource, namespace, name, uid, revision, checksum, body in self._connection.execute(query):
            if not isinstance(body, bytes) or crc32(body) != checksum:
                raise Damaged(
                    f"revision {revision} of {'/'.join(filter(None, (resource, namespace, name)))} is damaged"
                )
            steps.append(Step(revision, kind, sys.intern(resource), sys.intern(namespace), name, uid, body))
        return steps

    def write(self, steps: Sequence[tuple[object, ...]], volatile: Sequence[str], through: int, reserved: int) -> None:
        """Keeps the steps (`Step`, or tuples like it), all up to the number `through`, the right to numbers below
        `reserved`, and which resources are `volatile`. It is on the disk when this returns; may be repeated.

        Raises `WriteFailed`: then the disk may or may not have it, and nobody must be told that it has.
        """
        with self._writing(), self._transaction():
            execute = self._connection.execute
            if execute("pragma user_version").fetchone()[0] != self._owner:
                raise WriteFailed(f"{self._path}: another process has taken over this state")
            self._write_steps(steps)
            floor = self._forget_oldest(2 * len(steps) + 64)
            for resource in volatile:
                execute("insert or ignore into volatile values (?)", (resource,))
            execute(_SET_STATE, (through, reserved, floor))
        self._writes += 1
        if self._writes % _VACUUM_EVERY == 0:
            with self._writing():
                self._give_back_space()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of it or nothing."""
        self._connection.execute("begin immediate")
        try:
            yield
            self._connection.execute("commit")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.rollback()
            raise

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise WriteFailed(f"{self._path}: {error}") from error

    def _write_steps(self, steps: Sequence[tuple[object, ...]]) -> None:
        history = []
        puts: dict[tuple[str, str, str], tuple[object, ...] | None] = {}
        for revision, kind, resource, namespace, name, uid, body in map(Step._make, steps):
            checksum = crc32(body)
            history.append((revision, kind, resource, namespace, name, uid, checksum, body))
            put = None if kind == "deleted" else (resource, namespace, name, uid, revision, checksum, body)
            puts[resource, namespace, name] = put
            self._kept.append((revision, len(body)))
            self._kept_bytes += len(body)
        self._connection.executemany(_ADD_HISTORY, history)
        self._connection.executemany(_PUT_OBJECT, [put for put in puts.values() if put is not None])
        self._connection.executemany(_DROP_OBJECT, [key for key, put in puts.items() if put is None])

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
        """Closes the file; its write-ahead log is folded in by the last one who does."""
        self._connection.close()


def _create_private(path: str) -> None:
    """Makes the file readable by its owner only, whatever the umask; SQLite gives its companions the same mode."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
