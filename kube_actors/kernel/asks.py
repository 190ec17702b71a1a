"""Questions under way, and the one task that ends those whose time is up."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import outcome
import trio

from kube_actors.kernel.actor import Ask
from kube_actors.kernel.errors import AskTimeout

if TYPE_CHECKING:
    from kube_actors.kernel.cell import Cell


class PendingAsk:
    """One ask between its sending and its settling: answered, refused, timed out, given up, or failed with its actor.

    It is settled exactly once; settling again does nothing.
    """

    __slots__ = ("_cell", "_deadlines", "_patience", "_task", "asker", "message", "settled")

    def __init__(self, message: Ask[Any], cell: Cell[Any], asker: str) -> None:
        self.message = message
        self.asker = asker
        self.settled = False
        self._cell = cell
        self._task: trio.lowlevel.Task | None = None

    async def wait(self, deadlines: Deadlines, patience: float) -> Any:
        """Stand until settled; returns the answer or raises what came instead of it. Cancelling gives the ask up."""
        self._task = trio.lowlevel.current_task()
        self._deadlines = deadlines
        self._patience = patience
        deadlines.add(self, patience)
        return await trio.lowlevel.wait_task_rescheduled(self._give_up)

    def settle(self, result: outcome.Outcome[Any]) -> None:
        """Wake the asker with an answer or an error."""
        if not self.settled and self._task is not None:
            self._close()
            trio.lowlevel.reschedule(self._task, result)

    def time_out(self) -> None:
        """The deadline has come."""
        what = type(self.message).__name__
        self.settle(outcome.Error(AskTimeout(f"{self._cell.path} did not answer {what} within {self._patience:g} s")))

    def _give_up(self, _raise_cancel: Callable[[], Any]) -> trio.lowlevel.Abort:
        self._close()
        return trio.lowlevel.Abort.SUCCEEDED

    def _close(self) -> None:
        self.settled = True
        self._cell.asks.pop(id(self.message), None)
        self._deadlines.discard(self, self._patience)


class Deadlines:
    """All deadlines of asks, in machine seconds, kept by one task: a cancel scope for each would halve the rate.

    Asks of equal patience expire in the order they were sent, so each patience has a queue of its own that needs no
    sorting. Nearly all asks are answered in time and just leave their queue.
    """

    def __init__(self) -> None:
        self._queues: dict[float, dict[PendingAsk, float]] = {}
        self._scope = trio.CancelScope()

    def add(self, pending: PendingAsk, patience: float) -> None:
        """End `pending` when `patience` seconds have passed."""
        expiry = trio.current_time() + patience
        queue = self._queues.get(patience)
        if queue is None:
            queue = self._queues[patience] = {}
        queue[pending] = expiry
        if expiry < self._scope.deadline:
            self._scope.deadline = expiry

    def discard(self, pending: PendingAsk, patience: float) -> None:
        """Forget a settled ask."""
        queue = self._queues.get(patience)
        if queue is not None:
            queue.pop(pending, None)
            if not queue:
                del self._queues[patience]

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Expire asks for ever."""
        task_status.started()
        while True:
            with self._scope:
                await trio.sleep_forever()
            self._expire(trio.current_time())
            first = (next(iter(queue.values())) for queue in self._queues.values())
            self._scope = trio.CancelScope(deadline=min(first, default=math.inf))

    def _expire(self, now: float) -> None:
        due: list[PendingAsk] = []
        for queue in self._queues.values():
            for pending, expiry in queue.items():
                if expiry > now:
                    break
                due.append(pending)
        for pending in due:
            pending.time_out()
