"""Testing actors by conversation, in virtual time.

async with running_system() as stage:
    peer = Probe(stage.system, "peer")
    greeter = stage.system.spawn("greeter", lambda: Greeter(peer.ref))
    hello = await peer.expect(Hello)
    peer.answer(hello, Welcome())
    assert stage.clock.now() == VIRTUAL_EPOCH
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import trio
from trio.testing import wait_all_tasks_blocked

from kube_actors.kernel import VIRTUAL_EPOCH, Actor, ActorSystem, Ask, ClockMode, Failure, Ref, VirtualClock
from kube_actors.records import define

T = TypeVar("T")
R = TypeVar("R")


@define
class Stage:
    """A running system on a virtual clock. `failures` are those that the test has not taken yet."""

    system: ActorSystem
    clock: VirtualClock
    failures: list[Failure]

    async def take_failures(self) -> tuple[Failure, ...]:
        """The failures so far, which the test thereby expects. (One that asked the failing actor learns of it before
        all below the actor has ended and the failure is told: therefore this waits until nothing is runnable.)"""
        await wait_all_tasks_blocked()
        taken = tuple(self.failures)
        self.failures.clear()
        return taken


@asynccontextmanager
async def running_system(*, seed: int = 0, start: float = VIRTUAL_EPOCH, paused: bool = False) -> AsyncIterator[Stage]:
    """A running actor system in virtual time; `paused` leaves it to the test to step the clock.

    A failure of an actor that the body does not take with `take_failures` is an AssertionError at the end.
    """
    failures: list[Failure] = []
    clock = VirtualClock(start)
    if paused:
        clock.pause()
    system = ActorSystem(clock=clock, seed=seed, on_failure=failures.append)
    async with system.running():
        yield Stage(system, clock, failures)
    if failures:
        told = "; ".join(f"{failure.path} failed: {failure.error!r}" for failure in failures)
        raise AssertionError(f"failures nobody expected: {told}") from failures[0].error


class _Recorder(Actor[Any]):
    """Keeps what it is sent for the test to read."""

    def __init__(self) -> None:
        self.messages: deque[Any] = deque()
        self.keys: dict[Hashable, None] = {}
        self.arrival = trio.lowlevel.ParkingLot()

    async def receive(self, message: Any) -> None:
        self.messages.append(message)
        self.arrival.unpark_all()

    async def changed(self, keys: frozenset[Hashable]) -> None:
        self.keys.update(dict.fromkeys(keys))
        self.arrival.unpark_all()


class Probe:
    """A scripted peer: an actor that does nothing by itself; the test reads what it is sent, in order, and answers.

    Waiting is limited in cluster time (`within` seconds), which passes at once in a virtual system where nothing
    happens. While the clock is paused it lasts until nothing is runnable any more.
    """

    def __init__(self, system: ActorSystem, name: str, *, mailbox: int = 256) -> None:
        self._recorder = _Recorder()
        self._clock = system.clock
        self.ref: Ref[Any] = system.spawn(name, lambda: self._recorder, mailbox=mailbox)

    async def expect(self, kind: type[T], *, within: float = 60.0) -> T:
        """The next message, which must be a `kind`."""
        await self._wait(lambda: bool(self._recorder.messages), within)
        if not self._recorder.messages:
            raise AssertionError(f"{self.ref.path} expected {kind.__name__}, but nothing came within {within:g} s")
        message = self._recorder.messages.popleft()
        if not isinstance(message, kind):
            raise AssertionError(f"{self.ref.path} expected {kind.__name__}, but {message!r} came")
        return message

    async def expect_keys(self, *keys: Hashable, within: float = 60.0) -> None:
        """All of `keys`, in any order and any number of looks, and no others."""
        await self._wait(lambda: set(keys) <= set(self._recorder.keys), within)
        came, self._recorder.keys = self._recorder.keys, {}
        if set(came) != set(keys):
            raise AssertionError(f"{self.ref.path} expected keys {list(keys)!r}, but {list(came)!r} came")

    async def expect_silence(self, seconds: float) -> None:
        """Nothing comes for `seconds` of cluster time."""
        await self._clock.sleep(seconds)
        came = [*self._recorder.messages, *self._recorder.keys]
        if came:
            raise AssertionError(f"{self.ref.path} expected silence, but {came!r} came")

    async def _wait(self, condition: Callable[[], bool], within: float) -> None:
        """Until `condition` or the end of patience; with a clock that stands, until nothing is runnable."""
        if self._clock.mode is ClockMode.PAUSED:
            await wait_all_tasks_blocked()
            return
        with self._clock.move_on_after(within):
            while not condition():
                await self._recorder.arrival.park()

    def answer(self, ask: Ask[R], value: R) -> None:
        """Answer an ask it was sent."""
        self._recorder.context.answer(ask, value)

    def refuse(self, ask: Ask[Any], error: Exception) -> None:
        """Refuse an ask it was sent."""
        self._recorder.context.refuse(ask, error)
