"""Leaving: children before parents, nobody held up, nothing left."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from kube_actors.kernel import Actor, ActorStopped, ActorSystem, VirtualClock
from kube_actors.testing.kernel import running_system


class Tree(Actor[str]):
    """An actor with one child down to a depth; notes the order of leaving."""

    def __init__(self, depth: int, order: list[str]) -> None:
        self.depth = depth
        self.order = order

    async def started(self) -> None:
        if self.depth:
            self.context.spawn("child", lambda: Tree(self.depth - 1, self.order))

    async def receive(self, message: str) -> None:
        if message == "stop child":
            await self.context.stop_child(self.context.children["child"])
            self.order.append("child is gone")
        elif message == "stop child soon":
            self.context.stop_child_soon(self.context.children["child"])
        else:
            self.context.stop_self()

    async def stopped(self) -> None:
        await self.context.clock.sleep(0)  # even one that waits a little is waited for by its parent
        self.order.append(self.context.path)


LEAVING = ["/tree/child/child", "/tree/child", "/tree"]


async def test_stopping_an_actor_stops_what_is_below_first() -> None:
    """`stop` returns when the whole subtree has ended, leaves first."""
    order: list[str] = []
    async with running_system() as stage:
        tree = stage.system.spawn("tree", lambda: Tree(2, order))
        await wait_all_tasks_blocked()
        await stage.system.stop(tree)
        assert order == LEAVING
        assert stage.system.actors() == ()
        await stage.system.stop(tree)


async def test_leaving_the_system_stops_the_tree_in_order() -> None:
    """The same holds for the end of everything."""
    order: list[str] = []
    async with running_system() as stage:
        stage.system.spawn("tree", lambda: Tree(2, order))
        await wait_all_tasks_blocked()
    assert order == LEAVING


async def test_cancelling_from_outside_stops_the_tree_in_order() -> None:
    """A timeout around the system leaves as orderly as leaving it."""
    order: list[str] = []
    system = ActorSystem(clock=VirtualClock())
    with trio.CancelScope() as scope:
        async with system.running():
            system.spawn("tree", lambda: Tree(2, order))
            await wait_all_tasks_blocked()
            scope.cancel()
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert order == LEAVING


async def test_a_parent_stops_its_child_and_goes_on() -> None:
    """`stop_child` waits for the subtree; the name is free afterwards."""
    order: list[str] = []
    async with running_system() as stage:
        tree = stage.system.spawn("tree", lambda: Tree(2, order))
        await wait_all_tasks_blocked()
        tree.tell("stop child")
        await wait_all_tasks_blocked()
        assert order == ["/tree/child/child", "/tree/child", "child is gone"]
        assert [status.path for status in stage.system.actors()] == ["/tree"]


async def test_stop_child_soon_does_not_wait() -> None:
    """The parent's handler ends before the child does."""
    order: list[str] = []
    async with running_system() as stage:
        tree = stage.system.spawn("tree", lambda: Tree(1, order))
        await wait_all_tasks_blocked()
        tree.tell("stop child soon")
        await wait_all_tasks_blocked()
        assert order == ["/tree/child"]
        assert [status.path for status in stage.system.actors()] == ["/tree"]


async def test_an_actor_ends_itself_after_its_message() -> None:
    """`stop_self` ends it with its subtree; commands behind it are dead letters."""
    order: list[str] = []
    async with running_system() as stage:
        tree = stage.system.spawn("tree", lambda: Tree(1, order))
        tree.tell("stop yourself")
        tree.tell("never heard")
        await wait_all_tasks_blocked()
        assert order == ["/tree/child", "/tree"]
        assert stage.system.dead_letters == 1


async def test_only_ones_own_child_can_be_stopped() -> None:
    """An actor does not stop what it has not started."""

    class Rude(Actor[Any]):
        async def receive(self, message: Any) -> None:
            with pytest.raises(ValueError, match="/other is not a child of /rude"):
                self.context.stop_child_soon(message)

    async with running_system() as stage:
        other = stage.system.spawn("other", Rude)
        stage.system.spawn("rude", Rude).tell(other)
        await wait_all_tasks_blocked()


async def test_an_actor_can_be_stopped_while_it_rests_after_a_failure() -> None:
    """Stopping does not wait for the restart."""

    class Broken(Actor[Any]):
        async def started(self) -> None:
            raise ValueError("broken")

    async with running_system(paused=True) as stage:
        broken = stage.system.spawn("broken", Broken)
        await wait_all_tasks_blocked()
        await stage.system.stop(broken)
        assert stage.system.actors() == ()
        await stage.take_failures()


async def test_a_farewell_is_cut_off_after_a_second_and_told(autojump_clock: trio.testing.MockClock) -> None:
    """One that does not leave holds up nobody for longer than a second of machine time."""

    class Clinging(Actor[None]):
        async def stopped(self) -> None:
            await trio.sleep_forever()

    async with running_system() as stage:
        clinging = stage.system.spawn("clinging", Clinging)
        await wait_all_tasks_blocked()
        begin = trio.current_time()
        await stage.system.stop(clinging)
        assert trio.current_time() - begin == pytest.approx(1)
        (failure,) = await stage.take_failures()
        assert "cut off" in str(failure.error)


async def test_a_farewell_that_fails_is_told_and_disturbs_nobody() -> None:
    """The parent's farewell still comes."""
    order: list[str] = []

    class Child(Actor[None]):
        async def stopped(self) -> None:
            raise OSError("cannot leave")

    class Parent(Actor[None]):
        async def started(self) -> None:
            self.context.spawn("child", Child)

        async def stopped(self) -> None:
            order.append("parent")

    async with running_system() as stage:
        parent = stage.system.spawn("parent", Parent)
        await wait_all_tasks_blocked()
        await stage.system.stop(parent)
        assert order == ["parent"]
        (failure,) = await stage.take_failures()
        assert str(failure.error) == "cannot leave"


async def test_a_leaving_actor_starts_nothing_any_more() -> None:
    """Neither children nor tasks can be started in a farewell."""
    errors: list[Exception] = []

    class Late(Actor[None]):
        async def stopped(self) -> None:
            for start in (
                lambda: self.context.spawn("child", Late),
                lambda: self.context.start_task(trio.sleep_forever, name="task"),
            ):
                try:
                    start()
                except ActorStopped as error:
                    errors.append(error)

    async with running_system() as stage:
        late = stage.system.spawn("late", Late)
        await wait_all_tasks_blocked()
        await stage.system.stop(late)
    assert len(errors) == 2


async def test_a_system_runs_once_and_takes_no_actors_afterwards() -> None:
    """Using it wrongly says so."""
    system = ActorSystem(clock=VirtualClock())
    with pytest.raises(RuntimeError, match="not running"):
        system.spawn("early", lambda: Tree(0, []))
    async with system.running():
        pass
    with pytest.raises(ActorStopped):
        system.spawn("late", lambda: Tree(0, []))
    with pytest.raises(RuntimeError, match="runs once"):
        async with system.running():
            pass
