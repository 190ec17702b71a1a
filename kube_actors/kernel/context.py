"""What the kernel gives an actor: its name, its clock, its children, and the ways to answer."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Hashable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, TypeVarTuple, Unpack

import outcome
import trio

from kube_actors.kernel.actor import Actor, Ask, Supervision
from kube_actors.kernel.clock import ClusterClock
from kube_actors.kernel.ref import Ref

if TYPE_CHECKING:
    from kube_actors.kernel.cell import Cell

M = TypeVar("M")
N = TypeVar("N")
R = TypeVar("R")
Args = TypeVarTuple("Args")

DEFAULT_MAILBOX = 256
"""Commands and asks that may wait for one actor."""


class Context(Generic[M]):
    """An actor's own view of the system. For the actor and its child tasks only; others use its Ref."""

    __slots__ = ("_cell",)

    def __init__(self, cell: Cell[M]) -> None:
        self._cell = cell

    @property
    def ref(self) -> Ref[M]:
        """The actor's own handle, to give away."""
        return self._cell.ref

    @property
    def path(self) -> str:
        """Where the actor lives."""
        return self._cell.path

    @property
    def clock(self) -> ClusterClock:
        """Cluster time."""
        return self._cell.system.clock

    @property
    def random(self) -> random.Random:
        """The actor's own stream of random numbers, from the system's seed and its path; it goes on across restarts."""
        return self._cell.random()

    @property
    def children(self) -> Mapping[str, Ref[Any]]:
        """The actor's children by name, in the order they were spawned; those that are stopping included."""
        children = self._cell.children or {}
        return MappingProxyType({name: child.ref for name, child in children.items()})

    def spawn(
        self,
        name: str,
        factory: Callable[[], Actor[N]],
        *,
        supervision: Supervision = Supervision.RESTART,
        mailbox: int = DEFAULT_MAILBOX,
    ) -> Ref[N]:
        """Start a child; `factory` makes a fresh instance at each restart. Raises NameTaken, or ActorStopped when this
        actor is leaving."""
        return self._cell.spawn(name, factory, supervision, mailbox)

    async def stop_child(self, ref: Ref[Any]) -> None:
        """Stop a child with all below it and wait until they have ended. A child that has ended is no error."""
        child = self._cell.child_of(ref)
        child.stop()
        await child.ended()

    def stop_child_soon(self, ref: Ref[Any]) -> None:
        """Stop a child with all below it without waiting."""
        self._cell.child_of(ref).stop()

    def start_task(self, fn: Callable[[Unpack[Args]], Awaitable[object]], *args: *Args, name: str) -> trio.CancelScope:
        """Run `fn(*args)` beside the message loop, for work that takes long; cancel the scope to end it early.

        It ends with the actor, and its failure fails the actor. Results come back by message or as an answer.
        """
        return self._cell.start_task(fn, args, name)

    def answer(self, ask: Ask[R], value: R) -> None:
        """Answer an ask, now or later. Nothing happens when the asker has gone or was answered."""
        self._cell.reply(ask, value, outcome.Value(value))

    def refuse(self, ask: Ask[Any], error: Exception) -> None:
        """Let the ask fail at the asker with `error`; this actor goes on."""
        self._cell.reply(ask, error, outcome.Error(error))

    def notify_at(self, when: float, key: Hashable) -> None:
        """Set an alarm: notify this actor of `key` at cluster time `when`. There is one alarm per key, the latest set
        counts; `math.inf` takes it back."""
        self._cell.set_alarm(when, key)

    def stop_self(self) -> None:
        """End this actor, with all below it, when the current message has been handled."""
        self._cell.stop_soon()
