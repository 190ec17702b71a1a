"""The task of an actor: instances that start, serve, fail and rest, until it is stopped."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import trio

from kube_actors.kernel.actor import Actor, Supervision
from kube_actors.kernel.asks import PendingAsk
from kube_actors.kernel.cell import Cell
from kube_actors.kernel.context import Context
from kube_actors.kernel.restarts import LONGEST_DELAY, Failure, RestartHistory
from kube_actors.kernel.status import ActorState
from kube_actors.kernel.tracing import speaker

FAREWELL_SECONDS = 1.0
"""Machine seconds that `stopped` may take."""
MESSAGES_PER_TURN = 64
"""Messages after which others get a turn, however quick they were; under virtual time the only limit."""


async def run(cell: Cell[Any]) -> None:
    """Live until stopped. Raises nothing but cancellation: failures are contained here or end the system."""
    speaker.set(cell.path)
    cell.task = trio.lowlevel.current_task()
    try:
        while not cell.stopping:
            cell.enter(ActorState.RUNNING)
            error = await _instance(cell)
            if error is not None:
                await _recover(cell, error)
    finally:
        cell.close()


async def _instance(cell: Cell[Any]) -> Exception | None:
    """One instance from start to farewell; the error it failed with, or None when it was stopped.

    Children and child tasks live in its nursery, so they have ended when it bids farewell.
    """
    actor: Actor[Any] | None = None
    error: Exception | None = None
    try:
        async with trio.open_nursery() as nursery:
            cell.nursery = nursery
            try:
                await _birth(cell)
                actor = cell.factory()
                actor.context = Context(cell)
                await actor.started()
                await _serve(cell, actor)
            except Exception as failure:  # the supervisor's boundary
                cell.interrupt(failure)
                raise
            nursery.cancel_scope.cancel()
    except Exception as raised:  # the same, after its children and tasks have ended
        error = sole_error(raised)
    except BaseExceptionGroup as raised:  # it failed while it was being cancelled from outside
        failures, others = raised.split(Exception)
        if failures is not None:
            _report(cell, sole_error(failures), delay=None)
        if others is not None:
            raise others from None
    finally:
        cell.nursery = None
        cell.interrupt(error)
        if actor is not None:
            await _farewell(cell, actor)
    return error


async def _birth(cell: Cell[Any]) -> None:
    """A frozen actor starts when it is thawed or stepped."""
    while cell.frozen and not cell.steps and not cell.stopping:
        await _stand_still(cell)
    cell.started = True
    cell.steps = 0


async def _serve(cell: Cell[Any], actor: Actor[Any]) -> None:
    """Handle what comes, several messages per turn, until the actor is stopping or has failed."""
    slice_seconds = cell.system.clock.slice_seconds
    while not cell.stopping and cell.failure is None:
        turn_ends = perf_counter() + slice_seconds
        for _ in range(MESSAGES_PER_TURN):
            if cell.frozen and not cell.steps:
                await _stand_still(cell)
                break
            if not await _handle_next(cell, actor):
                cell.steps = 0
                await cell.mailbox.wait()
                break
            cell.handled += 1
            cell.steps = 0
            if cell.stopping or cell.failure is not None:
                return
            if perf_counter() > turn_ends:
                await trio.lowlevel.checkpoint()
                break
        else:
            await trio.lowlevel.checkpoint()


async def _handle_next(cell: Cell[Any], actor: Actor[Any]) -> bool:
    """Handle one command or ask, or take one look at the latch; False when nothing waits."""
    mailbox = cell.mailbox
    if not mailbox.look_is_due:
        entry = mailbox.take()
        if entry is not None:
            message = entry.message if entry.__class__ is PendingAsk else entry
            cell.last_message = message.__class__.__name__
            await actor.receive(message)
            return True
        if not mailbox.latch_depth:
            return False
    cell.looking = mailbox.take_keys()
    cell.last_message = "changed"
    await actor.changed(cell.looking)
    cell.looking = None
    return True


async def _stand_still(cell: Cell[Any]) -> None:
    """Wait for something to happen to a frozen actor, and let those know who wait for it to stand still."""
    cell.system.stillness.unpark_all()
    await cell.mailbox.wait()


async def _farewell(cell: Cell[Any], actor: Actor[Any]) -> None:
    """Let the actor put its things in order, whatever is being cancelled."""
    try:
        with trio.move_on_after(FAREWELL_SECONDS, shield=True) as limit:
            await actor.stopped()
        if limit.cancelled_caught:
            _report(cell, TimeoutError(f"stopped() took longer than {FAREWELL_SECONDS:g} s and was cut off"), None)
    except Exception as error:  # the supervisor's boundary: a bad farewell must not hold up anybody else's
        _report(cell, sole_error(error), None)


async def _recover(cell: Cell[Any], error: Exception) -> None:
    """Report a failure, then rest before the next instance, or end the system."""
    if cell.stopping:
        _report(cell, error, None)
        return
    if cell.supervision is Supervision.ESCALATE:
        _report(cell, error, None)
        cell.stopping = True
        cell.system.escalate(error)
        return
    clock = cell.system.clock
    if cell.history is None:
        cell.history = RestartHistory()
    delay = cell.history.next_delay(healthy_for=clock.now() - cell.since)
    cell.enter(ActorState.PARKED if delay >= LONGEST_DELAY else ActorState.RESTARTING)
    _report(cell, error, delay)
    with trio.CancelScope() as cell.rest:
        await clock.sleep(delay)
    cell.rest = None


def _report(cell: Cell[Any], error: BaseException, delay: float | None) -> None:
    """Show the failure in the status, and tell of it once."""
    cell.last_error = f"{type(error).__name__}: {error}"
    if cell.history is None:
        cell.history = RestartHistory()
    if cell.history.is_news(error):
        cell.system.report(Failure(cell.path, error, cell.system.clock.now(), cell.history.count, delay))


def sole_error(error: Exception) -> Exception:
    """The one error inside a group of one, however deep; other groups as they are."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
