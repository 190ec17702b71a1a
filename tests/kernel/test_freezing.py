"""Holding part of the tree still, and letting it go on message by message."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from kube_actors.kernel import Actor, ActorNotFound, ActorState, Ask, Ref
from kube_actors.records import frozen
from kube_actors.testing.kernel import Stage, running_system


@frozen
class Slow(Ask[None]):
    """Work for ten seconds."""


@frozen
class FreezeMe:
    """Freeze your own subtree."""


class Noter(Actor[Any]):
    """Notes what it handles; has a child named `child` when it is told so."""

    def __init__(self, stage: Stage, notes: list[tuple[str, object]]) -> None:
        self.stage = stage
        self.notes = notes

    def note(self, what: object) -> None:
        """Note something under the actor's path."""
        self.notes.append((self.context.path, what))

    async def started(self) -> None:
        self.note("started")

    async def receive(self, message: Any) -> None:
        if isinstance(message, Slow):
            await self.context.clock.sleep(10)
            self.context.answer(message, None)
        elif isinstance(message, FreezeMe):
            await self.stage.system.freeze(self.context.path)
        elif message == "spawn":
            self.context.spawn("child", lambda: Noter(self.stage, self.notes))
        elif message == "spawn from a task":
            self.context.start_task(self.spawn_later, name="spawner")
        self.note(message)

    async def spawn_later(self) -> None:
        await self.context.clock.sleep(5)
        self.context.spawn("child", lambda: Noter(self.stage, self.notes))

    async def changed(self, keys: frozenset[Hashable]) -> None:
        self.note(list(keys))


async def test_a_frozen_actor_collects_mail_and_handles_it_step_by_step() -> None:
    """Messages arrive while it is held; each step handles exactly one thing; a thaw handles the rest."""
    notes: list[tuple[str, object]] = []
    async with running_system() as stage:
        actor = stage.system.spawn("a", lambda: Noter(stage, notes))
        await wait_all_tasks_blocked()
        await stage.system.freeze("/a")
        notes.clear()
        for message in ("one", "two", "three"):
            actor.tell(message)
        actor.notify("key")
        await stage.clock.sleep(100)
        (status,) = stage.system.actors()
        assert (status.state, status.mailbox_depth, status.latch_depth) == (ActorState.FROZEN, 3, 1)
        assert notes == []
        assert await stage.system.step("/a") == ("/a",)
        assert notes == [("/a", "one")]
        assert await stage.system.step("/a") == ("/a",)
        assert notes == [("/a", "one"), ("/a", "two")]
        await stage.system.thaw("/a")
        await wait_all_tasks_blocked()
        assert [note for _, note in notes] == ["one", "two", "three", ["key"]]
        assert stage.system.actors()[0].state is ActorState.RUNNING


async def test_freezing_takes_the_whole_subtree_and_nobody_else() -> None:
    """Below the path everybody stands still; a neighbour whose name begins alike does not."""
    notes: list[tuple[str, object]] = []
    async with running_system() as stage:
        refs = [stage.system.spawn(name, lambda: Noter(stage, notes)) for name in ("a", "ab")]
        refs[0].tell("spawn")
        await wait_all_tasks_blocked()
        child = stage.system.find("/a/child")
        assert child is not None
        await stage.system.freeze("/a")
        notes.clear()
        for ref in (*refs, child):
            ref.tell("hello")
        await wait_all_tasks_blocked()
        assert notes == [("/ab", "hello")]
        assert await stage.system.step("/a") == ("/a", "/a/child")
        assert sorted(notes[1:]) == [("/a", "hello"), ("/a/child", "hello")]


async def test_freezing_waits_for_what_is_being_handled() -> None:
    """When `freeze` returns, nothing below the path is in the middle of something."""
    notes: list[tuple[str, object]] = []
    async with running_system() as stage, trio.open_nursery() as nursery:
        actor = stage.system.spawn("a", lambda: Noter(stage, notes))
        nursery.start_soon(lambda: actor.ask(Slow(), deadline=100))
        await wait_all_tasks_blocked()
        begin = stage.clock.now()
        await stage.system.freeze("/a")
        assert stage.clock.now() - begin == 10
        assert notes[-1] == ("/a", Slow())


async def test_a_step_waits_for_what_it_started() -> None:
    """A step is over when its message has been handled, however long that takes."""
    notes: list[tuple[str, object]] = []
    async with running_system() as stage:
        actor = stage.system.spawn("a", lambda: Noter(stage, notes))
        await stage.system.freeze("/a")
        await stage.system.step("/a")
        assert notes == [("/a", "started")]
        actor.tell(Slow())
        begin = stage.clock.now()
        await stage.system.step("/a")
        assert stage.clock.now() - begin == 10


async def test_a_step_with_nothing_to_do_does_nothing() -> None:
    """It returns at once, and a message that comes later is not let through on its account."""
    notes: list[tuple[str, object]] = []
    async with running_system() as stage:
        actor = stage.system.spawn("a", lambda: Noter(stage, notes))
        await wait_all_tasks_blocked()
        assert await stage.system.step("/a") == ()
        actor.tell("later")
        await wait_all_tasks_blocked()
        assert notes == [("/a", "started")]


async def test_those_born_into_a_frozen_subtree_wait_to_start() -> None:
    """A child that a child task spawns meanwhile, and an actor spawned from outside, start when thawed."""
    notes: list[tuple[str, object]] = []
    async with running_system() as stage:
        actor = stage.system.spawn("group/a", lambda: Noter(stage, notes))
        actor.tell("spawn from a task")
        await wait_all_tasks_blocked()
        await stage.system.freeze("/group")
        stage.system.spawn("group/b", lambda: Noter(stage, notes))
        await stage.clock.sleep(10)
        assert {status.path: status.state for status in stage.system.actors()} == {
            "/group/a": ActorState.FROZEN,
            "/group/a/child": ActorState.FROZEN,
            "/group/b": ActorState.FROZEN,
        }
        assert [path for path, note in notes if note == "started"] == ["/group/a"]
        await stage.system.thaw("/group")
        await wait_all_tasks_blocked()
        assert sorted(path for path, note in notes if note == "started") == ["/group/a", "/group/a/child", "/group/b"]


async def test_an_actor_can_freeze_itself() -> None:
    """It does not wait for the handler it is in."""
    notes: list[tuple[str, object]] = []
    async with running_system() as stage:
        actor = stage.system.spawn("a", lambda: Noter(stage, notes))
        actor.tell(FreezeMe())
        actor.tell("hello")
        await stage.clock.sleep(1)
        assert notes == [("/a", "started"), ("/a", FreezeMe())]


async def test_a_frozen_actor_can_be_stopped() -> None:
    """Holding still does not keep anybody in the house."""
    notes: list[tuple[str, object]] = []
    async with running_system() as stage:
        actor = stage.system.spawn("a", lambda: Noter(stage, notes))
        await stage.system.freeze("/")
        await stage.system.stop(actor)
        assert stage.system.actors() == ()


async def test_a_path_where_nobody_lives_is_an_error() -> None:
    """A typing mistake does not freeze nothing silently."""
    async with running_system() as stage:
        for control in (stage.system.freeze, stage.system.thaw, stage.system.step):
            with pytest.raises(ActorNotFound, match="/nobody"):
                await control("/nobody")


async def test_a_frozen_path_is_free_again_when_its_actor_has_gone() -> None:
    """A successor is not frozen on account of its predecessor; a group can be thawed when it has emptied."""
    notes: list[tuple[str, object]] = []
    async with running_system() as stage:
        actor = stage.system.spawn("group/a", lambda: Noter(stage, notes))
        await stage.system.freeze("/group/a")
        await stage.system.stop(actor)
        actor = stage.system.spawn("group/a", lambda: Noter(stage, notes))
        await wait_all_tasks_blocked()
        assert notes == [("/group/a", "started")]
        await stage.system.freeze("/group")
        await stage.system.stop(actor)
        await stage.system.thaw("/group")
        stage.system.spawn("group/a", lambda: Noter(stage, notes))
        await wait_all_tasks_blocked()
        assert notes == [("/group/a", "started")] * 2


async def test_freezing_lets_a_child_have_its_answer_from_its_parent() -> None:
    """What is under way inside the subtree comes to its end, instead of to its deadline."""
    answers: list[str] = []

    class Child(Actor[str]):
        def __init__(self, parent: Ref[Slow]) -> None:
            self.parent = parent

        async def receive(self, message: str) -> None:
            await self.parent.ask(Slow(), deadline=1000)
            await self.parent.ask(Slow(), deadline=1000)
            answers.append(message)

    class Parent(Actor[Slow]):
        async def started(self) -> None:
            self.context.spawn("child", lambda: Child(self.context.ref)).tell("hello")

        async def receive(self, message: Slow) -> None:
            await self.context.clock.sleep(10)
            self.context.answer(message, None)

    async with running_system() as stage:
        stage.system.spawn("parent", Parent)
        await wait_all_tasks_blocked()
        await stage.system.freeze("/")
        assert answers == ["hello"]
        assert {status.state for status in stage.system.actors()} == {ActorState.FROZEN}
