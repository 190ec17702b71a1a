"""Following the store."""

from __future__ import annotations

import json

import pytest
import trio
import trio.testing

from kube_actors.api.selectors import LabelSelector
from kube_actors.errors import ApiError
from kube_actors.store import Key, Revision, WatchEvent
from kube_actors.store.watch import BOOKMARK_SECONDS

from .building import HeldJournal, create, delete, new_store, pod, told, update

WEB = LabelSelector.parse("app=web")


def test_watch_from_a_number_tells_what_came_after() -> None:
    """Steps after `since`, in order, of this resource alone."""
    store = new_store()
    create(store, pod("a"))
    watch = store.watch("pods", since=1)
    update(store, pod("a", app="x"))
    create(store, pod("n"), "nodes")
    delete(store, "a")
    assert told(watch.drain_nowait()) == [("MODIFIED", "a"), ("DELETED", "a")]
    assert watch.drain_nowait() == []
    assert watch.resource_version == 4


def test_watch_without_a_number_begins_with_what_there_is() -> None:
    """ADDED for every object, in order of key, then the steps; the same for 0."""
    store = new_store()
    create(store, pod("b"))
    create(store, pod("a"))
    watches = [store.watch("pods"), store.watch("pods", since=0)]
    create(store, pod("c"))
    for watch in watches:
        events = watch.drain_nowait() + watch.drain_nowait()
        assert told(events) == [("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c")]


def test_initial_events_can_be_refused_or_demanded() -> None:
    """`send_initial_events` overrides what `since` alone would mean."""
    store = new_store()
    create(store, pod("a"))
    create(store, pod("b"))
    quiet = store.watch("pods", send_initial_events=False)
    full = store.watch("pods", since=1, send_initial_events=True)
    assert quiet.drain_nowait() == []
    assert told(full.drain_nowait()) == [("ADDED", "a"), ("ADDED", "b")]
    assert full.drain_nowait() == []


async def test_end_of_initial_events_is_marked() -> None:
    """With bookmarks, a client that demanded them learns when it has everything, even if that is nothing."""
    store = new_store()
    create(store, pod("n"), "nodes")
    watch = store.watch("pods", bookmarks=True, send_initial_events=True)
    assert await watch.drain() == [WatchEvent("BOOKMARK", None, 1, initial_events_end=True)]


def test_namespace() -> None:
    """A watch of a namespace hears of no other."""
    store = new_store()
    watch = store.watch("pods", "one")
    create(store, pod("a", "one"))
    create(store, pod("b", "two"))
    assert told(watch.drain_nowait()) == [("ADDED", "a")]


def test_objects_enter_and_leave_a_selector() -> None:
    """Coming to match is ADDED, changing within is MODIFIED, ceasing to match is DELETED; the rest is not told."""
    store = new_store()
    watch = store.watch("pods", selector=WEB)
    create(store, pod("a", app="db"))
    update(store, pod("a", app="web"))
    update(store, pod("a", app="web", tier="x"))
    update(store, pod("a", app="db"))
    delete(store, "a")
    create(store, pod("b", app="web"))
    delete(store, "b")
    expected = [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a"), ("ADDED", "b"), ("DELETED", "b")]
    assert told(watch.drain_nowait()) == expected


def test_leaving_shows_the_last_known_object_under_the_new_number() -> None:
    """As kube-apiserver: the object as it was while it matched, with the resourceVersion of the step."""
    store = new_store()
    create(store, pod("a", app="web"))
    watch = store.watch("pods", since=1, selector=WEB)
    update(store, pod("a", app="db"))
    (event,) = watch.drain_nowait()
    assert event.revision is not None
    body = json.loads(event.revision.raw)
    assert (event.type, event.resource_version, event.revision.resource_version) == ("DELETED", 2, 2)
    assert (body["metadata"]["labels"], body["metadata"]["resourceVersion"]) == ({"app": "web"}, "2")


def test_any_other_condition() -> None:
    """`where` narrows like a selector: the pods of a node, as a kubelet asks."""
    store = new_store()

    def on_one(revision: Revision) -> bool:
        return bool(revision.projection.facts.node == "one")

    create(store, pod("a", node="one"))
    create(store, pod("b"))
    watch = store.watch("pods", where=on_one)
    update(store, pod("b", node="one"))
    assert told(watch.drain_nowait() + watch.drain_nowait()) == [("ADDED", "a"), ("ADDED", "b")]


async def test_sleeping_watch_is_woken() -> None:
    """An async iterator that waits for the next event."""
    store = new_store()
    heard: list[tuple[str, str]] = []

    async def follow() -> None:
        async for event in store.watch("pods"):
            heard.extend(told([event]))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow)
        await trio.testing.wait_all_tasks_blocked()
        create(store, pod("a"))
        create(store, pod("b"))
        await trio.testing.wait_all_tasks_blocked()
        assert heard == [("ADDED", "a"), ("ADDED", "b")]
        delete(store, "a")
        await trio.testing.wait_all_tasks_blocked()
        assert heard[2:] == [("DELETED", "a")]
        nursery.cancel_scope.cancel()


async def test_steps_out_of_scope_do_not_end_a_drain() -> None:
    """A drain returns with something, however many steps pass by that do not concern it."""
    store = new_store()
    with trio.testing.assert_checkpoints():
        watch = store.watch("pods", "mine")
        create(store, pod("a", "mine"))
        await watch.drain()
    async with trio.open_nursery() as nursery:
        events: list[WatchEvent] = []

        async def drain() -> None:
            events.extend(await watch.drain())

        nursery.start_soon(drain)
        for number in range(3):
            create(store, pod(f"p{number}", "other"))
            await trio.testing.wait_all_tasks_blocked()
        assert events == []
        create(store, pod("b", "mine"))
    assert told(events) == [("ADDED", "b")]


async def test_durable_watch_sees_nothing_that_a_crash_could_undo() -> None:
    """Neither the objects it begins with nor the steps are told before the disk has them; a head watch sees both."""
    journal = HeldJournal()
    store = new_store(journal)
    create(store, pod("a"))
    durable, head = store.watch("pods"), store.watch("pods", durable=False)
    heard: list[tuple[str, str]] = []

    async def follow() -> None:
        while True:
            heard.extend(told(await durable.drain()))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow)
        await trio.testing.wait_all_tasks_blocked()
        assert heard == []
        assert told(head.drain_nowait()) == [("ADDED", "a")]
        journal.release()
        await trio.testing.wait_all_tasks_blocked()
        assert heard == [("ADDED", "a")]
        create(store, pod("b"))
        create(store, pod("c"))
        await trio.testing.wait_all_tasks_blocked()
        assert len(heard) == 1
        assert told(head.drain_nowait()) == [("ADDED", "b"), ("ADDED", "c")]
        journal.release(2)
        await trio.testing.wait_all_tasks_blocked()
        assert heard[1:] == [("ADDED", "b")]
        journal.release()
        await trio.testing.wait_all_tasks_blocked()
        assert heard[2:] == [("ADDED", "c")]
        nursery.cancel_scope.cancel()


async def test_durable_start_waits_for_everything_before_it() -> None:
    """A watch begins at the head, so it waits for writes to other resources too, and is woken when they are safe."""
    journal = HeldJournal()
    store = new_store(journal)
    create(store, pod("n"), "nodes")
    journal.release()
    create(store, pod("a"))
    watch = store.watch("nodes")
    heard: list[tuple[str, str]] = []

    async def follow() -> None:
        heard.extend(told(await watch.drain()))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow)
        await trio.testing.wait_all_tasks_blocked()
        assert heard == []
        journal.release()
    assert (heard, watch.resource_version) == ([("ADDED", "n")], 2)


async def test_watches_end_when_the_journal_fails() -> None:
    """503 for durable watches, also of resources in which nothing is waiting."""
    journal = HeldJournal()
    store = new_store(journal)
    watches = [store.watch("pods"), store.watch("nodes")]
    codes: list[int] = []

    async def follow(index: int) -> None:
        with pytest.raises(ApiError) as refused:
            await watches[index].drain()
        codes.append(refused.value.code)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow, 0)
        nursery.start_soon(follow, 1)
        await trio.testing.wait_all_tasks_blocked()
        create(store, pod("a"))
        journal.fail("the disk is gone")
    assert codes == [503, 503]


async def test_bookmarks_come_every_minute(autojump_clock: trio.testing.MockClock) -> None:
    """With the newest number even when this resource is quiet, and only to who asked."""
    store = new_store()
    watch = store.watch("pods", bookmarks=True)
    quiet = store.watch("pods")
    for _ in range(5):
        create(store, pod(f"n{store.head}"), "nodes")
    started = trio.current_time()
    assert await watch.drain() == [WatchEvent("BOOKMARK", None, 5)]
    assert trio.current_time() - started == pytest.approx(BOOKMARK_SECONDS)
    create(store, pod("a"))
    assert told(await watch.drain()) == [("ADDED", "a")]
    assert await watch.drain() == [WatchEvent("BOOKMARK", None, 6)]
    assert told(quiet.drain_nowait()) == [("ADDED", "a")]


def test_slow_watcher_is_told_to_list_again() -> None:
    """History is bounded in bytes: who falls off gets 410, others go on."""
    store = new_store(history_bytes=20_000)
    slow = store.watch("pods")
    quick = store.watch("pods")
    seen = 0
    for number in range(100):
        create(store, pod(f"p{number}", padding=1000))
        seen += len(quick.drain_nowait())
    with pytest.raises(ApiError, match="too old resource version") as expired:
        slow.drain_nowait()
    assert (expired.value.code, expired.value.reason, seen) == (410, "Expired", 100)


def test_watch_from_before_history_is_refused() -> None:
    """At once, with 410; the oldest number that is still good works."""
    store = new_store(history_bytes=20_000)
    for number in range(100):
        create(store, pod(f"p{number}", padding=1000))
    good: list[int] = []
    for since in range(1, 101):
        try:
            events = store.watch("pods", since=since).drain_nowait()
        except ApiError:
            assert not good
        else:
            assert [event.resource_version for event in events] == list(range(since + 1, 101))
            good.append(since)
    assert 5 < len(good) < 20


def test_quiet_resource_keeps_its_place() -> None:
    """A flood in one resource does not end the watches of another that has nothing to tell."""
    store = new_store(history_bytes=20_000)
    node = create(store, pod("n"), "nodes")
    watch = store.watch("nodes", since=node.resource_version)
    for number in range(100):
        create(store, pod(f"p{number}", padding=1000))
    update(store, pod("n", ready="yes"), "nodes")
    assert told(watch.drain_nowait()) == [("MODIFIED", "n")]


def test_history_waits_for_the_disk() -> None:
    """What a durable watcher was not allowed to see yet is not dropped, however long the disk takes."""
    journal = HeldJournal()
    store = new_store(journal, history_bytes=20_000)
    watch = store.watch("pods", since=None)
    for number in range(100):
        create(store, pod(f"p{number}", padding=1000))
    assert watch.drain_nowait() == []
    journal.release(50)
    with pytest.raises(ApiError):
        store.watch("pods", since=1)
    assert store.watch("pods", since=50).drain_nowait() == []


def test_number_from_another_cluster_is_refused() -> None:
    """A number above the head cannot be ours: list again."""
    store = new_store()
    for since, initial in ((7, None), (7, True)):
        with pytest.raises(ApiError, match="too large resource version: 7, current: 0") as expired:
            store.watch("pods", since=since, send_initial_events=initial)
        assert expired.value.code == 410


async def test_large_start_comes_in_batches() -> None:
    """Thousands of objects are handed out in slices, each once, and the steps after them."""
    store = new_store()
    for number in range(1200):
        create(store, pod(f"p{number:04}"))
    watch = store.watch("pods")
    delete(store, "p0000")
    batches: list[list[tuple[str, str]]] = []
    while sum(len(batch) for batch in batches) < 1201:
        batches.append(told(await watch.drain()))
    assert max(len(batch) for batch in batches) <= 512
    events = [event for batch in batches for event in batch]
    assert events == [*(("ADDED", f"p{number:04}") for number in range(1200)), ("DELETED", "p0000")]


def test_recreated_object_is_told_as_another() -> None:
    """Deleted and made anew: two events, two uids."""
    store = new_store()
    create(store, pod("a"))
    watch = store.watch("pods", since=1)
    store.remove(Key("pods", "default", "a"), None, pod("a"))
    again = pod("a")
    again["metadata"]["uid"] = "another"
    create(store, again)
    uids = [event.revision.uid for event in watch.drain_nowait() if event.revision]
    assert uids == ["uid-default-a", "another"]
