"""The root of the tree: where actors are started, found, watched and held still."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, TypeVar

import trio

from kube_actors.kernel import freezing, life
from kube_actors.kernel.actor import Actor, Supervision
from kube_actors.kernel.asks import Deadlines
from kube_actors.kernel.cell import Cell
from kube_actors.kernel.clock import CLOCK_TASK, ClusterClock
from kube_actors.kernel.context import DEFAULT_MAILBOX
from kube_actors.kernel.errors import ActorNotFound, ActorStopped, NameTaken
from kube_actors.kernel.ref import Ref
from kube_actors.kernel.restarts import Failure
from kube_actors.kernel.status import ActorStatus
from kube_actors.kernel.tracing import Trace, TraceRecord, Tracing, is_under

N = TypeVar("N")

TRACE_LIMIT = 10_000
"""Records that wait for a slow reader of a trace before the oldest are dropped."""


def log_failure(failure: Failure) -> None:
    """What becomes of failures nobody asked to hear of."""
    rest = "" if failure.delay is None else f"; restarting in {failure.delay:g} s"
    logging.getLogger(__name__).error("%s failed%s", failure.path, rest, exc_info=failure.error)


class ActorSystem:
    """A tree of actors that live by one clock and one seed.

    Everything here belongs to one trio run; nothing may be called from another thread.
    """

    def __init__(
        self, *, clock: ClusterClock, seed: int = 0, on_failure: Callable[[Failure], None] | None = None
    ) -> None:
        self.clock = clock
        self.seed = seed
        self.dead_letters = 0
        self.deadlines = Deadlines()
        self.tracing = Tracing(clock.now, on_error=self.escalate)
        self.stillness = trio.lowlevel.ParkingLot()
        self._on_failure = on_failure or log_failure
        self._cells: dict[str, Cell[Any]] = {}
        self._frozen: set[str] = set()
        self._nursery: trio.Nursery | None = None
        self._services: trio.CancelScope | None = None
        self._escalated: BaseException | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ActorSystem]:
        """Inside, actors can be spawned. Leaving stops the tree, children before parents, and raises the first error
        that escalated, which also cancels the body."""
        if self._services is not None:
            raise RuntimeError("an actor system runs once")
        body_error: Exception | None = None
        async with trio.open_nursery() as services:
            self._services = services.cancel_scope
            await services.start(self._serve, self.clock.run, name=CLOCK_TASK)
            await services.start(self._serve, self.deadlines.run, name="/ deadlines")
            async with trio.open_nursery() as self._nursery:
                try:
                    yield self
                except Exception as error:  # raised again below, outside the nurseries, so that it is not wrapped
                    body_error = error
                finally:
                    self._nursery.cancel_scope.cancel()
            self._services.cancel()
        self.tracing.close()
        if self._escalated is not None:
            raise self._escalated from body_error
        if body_error is not None:
            raise body_error

    def spawn(
        self,
        name: str,
        factory: Callable[[], Actor[N]],
        *,
        supervision: Supervision = Supervision.RESTART,
        mailbox: int = DEFAULT_MAILBOX,
    ) -> Ref[N]:
        """Start an actor at `/name`; the name may have several parts (`workers/alice`)."""
        if self._nursery is None:
            raise RuntimeError("the actor system is not running")
        return self.adopt(None, name, factory, supervision, mailbox, self._nursery).ref

    async def stop(self, ref: Ref[Any]) -> None:
        """Stop an actor with all below it and wait until they have ended. One that has ended is no error."""
        ref._cell.stop()
        await ref._cell.ended()

    def find(self, path: str) -> Ref[Any] | None:
        """The actor at exactly this path, if one lives there."""
        cell = self._cells.get(path)
        return None if cell is None else cell.ref

    def actors(self) -> tuple[ActorStatus, ...]:
        """Every actor, by path."""
        return tuple(self._cells[path].status() for path in sorted(self._cells))

    async def freeze(self, path: str) -> None:
        """Hold the actor at `path` and all below it still: mail arrives but is not handled, newly spawned ones wait to
        start. Returns when what they are handling now is done. Their child tasks go on. Raises ActorNotFound.

        Children are frozen before their parents, so that what a child is just asking its parent is still answered."""
        self._subtree(path)
        self._frozen.add(path)
        while path in self._frozen:
            warm = [cell for cell in self._subtree(path, may_be_empty=True) if not cell.frozen]
            if not warm:
                break
            await freezing.freeze([cell for cell in warm if not cell.has_warm_children], self.stillness)

    async def thaw(self, path: str) -> None:
        """Let the actor at `path` and all below it go on. Raises ActorNotFound."""
        thawed = {frozen for frozen in self._frozen if is_under(frozen, path)}
        self._frozen -= thawed
        if cells := self._subtree(path, may_be_empty=bool(thawed)):
            freezing.thaw(cells)
        await trio.lowlevel.checkpoint()

    async def step(self, path: str) -> tuple[str, ...]:
        """Let each frozen actor at or below `path` that has something waiting handle one thing (a command, an ask, one
        look at the latch, or its start); returns their paths when it is done. Freezes them first if need be."""
        if not all(cell.frozen for cell in self._subtree(path)):
            await self.freeze(path)
        return await freezing.step(self._subtree(path), self.stillness)

    def trace(self, prefix: str = "/", *, limit: int = TRACE_LIMIT) -> AbstractContextManager[Trace]:
        """Follow what is said by or to the actors at and below `prefix`: `with system.trace(path) as records: async for
        record in records`."""
        return self.tracing.follow(prefix, limit)

    def on_trace(self, callback: Callable[[TraceRecord], None]) -> Callable[[], None]:
        """Call `callback` with everything that is said, while it is said; the answer unsubscribes it. An error in it
        ends the system."""
        return self.tracing.subscribe(callback)

    def report(self, failure: Failure) -> None:
        """An actor failed. Failing to tell of it ends the system."""
        try:
            self._on_failure(failure)
        except Exception as error:  # not the fault of any actor
            self.escalate(error)

    def escalate(self, error: BaseException) -> None:
        """End the system with `error`; the first one counts."""
        if self._escalated is None:
            self._escalated = error
        if self._nursery is not None:
            self._nursery.cancel_scope.cancel()

    def is_born_frozen(self, cell: Cell[Any]) -> bool:
        """Whether a new actor has to wait for a thaw."""
        if cell.parent is not None:
            return cell.parent.frozen
        return any(is_under(cell.path, frozen) for frozen in self._frozen)

    def adopt(
        self,
        parent: Cell[Any] | None,
        name: str,
        factory: Callable[[], Actor[N]],
        supervision: Supervision,
        mailbox: int,
        nursery: trio.Nursery,
    ) -> Cell[N]:
        """Give an actor its place in the tree and its task in `nursery`."""
        if not name or name.startswith("/") or name.endswith("/"):
            raise ValueError(f"{name!r} is no name for an actor")
        cell: Cell[N] = Cell(self, parent, name, factory, supervision, mailbox)
        if cell.path in self._cells:
            raise NameTaken(f"an actor lives at {cell.path} already")
        try:
            nursery.start_soon(life.run, cell, name=cell.path)
        except RuntimeError as closed:
            raise ActorStopped("the actor system has stopped") from closed
        self._cells[cell.path] = cell
        return cell

    def bury(self, cell: Cell[Any]) -> None:
        """An actor has ended."""
        self._cells.pop(cell.path, None)
        self._frozen.discard(cell.path)

    def _subtree(self, path: str, *, may_be_empty: bool = False) -> tuple[Cell[Any], ...]:
        cells = tuple(cell for cell in self._cells.values() if is_under(cell.path, path))
        if not cells and path != "/" and not may_be_empty:
            raise ActorNotFound(f"no actor lives at {path} or below it")
        return cells

    async def _serve(self, service: Callable[..., Awaitable[None]], task_status: trio.TaskStatus[None]) -> None:
        """Run one of the kernel's own tasks; its failure ends the system."""
        try:
            await service(task_status=task_status)
        except Exception as error:  # nothing below can go on without it
            self.escalate(error)
