"""Asks: every way one can come to its end, and what is left behind."""

from __future__ import annotations

from typing import Any

import pytest
import trio
import trio.testing
from trio.testing import wait_all_tasks_blocked

from kube_actors.kernel import Actor, ActorFailed, ActorStopped, Ask, AskTimeout
from kube_actors.records import frozen
from kube_actors.testing.kernel import Probe, running_system


@frozen
class Question(Ask[str]):
    """What is the answer?"""

    text: str = ""


@frozen
class Die:
    """Fail."""


class Oracle(Actor[Any]):
    """Answers `now` at once, `later` after ten seconds from a child task, `never` not at all, `bad` by failing."""

    def __init__(self) -> None:
        self.begun: list[str] = []

    async def receive(self, message: Question | Die) -> None:
        if isinstance(message, Die):
            raise ValueError("died")
        self.begun.append(message.text)
        if message.text == "now":
            self.context.answer(message, "at once")
        elif message.text == "later":
            self.context.start_task(self.ponder, message, name="ponder")
        elif message.text == "no":
            self.context.refuse(message, LookupError("not today"))
        elif message.text == "bad":
            raise ValueError("bad question")
        elif message.text == "stop":
            self.context.stop_self()

    async def ponder(self, question: Question) -> None:
        await self.context.clock.sleep(10)
        self.context.answer(question, "after thought")


async def test_an_answer_may_come_later_without_holding_up_others() -> None:
    """The mailbox goes on while a child task works on an answer."""
    async with running_system() as stage:
        oracle = stage.system.spawn("oracle", Oracle)
        answers: list[tuple[float, str]] = []
        begin = stage.clock.now()

        async def ask(text: str) -> None:
            answer = await oracle.ask(Question(text), deadline=5)
            answers.append((stage.clock.now() - begin, answer))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, "later")
            await wait_all_tasks_blocked()
            nursery.start_soon(ask, "now")
        assert answers == [(0, "at once"), (10, "after thought")]


async def test_a_refusal_reaches_the_asker_and_leaves_the_actor_well() -> None:
    """Refusing is an answer, not a failure."""
    async with running_system() as stage:
        oracle = stage.system.spawn("oracle", Oracle)
        with pytest.raises(LookupError, match="not today"):
            await oracle.ask(Question("no"), deadline=1)
        assert await oracle.ask(Question("now"), deadline=1) == "at once"
        assert stage.system.actors()[0].restarts == 0


async def test_an_actor_that_dies_of_an_ask_fails_it_at_once() -> None:
    """Whoever waits for the failing actor learns it now, with the reason, not at the deadline."""
    async with running_system() as stage:
        oracle = stage.system.spawn("oracle", Oracle)
        failures: list[ActorFailed] = []

        async def ask(text: str) -> None:
            with pytest.raises(ActorFailed) as caught:
                await oracle.ask(Question(text), deadline=1000)
            failures.append(caught.value)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, "never")
            await wait_all_tasks_blocked()
            nursery.start_soon(ask, "bad")
            nursery.start_soon(ask, "never")
        assert [str(failure) for failure in failures] == ["/oracle failed: ValueError: bad question"] * 3
        assert all(isinstance(failure.__cause__, ValueError) for failure in failures)
        await stage.take_failures()


async def test_an_ask_to_an_actor_that_waits_for_its_restart_fails_at_once() -> None:
    """Nobody waits for an actor that rests."""
    async with running_system(paused=True) as stage:
        oracle = stage.system.spawn("oracle", Oracle)
        oracle.tell(Die())
        await wait_all_tasks_blocked()
        with pytest.raises(ActorFailed, match="ValueError: died"):
            await oracle.ask(Question("now"), deadline=1000)
        await stage.clock.step(0.1)
        assert await oracle.ask(Question("now"), deadline=1) == "at once"
        await stage.take_failures()


async def test_a_failing_child_task_fails_open_asks_at_once() -> None:
    """The instance that would have answered is gone, whichever part of it failed."""

    class Careless(Actor[Question]):
        async def receive(self, message: Question) -> None:
            self.context.start_task(self.fail, name="fail")

        async def fail(self) -> None:
            raise OSError("disk")

    async with running_system() as stage:
        careless = stage.system.spawn("careless", Careless)
        with pytest.raises(ActorFailed, match="OSError: disk"):
            await careless.ask(Question(), deadline=1000)
        await stage.take_failures()


async def test_asks_end_with_an_actor_that_is_stopped_or_stops_itself() -> None:
    """Open asks, queued asks and new asks fail with ActorStopped."""
    async with running_system() as stage:
        oracle = stage.system.spawn("oracle", Oracle)
        ended: list[str] = []

        async def ask(text: str) -> None:
            with pytest.raises(ActorStopped, match="/oracle has stopped"):
                await oracle.ask(Question(text), deadline=1000)
            ended.append(text)

        async with trio.open_nursery() as nursery:
            for text in ("never", "stop", "now"):
                nursery.start_soon(ask, text)
                await wait_all_tasks_blocked()
        assert sorted(ended) == ["never", "now", "stop"]


async def test_a_deadline_counts_machine_time(mock_clock: trio.testing.MockClock) -> None:
    """An ask ends at its deadline whatever cluster time does, and different deadlines end in their own time."""
    ended: list[tuple[float, float]] = []
    async with running_system(paused=True) as stage:
        oracle = stage.system.spawn("oracle", Oracle)
        begin = trio.current_time()

        async def ask(deadline: float) -> None:
            with pytest.raises(AskTimeout, match=f"/oracle did not answer Question within {deadline:g} s"):
                await oracle.ask(Question("never"), deadline=deadline)
            ended.append((deadline, trio.current_time() - begin))

        async with trio.open_nursery() as nursery:
            for deadline in (5, 2, 5, 0.5):
                nursery.start_soon(ask, deadline)
            await wait_all_tasks_blocked()
            mock_clock.autojump_threshold = 0.01
    mock_clock.autojump_threshold = float("inf")
    assert [deadline for deadline, _ in ended] == [0.5, 2, 5, 5]
    assert [after for _, after in ended] == pytest.approx([0.5, 2, 5, 5])


async def test_a_cancelled_ask_leaves_nothing_behind() -> None:
    """Giving up is clean: an ask not begun is never delivered, takes no room, and a late answer goes nowhere."""
    oracles: list[Oracle] = []

    def make() -> Oracle:
        oracles.append(Oracle())
        return oracles[-1]

    async with running_system() as stage:
        oracle = stage.system.spawn("oracle", make, mailbox=2)
        with stage.clock.move_on_after(5):
            await oracle.ask(Question("later"), deadline=1000)
        await stage.system.freeze("/oracle")
        for _ in range(5):
            with trio.CancelScope() as scope:
                scope.cancel()
                await oracle.ask(Question("unheard"), deadline=1000)
        oracle.tell(Question("told"))
        await stage.system.thaw("/oracle")
        await stage.clock.sleep(20)
        assert await oracle.ask(Question("now"), deadline=1) == "at once"
        assert oracles[0].begun == ["later", "told", "now"]


async def test_the_same_instance_asked_twice_is_answered_twice() -> None:
    """A constant question may be shared by askers: each gets its own answer."""
    question = Question("x")
    async with running_system() as stage:
        peer = Probe(stage.system, "peer")
        answers: dict[int, str] = {}

        async def ask(number: int) -> None:
            answers[number] = await peer.ref.ask(question, deadline=1000)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, 1)
            await wait_all_tasks_blocked()
            nursery.start_soon(ask, 2)
            first, second = await peer.expect(Question), await peer.expect(Question)
            peer.answer(second, "second")
            peer.answer(first, "first")
        assert answers == {1: "first", 2: "second"}


async def test_a_second_answer_and_an_answer_to_a_tell_do_nothing() -> None:
    """Only an ask that is open can be answered."""

    class Eager(Actor[Question]):
        async def receive(self, message: Question) -> None:
            self.context.answer(message, "one")
            self.context.answer(message, "two")
            self.context.refuse(message, ValueError("three"))

    async with running_system() as stage:
        eager = stage.system.spawn("eager", Eager)
        eager.tell(Question())
        assert await eager.ask(Question(), deadline=1) == "one"


async def test_an_actor_that_asks_itself_is_told_so() -> None:
    """Waiting for oneself would only end at the deadline."""

    class Narcissus(Actor[Question]):
        async def receive(self, message: Question) -> None:
            await self.context.ref.ask(Question(), deadline=1000)

    async with running_system() as stage:
        narcissus = stage.system.spawn("narcissus", Narcissus)
        with pytest.raises(ActorFailed, match="would wait for itself"):
            await narcissus.ask(Question(), deadline=1000)
        await stage.take_failures()


@pytest.mark.parametrize("deadline", [float("inf"), float("nan")])
async def test_an_ask_has_a_deadline(deadline: float) -> None:
    """Waiting for ever is refused."""
    async with running_system() as stage:
        oracle = stage.system.spawn("oracle", Oracle)
        with pytest.raises(ValueError, match="finite deadline"):
            await oracle.ask(Question("now"), deadline=deadline)


async def test_a_spent_deadline_times_out() -> None:
    """A deadline of zero or less ends at once instead of hanging."""
    async with running_system() as stage:
        oracle = stage.system.spawn("oracle", Oracle)
        with pytest.raises(AskTimeout):
            await oracle.ask(Question("never"), deadline=-1)


@pytest.mark.parametrize("part", ["handler", "child task"])
async def test_a_failure_is_known_before_all_below_has_ended(part: str, autojump_clock: trio.testing.MockClock) -> None:
    """Askers of a failing actor do not wait for the farewells of its children."""

    class Child(Actor[None]):
        async def stopped(self) -> None:
            await trio.sleep(0.9)

    class Parent(Actor[Question]):
        async def started(self) -> None:
            self.context.spawn("child", Child)

        async def receive(self, message: Question) -> None:
            if part == "handler":
                await self.fail()
            self.context.start_task(self.fail, name="fail")

        async def fail(self) -> None:
            await trio.lowlevel.checkpoint()
            raise OSError("disk")

    async with running_system() as stage:
        parent = stage.system.spawn("parent", Parent)
        await wait_all_tasks_blocked()
        begin = trio.current_time()
        with pytest.raises(ActorFailed, match="OSError: disk"):
            await parent.ask(Question(), deadline=1000)
        assert trio.current_time() == begin
        await trio.sleep(1)
        await stage.take_failures()
