"""Print the trace of a crowd of actors under virtual time: `deterministic_run.py SEED`."""

from __future__ import annotations

import sys
from collections.abc import Hashable
from typing import Any

import trio

from kube_actors.kernel import Actor, ActorStopped, ActorSystem, Ask, Ref, VirtualClock, seeded_scheduling
from kube_actors.records import frozen


@frozen
class Gossip(Ask[str]):
    """Have you heard?"""

    news: str


class Gossiper(Actor[Any]):
    """Passes news on to random others at random times, asks them, and fails of some."""

    def __init__(self, crowd: list[Ref[Any]]) -> None:
        self.crowd = crowd

    async def started(self) -> None:
        self.context.notify_at(self.context.clock.now() + self.context.random.randrange(5), "gossip")

    async def changed(self, keys: frozenset[Hashable]) -> None:
        for key in keys:
            self.context.start_task(self.spread, str(key), name="spread")
        self.context.notify_at(self.context.clock.now() + 5, "gossip")

    async def spread(self, news: str) -> None:
        for _ in range(3):
            other = self.context.random.choice(self.crowd)
            other.notify(f"{self.context.path} says {len(news) % 7}")
            try:
                await other.ask(Gossip(news[:20]), deadline=60)
            except ActorStopped as error:
                other.tell(f"sorry: {error}")
            await self.context.clock.sleep(1)

    async def receive(self, message: Any) -> None:
        if isinstance(message, Gossip):
            if self.context.random.random() < 0.02:
                raise ValueError(message.news)
            self.context.answer(message, f"{self.context.path} heard")


async def live(seed: int) -> None:
    """Some seconds of gossip."""
    clock = VirtualClock()
    system = ActorSystem(clock=clock, seed=seed, on_failure=lambda failure: print(failure))
    crowd: list[Ref[Any]] = []
    async with system.running():
        system.on_trace(lambda record: print(record))
        for number in range(8):
            crowd.append(system.spawn(f"gossiper-{number}", lambda: Gossiper(crowd)))
        await clock.sleep(3)


if __name__ == "__main__":
    with seeded_scheduling(int(sys.argv[1])):
        trio.run(live, int(sys.argv[1]))
