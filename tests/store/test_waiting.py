"""Who is woken by which step, how many at a time, and that nobody misses one."""

from __future__ import annotations

import random

import pytest
import trio
import trio.testing

from kube_actors.api.selectors import LabelSelector
from kube_actors.errors import ApiError
from kube_actors.store import Revision, Store, Watch
from kube_actors.store.waiting import AT_ONCE, Interest

from .building import HeldJournal, create, delete, new_store, pod, told, update

WEB = LabelSelector.parse("app=web")


async def follow(watch: Watch, found: list[tuple[str, str]]) -> None:
    """Append what the watch tells."""
    while True:
        found += told(await watch.drain())


@pytest.mark.parametrize(
    ("namespace", "name", "woken"),
    [
        (None, None, True),
        ("default", None, True),
        ("other", None, False),
        ("default", "a", True),
        (None, "a", True),
        (None, "b", False),
        ("other", "a", False),
    ],
)
async def test_only_those_concerned_are_woken(
    namespace: str | None, name: str | None, woken: bool, nursery: trio.Nursery
) -> None:
    """A step of default/a leaves watches of other places asleep."""
    store = new_store()
    watch = store.watch("pods", namespace, name=name, send_initial_events=False)
    found: list[tuple[str, str]] = []
    nursery.start_soon(follow, watch, found)
    await trio.testing.wait_all_tasks_blocked()
    create(store, pod("a"))
    assert store.watchers == (0 if woken else 1)
    await trio.testing.wait_all_tasks_blocked()
    assert found == ([("ADDED", "a")] if woken else [])


@pytest.mark.parametrize(
    ("selector", "woken"),
    [
        ("app=web", True),
        ("app in (web)", True),
        ("app=web,tier=none", True),  # what else is demanded is looked at by the watch itself
        ("app=db", False),
        ("tier=none", False),
        ("app in (db, web)", True),
        ("app", True),
        ("app!=web", True),
    ],
)
async def test_watches_of_other_labels_sleep_on(selector: str, woken: bool, nursery: trio.Nursery) -> None:
    """An object with `app=web` leaves those asleep who demand another label, and they hear of what has theirs."""
    store = new_store()
    found: list[tuple[str, str]] = []
    watch = store.watch("pods", "default", selector=LabelSelector.parse(selector), send_initial_events=False)
    nursery.start_soon(follow, watch, found)
    await trio.testing.wait_all_tasks_blocked()
    create(store, pod("a", app="web"))
    assert store.watchers == (0 if woken else 1)
    await trio.testing.wait_all_tasks_blocked()
    create(store, pod("b", app="db", tier="none"))
    create(store, pod("c", app="web", tier="none"))
    await trio.testing.wait_all_tasks_blocked()
    matched = [name for name, labels in LABELLED.items() if LabelSelector.parse(selector).matches(labels)]
    assert found == [("ADDED", name) for name in matched]


LABELLED = {"a": {"app": "web"}, "b": {"app": "db", "tier": "none"}, "c": {"app": "web", "tier": "none"}}


async def test_who_loses_a_label_is_told_of(nursery: trio.Nursery) -> None:
    """A watch that waits for a label hears of objects that come to have it, have it no more, and go."""
    store = new_store()
    found: list[tuple[str, str]] = []
    nursery.start_soon(follow, store.watch("pods", selector=WEB, send_initial_events=False), found)
    await trio.testing.wait_all_tasks_blocked()
    create(store, pod("a", app="db"))
    for app in ("web", "db", "web"):
        update(store, pod("a", app=app))
        await trio.testing.wait_all_tasks_blocked()
    update(store, pod("a"))
    await trio.testing.wait_all_tasks_blocked()
    create(store, pod("b", app="web"))
    await trio.testing.wait_all_tasks_blocked()
    delete(store, "b")
    await trio.testing.wait_all_tasks_blocked()
    assert found == [
        ("ADDED", "a"),
        ("DELETED", "a"),
        ("ADDED", "a"),
        ("DELETED", "a"),
        ("ADDED", "b"),
        ("DELETED", "b"),
    ]


async def test_watches_of_other_nodes_sleep_on(nursery: trio.Nursery) -> None:
    """A kubelet's watch of its node's pods is not woken by those of another one, but by one that comes."""
    store = new_store()
    found: list[tuple[str, str]] = []

    def is_here(revision: Revision) -> bool:
        return bool(revision.body()["spec"].get("nodeName") == "here")

    watch = store.watch("pods", where=is_here, node="here", send_initial_events=False)
    nursery.start_soon(follow, watch, found)
    await trio.testing.wait_all_tasks_blocked()
    for body in (pod("a"), pod("b", node="there")):
        create(store, body)
        assert store.watchers == 1
    update(store, pod("a", node="here"))
    await trio.testing.wait_all_tasks_blocked()
    delete(store, "a")
    await trio.testing.wait_all_tasks_blocked()
    assert found == [("ADDED", "a"), ("DELETED", "a")]


async def test_an_idle_watch_outlives_the_history(nursery: trio.Nursery) -> None:
    """Steps that do not concern it may be forgotten while it sleeps."""
    store = new_store(history_bytes=3000)
    found: list[tuple[str, str]] = []
    nursery.start_soon(follow, store.watch("pods", name="mine", send_initial_events=False), found)
    await trio.testing.wait_all_tasks_blocked()
    for number in range(50):
        create(store, pod(f"other-{number}"))
    create(store, pod("mine"))
    await trio.testing.wait_all_tasks_blocked()
    assert found == [("ADDED", "mine")]


async def test_an_idle_watch_goes_on_with_every_bookmark(autojump_clock: trio.testing.MockClock) -> None:
    """A bookmark says how far the store is, although nothing of that concerned the watch."""
    store = new_store(history_bytes=3000)
    watch = store.watch("pods", name="mine", send_initial_events=False, bookmarks=True)
    async with trio.open_nursery() as nursery:
        found: list[tuple[str, str]] = []
        nursery.start_soon(follow, watch, found)
        await trio.sleep(1)
        for number in range(50):
            create(store, pod(f"other-{number}"))
        await trio.sleep(60)
        assert found == [("BOOKMARK", "")]
        assert watch.resource_version == store.head
        nursery.cancel_scope.cancel()


async def test_a_watch_finds_its_way_through_much_that_is_not_its_own() -> None:
    """However much of that there is, and although nothing more happens."""
    store = new_store()
    create(store, pod("first"))
    for number in range(3000):
        create(store, pod(f"other-{number}"))
    create(store, pod("last", app="web"))
    with trio.fail_after(30):
        assert told(await store.watch("pods", since=1, selector=WEB).drain()) == [("ADDED", "last")]


def test_readers_at_different_places_fall_into_step() -> None:
    """Soon all of them are handed the very same events."""
    store = new_store()
    for number in range(200):
        create(store, pod(f"p-{number}"))
    one, other = store.watch("pods", since=5), store.watch("pods", since=20)
    assert len(one.drain_nowait()) > len(other.drain_nowait())
    assert one.drain_nowait() is other.drain_nowait()


async def test_many_watches_let_others_work_in_between(nursery: trio.Nursery) -> None:
    """A step for many wakes a few at a time; everybody hears of it in the end, in the order they came."""
    store, heard = new_store(), list[int]()

    async def listen(number: int) -> None:
        await store.watch("pods", send_initial_events=False).drain()
        heard.append(number)

    many = 10 * AT_ONCE
    for number in range(many):
        nursery.start_soon(listen, number)
        await trio.testing.wait_all_tasks_blocked()
    create(store, pod("a"))
    turns = 0
    while len(heard) < many:
        before = len(heard)
        await trio.lowlevel.checkpoint()
        assert len(heard) - before <= 3 * AT_ONCE
        turns += 1
    assert turns >= 3
    assert sorted(heard) == list(range(many))


async def test_a_journal_that_failed_wakes_everybody() -> None:
    """Watches end with 503 when nothing more will be durable, whatever they wait for."""
    journal = HeldJournal()
    store = new_store(journal)
    refused = 0

    async def listen(interest: Interest) -> None:
        nonlocal refused
        namespace, name = (*interest, None, None)[:2]
        with pytest.raises(ApiError, match="disk is full"):
            await store.watch("pods", namespace, name=name, send_initial_events=False).drain()
        refused += 1

    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            for interest in ((), ("default",), ("default", "a"), (None, "a")):
                nursery.start_soon(listen, interest)
            await trio.testing.wait_all_tasks_blocked()
            journal.fail("the disk is full")
    assert refused == 4


class Reader:
    """A watch that is read in small bites: cancelled at random moments, and read again."""

    def __init__(self, store: Store, namespace: str | None, name: str | None, app: str | None) -> None:
        selector = LabelSelector.parse(f"app={app}") if app else None
        self.watch = store.watch(
            "pods", namespace, name=name, selector=selector, send_initial_events=False, durable=True
        )
        self.found: list[int] = []
        self.covers = (namespace, name, app)

    async def read(self, source: random.Random) -> None:
        """Read for ever."""
        while True:
            with trio.move_on_after(source.choice([0, 0, 0.001, 1])):
                self.found += [event.resource_version for event in await self.watch.drain()]
            if source.random() < 0.5:
                await trio.sleep(source.choice([0, 0.001, 0.5]))


@pytest.mark.parametrize("seed", range(3))
async def test_nobody_misses_a_step(seed: int, autojump_clock: trio.testing.MockClock) -> None:
    """Whatever is watched, however readers are interrupted, and whenever steps become durable."""
    source = random.Random(seed)
    journal = HeldJournal()
    store = new_store(journal)
    spaces, names, apps = ("one", "two"), ("a", "b", "c"), ("x", "y")
    readers = [
        Reader(store, source.choice((*spaces, None)), source.choice((*names, None)), source.choice((*apps, None, None)))
        for _ in range(2 * AT_ONCE)
    ]
    expected: dict[tuple[str | None, str | None, str | None], list[int]] = {each.covers: [] for each in readers}
    live: dict[tuple[str, str], str] = {}
    async with trio.open_nursery() as nursery:
        for reader in readers:
            nursery.start_soon(reader.read, source)
        for _ in range(200):
            place = source.choice(spaces), source.choice(names)
            before, after = live.pop(place, None), source.choice((*apps, None))
            if after is None:
                if before is None:
                    continue
                number = delete(store, place[1], place[0]).resource_version
            else:
                live[place] = after
                write = update if before else create
                number = write(store, pod(place[1], place[0], app=after)).resource_version
            for (namespace, name, app), numbers in expected.items():
                is_there = namespace in (None, place[0]) and name in (None, place[1])
                if is_there and (app is None or app in (before, after)):
                    numbers.append(number)
            if source.random() < 0.3:
                journal.release()
                await trio.sleep(source.choice([0, 0.001, 0.3]))
        journal.release()
        await trio.sleep(5)
        nursery.cancel_scope.cancel()
    for reader in readers:
        assert reader.found == expected[reader.covers]
