"""The journal in a file: what a restart finds again, and states it refuses."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.lowlevel

from kube_actors.api.selectors import LabelSelector
from kube_actors.errors import ApiError, InputError
from kube_actors.store import Commit, Key, Revision, Store, base_projection
from kube_actors.store.journal import StateCorrupt, StateInUse, StateTooNew, StateUnwritable
from kube_actors.store.journal.sqlite import BLOCK, SqliteJournal
from kube_actors.store.state_file.database import Database, Step, Unwritable, WriteFailed

from .building import create, delete, names, new_store, pod, told, update


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the state is."""
    return tmp_path / "state" / "state.db"


@contextmanager
def opened(path: Path, **options: Any) -> Iterator[Store]:
    """A store on the state at `path`, ended with a goodbye."""
    store = new_store(SqliteJournal(path, **options), ephemeral=lambda key: key.resource == "leases")
    try:
        yield store
    finally:
        store.close()


@asynccontextmanager
async def running(path: Path, **options: Any) -> AsyncIterator[Store]:
    """The same with the committer at work."""
    with opened(path, **options) as store:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(store.run)
            yield store
            nursery.cancel_scope.cancel()


def size_of(path: Path) -> int:
    """Bytes of the file."""
    return path.stat().st_size


def crashed(path: Path) -> Path:
    """The state as a runtime leaves it that is killed at this moment: a copy of its files."""
    copy = path.parent.with_name(path.parent.name + "-crashed")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(path.parent, copy)
    return copy / path.name


async def test_acknowledged_writes_survive_a_crash(path: Path) -> None:
    """Created, changed and removed objects are as they were; numbers go on above all that were given out."""
    async with running(path) as store:
        create(store, pod("a", app="x"))
        create(store, pod("b"))
        create(store, pod("c"))
        kept = update(store, pod("a", app="y", tier="z"))
        delete(store, "b")
        await store.durable(store.head)
        copy = crashed(path)
    with opened(copy) as again:
        assert names(again.list("pods")) == ["a", "c"]
        revision = again.get(Key("pods", "default", "a"))
        assert revision is not None
        assert (revision.raw, revision.uid, revision.resource_version) == (kept.raw, kept.uid, 4)
        assert revision.projection == kept.projection
        assert names(again.list("pods", None, LabelSelector.parse("app=y"))) == ["a"]
        assert create(again, pod("d")).resource_version > BLOCK


def test_numbers_of_a_first_moment_are_not_reused(path: Path) -> None:
    """A number given out before anything reached the disk is lost with its write, not given to another."""
    with opened(path) as store:
        lost = create(store, pod("a"))
        copy = crashed(path)
    with opened(copy) as again:
        assert (again.count("pods"), again.head > lost.resource_version) == (0, True)


async def test_what_arrives_while_the_disk_works_is_not_acknowledged_with_it(path: Path) -> None:
    """A write made while a group is on its way belongs to the next group."""
    late: list[Revision] = []

    @contextmanager
    def hold() -> Iterator[None]:
        yield
        if not late:
            late.append(create(store, pod("late")))

    store = new_store(SqliteJournal(path, hold=hold))
    create(store, pod("a"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.run)
        await store.durable(1)
        assert (store.durable_revision, store.head) == (1, 2)
        await store.durable(2)
        nursery.cancel_scope.cancel()
    store.close()


async def test_a_goodbye_wastes_no_numbers(path: Path) -> None:
    """After an orderly end numbering goes on two above the last: one number stands for the end itself."""
    for expected in (1, 3, 5):
        with opened(path) as store:
            assert create(store, pod(f"p{expected}")).resource_version == expected


def test_close_keeps_what_was_waiting(path: Path) -> None:
    """Writes that the committer had not come to yet are kept by an orderly end."""
    with opened(path) as store:
        create(store, pod("a"))
        assert store.durable_revision == 0
    with opened(path) as store:
        assert names(store.list("pods")) == ["a"]


async def test_watch_goes_on_over_a_restart(path: Path) -> None:
    """A client that saw number 2 hears of exactly what came after, from the durable history."""
    with opened(path) as store:
        create(store, pod("a", app="web"))
        create(store, pod("b", app="web"))
        update(store, pod("a", app="db"))
        delete(store, "b")
    with opened(path) as store:
        watch = store.watch("pods", since=2)
        chosen = store.watch("pods", since=2, selector=LabelSelector.parse("app=web"))
        create(store, pod("c", app="web"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(store.run)
            await store.durable(store.head)
            nursery.cancel_scope.cancel()
        assert told(watch.drain_nowait()) == [("MODIFIED", "a"), ("DELETED", "b"), ("ADDED", "c")]
        assert told(chosen.drain_nowait()) == [("DELETED", "a"), ("DELETED", "b"), ("ADDED", "c")]


async def test_watch_from_the_lost_gap_is_refused(path: Path) -> None:
    """Who saw numbers that a crash undid gets 410, also after further restarts; who saw only durable ones goes on."""
    async with running(path) as store:
        create(store, pod("a"))
        await store.durable(1)
        copy = crashed(path)
    for _ in range(3):
        with opened(copy) as store:
            for lost in (2, 50, BLOCK - 1):
                with pytest.raises(ApiError, match="lost") as expired:
                    store.watch("pods", since=lost)
                assert expired.value.code == 410
            assert store.watch("pods", since=1).drain_nowait() == []
            assert store.watch("pods", since=store.head).drain_nowait() == []


async def test_selector_watch_over_a_restart_needs_to_know_what_was_before(path: Path) -> None:
    """Where the earlier object has been compacted away, only a watch that does not depend on it goes on."""
    async with running(path, history_count=2) as store:
        for app in ("web", "web", "db", "web"):
            (update if store.count("pods") else create)(store, pod("a", app=app))
            await store.durable(store.head)
    with opened(path, history_count=2) as store:
        assert told(store.watch("pods", since=2).drain_nowait()) == [("MODIFIED", "a"), ("MODIFIED", "a")]
        web = LabelSelector.parse("app=web")
        with pytest.raises(ApiError) as expired:
            store.watch("pods", since=2, selector=web)
        assert expired.value.code == 410
        assert told(store.watch("pods", since=3, selector=web).drain_nowait()) == [("ADDED", "a")]


async def test_ephemeral_objects_are_watched_but_not_kept(path: Path) -> None:
    """They take numbers and are told; a restart forgets them, and no watch pretends to know of that."""
    async with running(path) as store:
        lease = create(store, pod("lease"), "leases")
        await store.durable(lease.resource_version)
        watch = store.watch("leases", since=lease.resource_version)
        update(store, pod("lease", beat="2"), "leases")
        assert told(watch.drain_nowait()) == [("MODIFIED", "lease")]
        create(store, pod("a"))
        seen = store.head
        await store.durable(seen)
        copy = crashed(path)
    for state in (path, copy):
        with opened(state) as store:
            assert (store.count("leases"), store.count("pods")) == (0, 1)
            with pytest.raises(ApiError) as expired:
                store.watch("leases", since=seen)
            assert expired.value.code == 410
            assert store.watch("leases", since=store.head).drain_nowait() == []
            assert store.watch("pods", since=seen).drain_nowait() == []


async def test_numbers_are_reserved_before_they_are_used(path: Path) -> None:
    """When half a block has been used, the next is on disk before the limit rises, also if nothing else is written."""
    journal = SqliteJournal(path)
    store = new_store(journal)
    first_limit = journal.limit
    beat = Revision(Key("leases", "", "beat"), "uid", first_limit // 2 + 2, b"{}", base_projection({}))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.run)
        journal.skip(Commit("modified", beat, None))
        while journal.limit == first_limit:  # nothing says when numbers have been reserved
            await trio.lowlevel.checkpoint()
        copy = crashed(path)
        nursery.cancel_scope.cancel()
    new_limit = journal.limit
    store.close()
    assert new_limit > beat.resource_version
    with opened(copy) as again:
        assert again.head > new_limit


async def test_history_on_disk_is_bounded(path: Path) -> None:
    """In count and in bytes; the file stops growing, and numbers before it are refused after a restart."""
    bounds = {"history_count": 50, "history_bytes": 200_000}
    async with running(path, **bounds) as store:
        create(store, pod("a", padding=8000))
        for _ in range(60):
            for _ in range(10):
                update(store, pod("a", padding=8000))
            await store.durable(store.head)
    database = sqlite3.connect(path)
    count, size = database.execute("select count(*), sum(length(body)) from history").fetchone()
    database.close()
    assert (10 <= count <= 50, size <= 200_000) == (True, True)
    assert size_of(path) < 1_500_000
    with opened(path, **bounds) as store:
        with pytest.raises(ApiError):
            store.watch("pods", since=500)
        assert len(store.watch("pods", since=595).drain_nowait()) == 6


async def test_space_of_deleted_objects_is_given_back(path: Path) -> None:
    """After a large cluster has gone, the file shrinks, a little with each group of writes."""
    async with running(path, history_count=10) as store:
        for number in range(400):
            create(store, pod(f"p{number}", padding=100_000))
        await store.durable(store.head)
        for number in range(400):
            delete(store, f"p{number}")
        for number in range(160):
            create(store, pod(f"small{number}"))
            await store.durable(store.head)
    assert size_of(path) < 25_000_000


def test_second_runtime_is_refused_and_told_who_holds_the_state(path: Path) -> None:
    """Also within one process; after the first has ended the state is free."""
    with opened(path) as store:
        create(store, pod("a"))
        with pytest.raises(StateInUse, match=f"in use by process {os.getpid()}") as refused:
            SqliteJournal(path)
        assert (refused.value.holder_pid, isinstance(refused.value, InputError)) == (os.getpid(), True)
    with opened(path) as store:
        assert store.count("pods") == 1


def test_lock_left_behind_by_a_crash_holds_nobody_up(path: Path) -> None:
    """The file of a dead holder is there, its lock is not."""
    path.parent.mkdir()
    path.with_name(path.name + ".lock").write_text("4194999\n")
    with opened(path) as store:
        create(store, pod("a"))


def change_checksums(path: Path, by: int) -> None:
    """Makes every object look damaged, or mends it."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("update objects set checksum = checksum + ?", (by,))


def test_refused_state_is_not_written_to(path: Path) -> None:
    """Once the damage is mended everything is there, and numbering goes on where it was."""
    with opened(path) as store:
        for number in range(9):
            create(store, pod(f"p{number}"))
    change_checksums(path, 1)
    with pytest.raises(StateCorrupt):
        new_store(SqliteJournal(path))
    change_checksums(path, -1)
    with opened(path) as store:
        assert (store.count("pods"), store.head) == (9, 10)


def test_newer_state_is_refused_and_left_as_it_is(path: Path) -> None:
    """Both versions are named, not a byte changes, and the lock is free again."""
    with opened(path) as store:
        create(store, pod("a"))
    database = sqlite3.connect(path)
    database.execute("update state set schema = 7")
    database.commit()
    database.close()
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(StateTooNew, match=r"schema version 7.*up to 1") as refused:
            SqliteJournal(path)
        assert (refused.value.found, refused.value.supported) == (7, 1)
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", ["text", "header", "page", "body", "foreign", "emptied"])
def test_damaged_state_is_refused_with_its_file(path: Path, damage: str) -> None:
    """Not our file, or ours with a damaged page or body: a clear error, never a cluster with something missing."""
    with opened(path) as store:
        for number in range(50):
            create(store, pod(f"p{number}", padding=2000))
    content = bytearray(path.read_bytes())
    database = sqlite3.connect(path)
    if damage == "text":
        path.write_text("apiVersion: v1\n" * 1000)
    elif damage == "header":
        content[:100] = b"\0" * 100
        path.write_bytes(content)
    elif damage == "page":
        content[len(content) // 4 : len(content) // 2] = b"\xff" * (len(content) // 2 - len(content) // 4)
        path.write_bytes(content)
    elif damage == "body":
        database.execute("update objects set body = cast(replace(body, 'Pod', 'Pot') as blob) where name = 'p7'")
    elif damage == "foreign":
        database.execute("pragma application_id = 1")
    else:
        database.execute("delete from state")
    database.commit()
    database.close()
    with pytest.raises(StateCorrupt, match="cannot be read") as refused:
        new_store(SqliteJournal(path))
    assert refused.value.problems[0].file == str(path)
    assert not isinstance(again_refused(path), StateInUse)


def again_refused(path: Path) -> InputError:
    """What a second attempt is told."""
    with pytest.raises(InputError) as refused:
        new_store(SqliteJournal(path))
    return refused.value


def test_unusable_place_is_named(tmp_path: Path) -> None:
    """A directory that cannot be made, and a file that is a directory."""
    (tmp_path / "file").write_text("")
    (tmp_path / "dir" / "state.db").mkdir(parents=True)
    for place in (tmp_path / "file" / "state.db", tmp_path / "dir" / "state.db"):
        with pytest.raises(StateUnwritable, match="cannot be written") as refused:
            SqliteJournal(place)
        assert refused.value.problems[0].file == str(place)


@pytest.mark.parametrize("umask", [0o000, 0o277])
async def test_files_are_private_whatever_the_umask(path: Path, umask: int) -> None:
    """The state, its companions and the lock can be read by their owner only; so can the directory."""
    if os.geteuid() and umask & 0o200:
        pytest.skip("only root writes files that nobody may write")
    before = os.umask(umask)
    try:
        async with running(path) as store:
            create(store, pod("a"))
            await store.durable(1)
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("state.db", "state.db-wal", "state.db-shm", "state.db.lock"), 0o600)
    assert stat.S_IMODE(path.parent.stat().st_mode) & 0o077 == 0


async def test_virtual_time_is_held_while_the_disk_works(path: Path) -> None:
    """`hold` is entered before the disk is asked and left after it has answered."""
    held: list[str] = []

    @contextmanager
    def hold() -> Iterator[None]:
        held.append("held")
        yield
        held.append("released")

    store = new_store(SqliteJournal(path, hold=hold))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.run)
        create(store, pod("a"))
        await store.durable(1)
        nursery.cancel_scope.cancel()
    store.close()
    assert held == ["held", "released"]


async def test_writers_share_a_sync(path: Path) -> None:
    """A thousand writes at once take few transactions: all are durable within a moment."""
    async with running(path) as store:
        groups: list[int] = []
        for number in range(1000):
            create(store, pod(f"p{number:03}"))
        while store.durable_revision < 1000:
            await store.durable(store.durable_revision + 1)
            groups.append(store.durable_revision)
    assert len(groups) <= 2


def committers() -> list[int]:
    """The processes of this program that write a state."""
    found = []
    for directory in Path("/proc").iterdir():
        with suppress(OSError):
            if directory.name.isdigit() and b"state_file.committer" in (directory / "cmdline").read_bytes():
                parent = (directory / "stat").read_text().rpartition(")")[2].split()[1]
                found += [int(directory.name)] if int(parent) == os.getpid() else []
    return found


async def test_a_committer_that_is_killed_is_replaced(path: Path) -> None:
    """What it had not written is written by the next one; nobody is told anything."""
    async with running(path) as store:
        for number in range(3):
            create(store, pod(f"a{number}"))
            await store.durable(store.head)
            (committer,) = committers()
            create(store, pod(f"b{number}"))
            os.kill(committer, signal.SIGKILL)
            create(store, pod(f"c{number}"))
            with trio.fail_after(30):
                await store.durable(store.head)
        copy = crashed(path)
    assert not committers()
    for state in (path, copy):
        with opened(state) as again:
            assert len(again.list("pods")) == 9


async def test_signals_to_everybody_leave_the_committer_alone(path: Path) -> None:
    """Ctrl-C and the end of a service go to all processes: the state is written until the cluster has ended."""
    async with running(path) as store:
        create(store, pod("a"))
        await store.durable(1)
        (committer,) = committers()
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(committer, number)
        create(store, pod("b"))
        with trio.fail_after(30):
            await store.durable(2)
        assert committers() == [committer]


async def test_a_committer_of_a_runtime_that_was_killed_is_refused(path: Path) -> None:
    """Who has loaded the state since would not know of what it wrote."""
    left_over = Database(str(path), history_bytes=1 << 20, history_count=100)
    first = left_over.load(100)
    left_over.write([Step(1, "added", "pods", "", "a", "uid", b"{}")], [], 1, first.reserved + 100)
    with opened(path) as store:
        with pytest.raises(WriteFailed, match="another process has taken over"):
            left_over.write([Step(2, "added", "pods", "", "b", "uid", b"{}")], [], 2, first.reserved + 100)
        assert names(store.list("pods")) == ["a"]
    left_over.close()
    with opened(path) as store:
        assert names(store.list("pods")) == ["a"]


@pytest.mark.parametrize("count", [1, 8, 9, 16, 17])
async def test_what_does_not_go_at_once_goes_by_itself(path: Path, count: int) -> None:
    """A group that is larger than the way to the committer arrives although nothing is written after it."""
    async with running(path) as store:
        create(store, pod("first"))
        await store.durable(store.head)
        for number in range(count):
            create(store, pod(f"large{number}", padding=300_000))
        with trio.fail_after(30):
            await store.durable(store.head)


async def test_a_committer_that_cannot_be_started_ends_the_journal(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a write is told, and why."""
    monkeypatch.setattr(sys, "executable", str(path.parent / "no-such-python"))
    journal = SqliteJournal(path)
    store = new_store(journal)
    create(store, pod("a"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.run)
        with pytest.raises(ApiError, match="cannot be started") as refused:
            await store.durable(1)
        assert refused.value.code == 503
    store.close()


class Name(StrEnum):
    """Somebody's names."""

    A = "a"


async def test_texts_of_any_class_are_kept(path: Path) -> None:
    """A program may name its objects by an enumeration."""
    async with running(path) as store:
        for number in range(8):
            create(store, pod(f"p{number}", namespace=Name.A))
        create(store, pod(Name.A))
        with trio.fail_after(30):
            await store.durable(store.head)
        copy = crashed(path)
    with opened(copy) as again:
        assert again.count("pods") == 9


async def test_a_committer_makes_no_file(path: Path) -> None:
    """Of a state that has been removed meanwhile nothing comes back."""
    with pytest.raises(Unwritable):
        Database(str(path), history_bytes=1, history_count=1, creates=False)
    assert not path.parent.exists()


async def test_what_is_kept_waiting_by_a_replacement_goes_on(path: Path) -> None:
    """Much that has not been answered, and writers that go on at once, meet the committer that takes the place."""
    async with running(path) as store:
        create(store, pod("first"))
        await store.durable(1)
        for turn in range(3):
            os.kill(committers()[0], signal.SIGKILL)
            for number in range(40):
                create(store, pod(f"large{turn}-{number}", padding=100_000))
                await trio.lowlevel.checkpoint()
            with trio.fail_after(60):
                await store.durable(store.head)


async def test_large_and_many_commits_go_through(path: Path) -> None:
    """More than the way to the committer holds at once, in several groups, in order."""
    async with running(path) as store:
        for number in range(60):
            create(store, pod(f"large{number:02}", padding=300_000))
        for number in range(5000):
            create(store, pod(f"small{number:04}"))
        with trio.fail_after(60):
            await store.durable(store.head)
        copy = crashed(path)
    with opened(copy) as again:
        assert again.count("pods") == 5060
