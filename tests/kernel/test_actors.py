"""Actors, their mailboxes and their children, as one who writes them meets them."""

from __future__ import annotations

import time
from collections.abc import Hashable

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from kube_actors.kernel import Actor, ActorStopped, ActorSystem, Ask, MailboxFull, NameTaken, RealClock
from kube_actors.records import frozen
from kube_actors.testing.kernel import Probe, running_system


@frozen
class Add:
    """Add to the sum."""

    amount: int


@frozen
class GetSum(Ask[int]):
    """How much is it?"""


class Adder(Actor[Add | GetSum]):
    """Adds up what it is told."""

    async def started(self) -> None:
        self.sum = 0

    async def receive(self, message: Add | GetSum) -> None:
        if isinstance(message, Add):
            self.sum += message.amount
        else:
            self.context.answer(message, self.sum)


class Looker(Actor[None]):
    """Remembers each look at its latch."""

    def __init__(self) -> None:
        self.looks: list[list[Hashable]] = []

    async def changed(self, keys: frozenset[Hashable]) -> None:
        self.looks.append(list(keys))


async def test_commands_are_handled_in_order_before_a_later_ask() -> None:
    """What one sender says is heard in the order it was said."""
    async with running_system() as stage:
        adder = stage.system.spawn("adder", Adder)
        for amount in (1, 20, 300):
            adder.tell(Add(amount))
        assert await adder.ask(GetSum(), deadline=1) == 321


async def test_a_full_mailbox_refuses_and_keeps_what_it_has() -> None:
    """A bounded mailbox tells the sender; nothing queued is lost, nothing refused is handled."""
    async with running_system() as stage:
        adder = stage.system.spawn("adder", Adder, mailbox=3)
        for _ in range(3):
            adder.tell(Add(1))
        with pytest.raises(MailboxFull, match="/adder is full"):
            adder.tell(Add(100))
        with pytest.raises(MailboxFull):
            await adder.ask(GetSum(), deadline=1)
        await wait_all_tasks_blocked()
        assert await adder.ask(GetSum(), deadline=1) == 3


async def test_the_latch_coalesces_and_keeps_the_order_of_arrival() -> None:
    """Many notifications before a look are one look; keys come in order of arrival, whatever their hashes."""
    looker = Looker()
    async with running_system() as stage:
        ref = stage.system.spawn("looker", lambda: looker)
        keys = [f"key-{number}" for number in range(50)]
        for key in (*keys, *reversed(keys)):
            ref.notify(key)
        await wait_all_tasks_blocked()
        ref.notify("again")
        await wait_all_tasks_blocked()
    assert looker.looks == [keys, ["again"]]


async def test_a_key_set_during_a_look_is_looked_at_again() -> None:
    """A change that comes while the actor looks is not taken for seen."""
    looks: list[list[Hashable]] = []

    class Slow(Actor[None]):
        async def changed(self, keys: frozenset[Hashable]) -> None:
            looks.append(list(keys))
            await self.context.clock.sleep(1)

    async with running_system() as stage:
        ref = stage.system.spawn("slow", Slow)
        ref.notify("a")
        await stage.clock.sleep(0.5)
        ref.notify("a")
        await stage.clock.sleep(2)
    assert looks == [["a"], ["a"]]


async def test_a_flood_of_commands_does_not_starve_the_latch() -> None:
    """A look comes in between however many commands wait."""
    handled: list[object] = []

    class Busy(Actor[int]):
        async def receive(self, message: int) -> None:
            handled.append(message)

        async def changed(self, keys: frozenset[Hashable]) -> None:
            handled.append("look")

    async with running_system() as stage:
        busy = stage.system.spawn("busy", Busy, mailbox=1000)
        busy.notify("key")
        for number in range(1000):
            busy.tell(number)
        await wait_all_tasks_blocked()
    assert handled.index("look") < 100
    assert [entry for entry in handled if entry != "look"] == list(range(1000))


async def test_a_flood_of_commands_does_not_starve_other_tasks() -> None:
    """An actor that never blocks leaves turns to others while it works off its mail."""
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with running_system() as stage:
        adder = stage.system.spawn("adder", Adder, mailbox=10_000)
        await wait_all_tasks_blocked()
        for _ in range(10_000):
            adder.tell(Add(1))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(other)
            while stage.system.actors()[0].mailbox_depth:
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
    assert turns > 20


async def test_children_live_below_their_parent_and_names_are_unique() -> None:
    """A child's path is its parent's and its name; a living actor's name is not given twice."""

    class Parent(Actor[None]):
        async def started(self) -> None:
            self.context.spawn("child", Adder)
            with pytest.raises(NameTaken, match="/parent/child"):
                self.context.spawn("child", Adder)

    async with running_system() as stage:
        stage.system.spawn("parent", Parent)
        await wait_all_tasks_blocked()
        assert [status.path for status in stage.system.actors()] == ["/parent", "/parent/child"]
        child = stage.system.find("/parent/child")
        assert child is not None
        assert await child.ask(GetSum(), deadline=1) == 0


@pytest.mark.parametrize("name", ["", "/", "/a", "a/"])
async def test_a_name_that_would_garble_paths_is_refused(name: str) -> None:
    """Paths stay readable: no empty parts at either end."""
    async with running_system() as stage:
        with pytest.raises(ValueError, match="no name"):
            stage.system.spawn(name, Adder)


async def test_an_alarm_goes_off_and_a_later_one_with_its_key_replaces_it() -> None:
    """One alarm per key: setting it again moves it, infinity takes it back."""
    looks: list[tuple[float, list[Hashable]]] = []

    class Sleeper(Actor[None]):
        async def started(self) -> None:
            self.begin = self.context.clock.now()
            self.context.notify_at(self.begin + 5, "moved")
            self.context.notify_at(self.begin + 3, "taken back")
            self.context.notify_at(self.begin + 8, "moved")
            self.context.notify_at(self.begin + 2, "kept")
            self.context.notify_at(float("inf"), "taken back")

        async def changed(self, keys: frozenset[Hashable]) -> None:
            looks.append((self.context.clock.now() - self.begin, list(keys)))

    async with running_system() as stage:
        stage.system.spawn("sleeper", Sleeper)
        await stage.clock.sleep(20)
    assert looks == [(2, ["kept"]), (8, ["moved"])]


async def test_long_work_runs_beside_the_messages_and_can_be_cancelled() -> None:
    """A child task does not hold up the mailbox; its scope ends it; it is named after its actor."""
    names: list[str] = []
    ended: list[str] = []

    class Worker(Actor[str]):
        async def started(self) -> None:
            self.scope = self.context.start_task(self.work, 100.0, name="work")

        async def work(self, seconds: float) -> None:
            names.append(trio.lowlevel.current_task().name)
            try:
                await self.context.clock.sleep(seconds)
            finally:
                ended.append("work")

        async def receive(self, message: str) -> None:
            self.scope.cancel()

    async with running_system() as stage:
        worker = stage.system.spawn("worker", Worker)
        await stage.clock.sleep(1)
        worker.tell("stop it")
        await stage.clock.sleep(1)
        assert names == ["/worker#work"]
        assert ended == ["work"]
        assert [status.path for status in stage.system.actors()] == ["/worker"]


async def test_a_message_to_a_stopped_actor_is_a_counted_dead_letter() -> None:
    """Telling one that has gone is no error of the teller, but it is counted; notifying it is nothing at all."""
    async with running_system() as stage:
        adder = stage.system.spawn("adder", Adder)
        await stage.system.stop(adder)
        assert adder.is_stopped
        adder.tell(Add(1))
        adder.tell(Add(1))
        adder.notify("key")
        assert stage.system.dead_letters == 2
        assert stage.system.find("/adder") is None


async def test_a_new_actor_at_an_old_path_is_not_reached_by_the_old_ref() -> None:
    """A Ref stays with its actor: what was meant for the one that ended does not surprise its successor."""
    async with running_system() as stage:
        first = stage.system.spawn("adder", Adder)
        await stage.system.stop(first)
        second = stage.system.spawn("adder", Adder)
        with pytest.raises(ActorStopped):
            await first.ask(GetSum(), deadline=1)
        assert await second.ask(GetSum(), deadline=1) == 0


async def test_statistics_tell_what_an_actor_does() -> None:
    """Every actor shows its state, depths, number of messages and the last of them."""
    async with running_system() as stage:
        adder = stage.system.spawn("adder", Adder)
        adder.tell(Add(1))
        adder.tell(Add(1))
        adder.notify("key")
        (before,) = stage.system.actors()
        assert (before.mailbox_depth, before.latch_depth, before.handled) == (2, 1, 0)
        await wait_all_tasks_blocked()
        (after,) = stage.system.actors()
        assert attrs.asdict(after) == {
            "path": "/adder",
            "state": after.state.RUNNING,
            "mailbox_depth": 0,
            "latch_depth": 0,
            "restarts": 0,
            "handled": 3,
            "last_message": "changed",
            "last_error": "",
            "since": stage.clock.now(),
        }


async def test_each_actor_draws_from_a_stream_of_its_own() -> None:
    """Equal seed and path give equal numbers; another path or seed gives others."""

    class Dice(Actor[GetSum]):
        async def receive(self, message: GetSum) -> None:
            self.context.answer(message, self.context.random.randrange(10**9))

    async def roll(seed: int, name: str) -> int:
        async with running_system(seed=seed) as stage:
            return await stage.system.spawn(name, Dice).ask(GetSum(), deadline=1)

    first = await roll(7, "a")
    assert await roll(7, "a") == first
    assert await roll(7, "b") != first
    assert await roll(8, "a") != first


async def test_a_probe_scripts_one_side_of_a_conversation() -> None:
    """The testing kit's peer hears messages in order, answers, and complains in words."""
    async with running_system() as stage:
        peer = Probe(stage.system, "peer")
        peer.ref.tell(Add(1))
        assert await peer.expect(Add) == Add(1)
        peer.ref.notify("a")
        peer.ref.notify("b")
        await peer.expect_keys("b", "a")
        with pytest.raises(AssertionError, match="expected Add, but nothing came within 60 s"):
            await peer.expect(Add)
        peer.ref.tell(Add(2))
        with pytest.raises(AssertionError, match=r"expected silence, but \[Add"):
            await peer.expect_silence(1)
        with pytest.raises(AssertionError, match=r"expected GetSum, but Add"):
            await peer.expect(GetSum)


async def test_slow_handlers_leave_turns_to_others_in_real_time() -> None:
    """Handlers that work for milliseconds without blocking are interrupted between messages every 5 ms."""
    turns = 0

    class Slow(Actor[int]):
        async def receive(self, message: int) -> None:
            until = time.perf_counter() + 0.006
            while time.perf_counter() < until:
                pass

    async def other() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    system = ActorSystem(clock=RealClock())
    async with system.running(), trio.open_nursery() as nursery:
        slow = system.spawn("slow", Slow)
        nursery.start_soon(other)
        await trio.lowlevel.checkpoint()
        turns = 0
        for number in range(8):
            slow.tell(number)
        while system.actors()[0].handled < 8:
            await trio.lowlevel.checkpoint()
        assert turns >= 5
        nursery.cancel_scope.cancel()
