"""tell and ask: one actor that does nothing else, and one that asks it. Five runs after one to warm up."""

from __future__ import annotations

import functools
import time

import attrs
import trio

from benchmarks.measured import Values, median_of
from kube_actors.kernel import Actor, ActorSystem, Ask, RealClock

TELLS, BATCH = 200_000, 200
ASKS = 50_000


@attrs.frozen
class Count:
    """A command."""

    number: int


@attrs.frozen(eq=False)
class HowMany(Ask[int]):
    """A question."""


class Counter(Actor[Count | HowMany]):
    """Counts."""

    def __init__(self) -> None:
        self.seen = 0

    async def receive(self, message: Count | HowMany) -> None:
        """Count, or say how many."""
        match message:
            case Count():
                self.seen += 1
            case HowMany():
                self.context.answer(message, self.seen)


async def _tells() -> float:
    """Messages a second through a mailbox: a batch is told, handled, and then the next."""
    system = ActorSystem(clock=RealClock())
    async with system.running():
        actor = Counter()
        counter = system.spawn("counter", lambda: actor, mailbox=BATCH)
        await counter.ask(HowMany(), deadline=10)
        began = time.perf_counter()
        for told in range(BATCH, TELLS + 1, BATCH):
            for number in range(BATCH):
                counter.tell(Count(number))
            while actor.seen < told:
                await trio.lowlevel.checkpoint()
        return TELLS / (time.perf_counter() - began)


async def _asks() -> float:
    """Questions a second, one after the other, each with a deadline."""
    system = ActorSystem(clock=RealClock())
    async with system.running():
        counter = system.spawn("counter", Counter)
        await counter.ask(HowMany(), deadline=10)
        began = time.perf_counter()
        for _ in range(ASKS):
            await counter.ask(HowMany(), deadline=10)
        return ASKS / (time.perf_counter() - began)


def measure(names: list[str]) -> Values:
    """`tell`, `ask`."""
    found: Values = {}
    for name, run in (("tell", _tells), ("ask", _asks)):
        if name in names:
            trio.run(run)
            found[name] = median_of(5, functools.partial(trio.run, run))
    return found
