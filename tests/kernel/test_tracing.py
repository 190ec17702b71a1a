"""Traces: who said what to whom."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import trio
from trio.testing import wait_all_tasks_blocked

from kube_actors.kernel import VIRTUAL_EPOCH, Actor, ActorSystem, Ask, Ref, TraceKind, TraceRecord, VirtualClock
from kube_actors.records import frozen
from kube_actors.testing.kernel import running_system


@frozen
class Ping(Ask[str]):
    """Are you there?"""


@frozen
class Go:
    """Begin."""


class Answerer(Actor[Ping]):
    """Answers from a child task after a second."""

    async def receive(self, message: Ping) -> None:
        self.context.start_task(self.answer, message, name="answer")

    async def answer(self, ping: Ping) -> None:
        await self.context.clock.sleep(1)
        self.context.answer(ping, "pong")


class Asker(Actor[Any]):
    """Pings when told to go, and notifies itself of the answer."""

    def __init__(self, other: Ref[Ping]) -> None:
        self.other = other

    async def receive(self, message: Any) -> None:
        answer = await self.other.ask(Ping(), deadline=10)
        self.context.notify_at(self.context.clock.now() + 1, answer)

    async def changed(self, keys: frozenset[Hashable]) -> None:
        self.context.start_task(self.tell_on, name="teller")

    async def tell_on(self) -> None:
        self.other.notify("done")


async def test_a_conversation_is_recorded_with_its_speakers() -> None:
    """Commands, asks, replies and notifications, from handlers and child tasks, each with time and sender."""
    said: list[TraceRecord] = []
    async with running_system() as stage:
        unsubscribe = stage.system.on_trace(said.append)
        answerer = stage.system.spawn("answerer", Answerer)
        asker = stage.system.spawn("asker", lambda: Asker(answerer))
        asker.tell(Go())
        await stage.clock.sleep(5)
        unsubscribe()
        asker.notify("unheard")
    now = VIRTUAL_EPOCH
    assert said == [
        TraceRecord(now, "", "/asker", TraceKind.TELL, Go()),
        TraceRecord(now, "/asker", "/answerer", TraceKind.ASK, Ping()),
        TraceRecord(now + 1, "/answerer", "/asker", TraceKind.REPLY, "pong"),
        TraceRecord(now + 2, "/asker", "/asker", TraceKind.NOTIFY, "pong"),
        TraceRecord(now + 2, "/asker", "/answerer", TraceKind.NOTIFY, "done"),
    ]


async def test_a_trace_follows_one_subtree() -> None:
    """What others say among themselves is left out; what is said to and by the subtree is in."""
    async with running_system() as stage:
        answerer = stage.system.spawn("answerer", Answerer)
        asker = stage.system.spawn("asker", lambda: Asker(answerer))
        asker_too = stage.system.spawn("asker-too", lambda: Asker(answerer))
        with stage.system.trace("/asker") as trace:
            asker.tell(Go())
            asker_too.tell(Go())
            await stage.clock.sleep(1.5)
            heard = [(record.sender, record.receiver) for record in trace.take_nowait()]
        assert heard == [("", "/asker"), ("/asker", "/answerer"), ("/answerer", "/asker")]


async def test_a_trace_can_be_iterated_over_while_things_are_said() -> None:
    """A reader waits for the next record and comes to the end when the system ends."""
    heard: list[str] = []

    async def read(trace: Any) -> None:
        async for record in trace:
            heard.append(record.message)

    async with trio.open_nursery() as nursery, running_system() as stage:
        answerer = stage.system.spawn("answerer", Answerer)
        with stage.system.trace() as trace:
            nursery.start_soon(read, trace)
            for key in "ab":
                answerer.notify(key)
                await wait_all_tasks_blocked()
            assert heard == ["a", "b"]
            answerer.notify("c")
    assert heard == ["a", "b", "c"]


async def test_a_slow_reader_misses_the_oldest_and_knows_how_many() -> None:
    """A trace nobody reads takes bounded memory."""
    async with running_system() as stage:
        answerer = stage.system.spawn("answerer", Answerer)
        with stage.system.trace(limit=3) as trace:
            for number in range(10):
                answerer.notify(number)
            assert [record.message for record in trace.take_nowait()] == [7, 8, 9]
            assert trace.missed == 7


async def test_a_trace_ends_with_its_system() -> None:
    """A reader that outlives the system is not left waiting."""
    system = ActorSystem(clock=VirtualClock())
    with system.trace() as trace:
        async with system.running():
            system.spawn("answerer", Answerer).notify("a")
        assert [record.message async for record in trace] == ["a"]


async def test_only_answers_that_reach_somebody_are_replies() -> None:
    """Neither a second answer nor one whose asker has gone is recorded."""

    class Eager(Actor[Ping]):
        async def receive(self, message: Ping) -> None:
            self.context.answer(message, "one")
            self.context.answer(message, "two")

    async with running_system() as stage:
        eager = stage.system.spawn("eager", Eager)
        answerer = stage.system.spawn("answerer", Answerer)
        with stage.system.trace() as trace:
            await eager.ask(Ping(), deadline=10)
            with stage.clock.move_on_after(0.5):
                await answerer.ask(Ping(), deadline=10)
            await stage.clock.sleep(5)
            replies = [record.message for record in trace.take_nowait() if record.kind is TraceKind.REPLY]
        assert replies == ["one"]
