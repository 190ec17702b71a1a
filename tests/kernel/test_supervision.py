"""Failure: contained, told once, retried ever more slowly, or the end of the system."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import pairwise
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from kube_actors.kernel import Actor, ActorState, ActorSystem, Failure, Supervision, VirtualClock
from kube_actors.testing.kernel import Stage, running_system


class Fragile(Actor[str]):
    """Fails of the message `break`; counts its others."""

    async def started(self) -> None:
        self.count = 0

    async def receive(self, message: str) -> None:
        if message == "break":
            raise ValueError("broken")
        self.count += 1


def failing_start(starts: list[float], clock: VirtualClock, until: int = 10**9) -> type[Actor[Any]]:
    """An actor that notes when it starts and fails at once, the first `until` times."""

    class FailingStart(Actor[Any]):
        async def started(self) -> None:
            starts.append(clock.now())
            if len(starts) <= until:
                raise ValueError("no start")

        async def receive(self, message: Any) -> None:
            raise ValueError("broken by a message")

    return FailingStart


def gaps(times: list[float]) -> list[float]:
    """The spans between `times`."""
    return [round(later - earlier, 3) for earlier, later in pairwise(times)]


def state_of(stage: Stage, path: str) -> ActorState:
    """The state shown for `path`."""
    return next(status.state for status in stage.system.actors() if status.path == path)


async def test_a_crash_is_contained() -> None:
    """Siblings do not notice; the actor comes back with fresh state and the commands that waited."""
    instances: list[Fragile] = []

    def make() -> Fragile:
        instances.append(Fragile())
        return instances[-1]

    async with running_system() as stage:
        sibling = stage.system.spawn("sibling", Fragile)
        fragile = stage.system.spawn("fragile", make)
        for message in ("a", "b", "break", "c"):
            fragile.tell(message)
        sibling.tell("a")
        await stage.clock.sleep(1)
        status = {status.path: status for status in stage.system.actors()}
        assert (status["/fragile"].restarts, status["/sibling"].restarts) == (1, 0)
        assert status["/fragile"].state is ActorState.RUNNING
        assert status["/fragile"].last_error == "ValueError: broken"
        assert [instance.count for instance in instances] == [2, 1]
        (failure,) = await stage.take_failures()
        assert (failure.path, str(failure.error), failure.delay) == ("/fragile", "broken", 0.1)


async def test_restarts_come_ever_more_slowly_and_are_told_once() -> None:
    """0.1 s, doubled each time, up to five minutes for ever; one report for one error; parked in the end."""
    starts: list[float] = []
    async with running_system() as stage:
        stage.system.spawn("failing", failing_start(starts, stage.clock))
        await stage.clock.sleep(60)
        assert state_of(stage, "/failing") is ActorState.RESTARTING
        await stage.clock.sleep(1740)
        assert state_of(stage, "/failing") is ActorState.PARKED
        assert len(await stage.take_failures()) == 1
    assert gaps(starts) == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 300, 300, 300, 300]


async def test_ten_healthy_minutes_forgive_everything() -> None:
    """After them a failure is retried quickly again, and told again; sooner it is not."""
    starts: list[float] = []
    async with running_system() as stage:
        actor = stage.system.spawn("failing", failing_start(starts, stage.clock, until=5))
        await stage.clock.sleep(100)
        assert len(starts) == 6
        actor.tell("break")
        await stage.clock.sleep(595)
        actor.tell("break")
        await stage.clock.sleep(700)
        actor.tell("break")
        await stage.clock.sleep(10)
        assert gaps(starts)[:5] == [0.1, 0.2, 0.4, 0.8, 1.6]
        told = [(str(failure.error), failure.delay) for failure in await stage.take_failures()]
        assert told == [("no start", 0.1), ("broken by a message", 3.2), ("broken by a message", 0.1)]


async def test_a_look_that_failed_is_taken_again() -> None:
    """A key is not lost with the instance that could not deal with it; keys that came meanwhile join it."""
    looks: list[list[Hashable]] = []

    class Looker(Actor[None]):
        async def changed(self, keys: frozenset[Hashable]) -> None:
            looks.append(list(keys))
            if len(looks) == 1:
                raise ValueError("cannot look")

    async with running_system(paused=True) as stage:
        looker = stage.system.spawn("looker", Looker)
        looker.notify("a")
        await wait_all_tasks_blocked()
        looker.notify("b")
        await stage.clock.step(1)
        assert looks == [["a"], ["a", "b"]]
        await stage.take_failures()


async def test_children_and_child_tasks_end_with_a_failing_actor_before_it_says_farewell() -> None:
    """Nothing of a failed instance is left when the next one starts."""
    order: list[str] = []

    class Child(Actor[None]):
        async def stopped(self) -> None:
            order.append("child stopped")

    class Parent(Actor[str]):
        async def started(self) -> None:
            order.append("parent started")
            self.context.spawn("child", Child)
            self.context.start_task(self.work, name="work")

        async def work(self) -> None:
            try:
                await trio.sleep_forever()
            finally:
                order.append("task ended")

        async def receive(self, message: str) -> None:
            raise ValueError("broken")

        async def stopped(self) -> None:
            order.append("parent stopped")

    async with running_system() as stage:
        parent = stage.system.spawn("parent", Parent)
        await stage.clock.sleep(1)
        parent.tell("break")
        await stage.clock.sleep(1)
        assert order[0] == order[4] == "parent started"
        assert sorted(order[1:3]) == ["child stopped", "task ended"]
        assert order[3] == "parent stopped"
        assert len(order) == 5
        await stage.take_failures()


async def test_alarms_of_a_failed_instance_do_not_ring_in_the_next() -> None:
    """An alarm is part of the state that was lost."""
    looks: list[list[Hashable]] = []

    class Sleeper(Actor[str]):
        async def receive(self, message: str) -> None:
            self.context.notify_at(self.context.clock.now() + 10, "alarm")
            raise ValueError("broken")

        async def changed(self, keys: frozenset[Hashable]) -> None:
            looks.append(list(keys))

    async with running_system() as stage:
        stage.system.spawn("sleeper", Sleeper).tell("go")
        await stage.clock.sleep(20)
        assert looks == []
        await stage.take_failures()


async def test_a_failing_factory_is_a_failure_like_any_other() -> None:
    """An actor that cannot even be made is retried and told of."""
    attempts: list[int] = []

    def make() -> Fragile:
        attempts.append(1)
        if len(attempts) < 3:
            raise RuntimeError("cannot be made")
        return Fragile()

    async with running_system() as stage:
        stage.system.spawn("fragile", make)
        await stage.clock.sleep(1)
        assert state_of(stage, "/fragile") is ActorState.RUNNING
        (failure,) = await stage.take_failures()
        assert str(failure.error) == "cannot be made"


async def test_several_failures_at_once_are_kept_together() -> None:
    """When children tasks fail in the same turn nothing is swallowed."""

    class Twice(Actor[None]):
        async def started(self) -> None:
            self.context.start_task(self.fail, "one", name="one")
            self.context.start_task(self.fail, "two", name="two")

        async def fail(self, text: str) -> None:
            try:
                await trio.lowlevel.checkpoint()
            finally:
                raise ValueError(text)

    async with running_system() as stage:
        stage.system.spawn("twice", Twice)
        await stage.clock.sleep(0.05)
        (failure,) = await stage.take_failures()
        assert isinstance(failure.error, ExceptionGroup)
        assert sorted(str(error) for error in failure.error.exceptions) == ["one", "two"]


async def test_escalation_ends_the_system_with_the_error_itself() -> None:
    """What cannot be contained comes out of `running` unwrapped, cancels the body, and stops everybody orderly."""
    stopped: list[str] = []
    failures: list[Failure] = []

    class Polite(Actor[None]):
        async def stopped(self) -> None:
            stopped.append(self.context.path)

    class Parent(Actor[str]):
        async def started(self) -> None:
            self.child = self.context.spawn("child", Fragile, supervision=Supervision.ESCALATE)

        async def receive(self, message: str) -> None:
            self.child.tell(message)

    system = ActorSystem(clock=VirtualClock(), on_failure=failures.append)

    async def live() -> None:
        async with system.running():
            system.spawn("polite", Polite)
            system.spawn("parent", Parent).tell("break")
            await trio.sleep_forever()

    with pytest.raises(ValueError, match="broken"):
        await live()
    assert stopped == ["/polite"]
    assert [failure.delay for failure in failures] == [None]
    assert system.actors() == ()


async def test_an_error_of_the_body_comes_out_as_it_is() -> None:
    """The system does not wrap what its user raises."""
    with pytest.raises(LookupError, match="mine"):
        async with running_system():
            raise LookupError("mine")


async def test_an_error_in_a_timer_ends_the_system() -> None:
    """A callback of the clock has no actor to blame."""

    def fail() -> None:
        raise ZeroDivisionError("in a timer")

    async def live() -> None:
        async with running_system() as stage:
            stage.clock.call_at(stage.clock.now() + 1, fail)
            await trio.sleep_forever()

    with pytest.raises(ZeroDivisionError, match="in a timer"):
        await live()


async def test_failures_nobody_asked_for_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Without `on_failure` a failure is still seen."""
    system = ActorSystem(clock=VirtualClock())
    async with system.running():
        system.spawn("fragile", Fragile).tell("break")
        await system.clock.sleep(1)
    (record,) = caplog.records
    assert record.getMessage() == "/fragile failed; restarting in 0.1 s"
    assert record.exc_info is not None


async def test_the_testing_kit_reports_failures_nobody_expected() -> None:
    """A test cannot pass over a crash it did not mean."""

    async def careless_test() -> None:
        async with running_system() as stage:
            stage.system.spawn("fragile", Fragile).tell("break")
            await stage.clock.sleep(1)

    with pytest.raises(AssertionError, match="/fragile failed: ValueError"):
        await careless_test()


async def test_a_broken_listener_ends_the_system_not_the_actor_that_speaks() -> None:
    """A trace file on a full disk, or a failure handler that fails, is nobody's fault in the tree."""

    def refuse(_told: object) -> None:
        raise OSError("disk full")

    async def live(system: ActorSystem, message: str) -> None:
        async with system.running():
            system.spawn("fragile", Fragile).tell(message)
            await trio.sleep_forever()

    traced = ActorSystem(clock=VirtualClock())
    traced.on_trace(refuse)
    with pytest.raises(OSError, match="disk full"):
        await live(traced, "fine")
    with pytest.raises(OSError, match="disk full"):
        await live(ActorSystem(clock=VirtualClock(), on_failure=refuse), "break")


async def test_a_message_to_an_actor_that_takes_none_is_a_failure() -> None:
    """It does not vanish."""
    async with running_system() as stage:
        stage.system.spawn("mute", Actor[Any]).tell("hello")
        (failure,) = await stage.take_failures()
        assert str(failure.error) == "/mute takes no messages, but str came"


async def test_a_look_that_succeeded_is_not_taken_again() -> None:
    """A later failure brings back only what was not looked at."""
    looks: list[list[Hashable]] = []

    class Looker(Actor[str]):
        async def changed(self, keys: frozenset[Hashable]) -> None:
            looks.append(list(keys))

        async def receive(self, message: str) -> None:
            raise ValueError("broken")

    async with running_system() as stage:
        looker = stage.system.spawn("looker", Looker)
        looker.notify("a")
        await wait_all_tasks_blocked()
        looker.tell("break")
        await stage.clock.sleep(10)
        assert looks == [["a"]]
        await stage.take_failures()
