"""The handle by which others reach an actor."""

from __future__ import annotations

import copy
import math
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import trio

from kube_actors.kernel.actor import Ask
from kube_actors.kernel.asks import PendingAsk
from kube_actors.kernel.errors import MailboxFull
from kube_actors.kernel.tracing import TraceKind, speaker

if TYPE_CHECKING:
    from kube_actors.kernel.cell import Cell

M_contra = TypeVar("M_contra", contravariant=True)
R = TypeVar("R")


class Ref(Generic[M_contra]):
    """A handle on one actor, good across its restarts, for anyone in the same trio run, inside the system or outside.

    It stays with the actor it was made for: when that has stopped, a new actor at the same path has a new Ref.
    """

    __slots__ = ("_cell",)

    def __init__(self, cell: Cell[Any]) -> None:
        self._cell = cell

    @property
    def path(self) -> str:
        """Where the actor lives: its names from the root, `/parent/child`."""
        return self._cell.path

    @property
    def is_stopped(self) -> bool:
        """The actor has ended for good."""
        return self._cell.closed

    def tell(self, message: M_contra) -> None:
        """Queue a command. Raises MailboxFull; to an actor that has stopped it is counted as a dead letter."""
        cell = self._cell
        if cell.closed:
            cell.system.dead_letters += 1
            return
        if not cell.mailbox.put(message):
            raise MailboxFull(f"the mailbox of {cell.path} is full ({cell.mailbox.capacity} messages)")
        if cell.tracing.active:
            cell.tracing.record(cell.path, TraceKind.TELL, message)

    def notify(self, key: Hashable) -> None:
        """Set `key` in the actor's latch: "look at this again". Never blocks, never fails, coalesces."""
        cell = self._cell
        if cell.closed:
            return
        cell.mailbox.notify(key)
        if cell.tracing.active:
            cell.tracing.record(cell.path, TraceKind.NOTIFY, key)

    async def ask(self, message: Ask[R], *, deadline: float) -> R:
        """Ask and wait for the answer at most `deadline` seconds of machine time.

        Raises AskTimeout, MailboxFull, ActorStopped (at once when the actor has stopped), ActorFailed (at once when it
        fails or waits to be restarted), or the error the actor refused with. Cancelling gives the ask up: it is not
        delivered if it was not begun, and its answer goes nowhere.
        """
        if not math.isfinite(deadline):
            raise ValueError(f"an ask needs a finite deadline, not {deadline}")
        cell = self._cell
        task = trio.lowlevel.current_task()
        if task is cell.task:
            raise RuntimeError(f"{cell.path} would wait for itself: it asked {type(message).__name__} of itself")
        obstacle = cell.obstacle()
        if obstacle is None:
            if id(message) in cell.asks:  # the same instance is already under way here: each needs its own answer
                message = copy.copy(message)
            pending = PendingAsk(message, cell, speaker.get())
            if cell.mailbox.put(pending):
                cell.asks[id(message)] = pending
                if cell.tracing.active:
                    cell.tracing.record(cell.path, TraceKind.ASK, message)
                answer: R = await pending.wait(cell.system.deadlines, deadline)
                return answer
            obstacle = MailboxFull(f"the mailbox of {cell.path} is full ({cell.mailbox.capacity} messages)")
        await trio.lowlevel.checkpoint()  # so that asking again and again starves nobody
        raise obstacle

    def __repr__(self) -> str:
        return f"<Ref {self._cell.path}>"
