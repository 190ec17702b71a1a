"""The time a cluster lives in, in the hands of a test."""

from __future__ import annotations

import trio

from kube_actors.embed.life import Life
from kube_actors.kernel import ClockMode


class Clock:
    """Cluster time, in epoch seconds: the timestamps, probes, graces and backoffs of the cluster are in it.

    In a virtual cluster it stands, except while somebody waits for the cluster; elsewhere it goes with the machine's.
    """

    def __init__(self, life: Life) -> None:
        self._life = life

    async def now(self) -> float:
        """What time it is."""
        with self._life.working():
            return self._life.clock.now()

    async def advance(self, seconds: float) -> None:
        """Live through so many seconds at once, everything in them at its own instant, and all that follows from it.
        Ahead of the machine's time when it is not virtual: real processes notice nothing. ValueError when negative."""
        clock = self._life.clock
        with self._life.working():
            paused = clock.mode is ClockMode.PAUSED
            try:
                await clock.step(seconds)
            finally:
                if not paused:
                    clock.resume()

    async def sleep(self, seconds: float) -> None:
        """Wait until so many seconds have passed. For ever while time is paused and nobody advances it."""
        with self._life.working():
            await self._life.clock.sleep(seconds)

    async def pause(self) -> None:
        """Let time stand still: no probe, no heartbeat, no backoff, until `resume` or `advance`."""
        with self._life.working():
            self._life.clock.pause()
            await trio.lowlevel.checkpoint()

    async def resume(self) -> None:
        """Let it go on from where it stands."""
        with self._life.working():
            self._life.clock.resume()
            await trio.lowlevel.checkpoint()
