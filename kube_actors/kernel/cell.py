"""One actor as the kernel knows it: what outlives its instances, and what others do to it."""

from __future__ import annotations

import math
import random
from collections.abc import Awaitable, Callable, Hashable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import outcome
import trio

from kube_actors.kernel.actor import Actor, Ask, Supervision
from kube_actors.kernel.asks import PendingAsk
from kube_actors.kernel.errors import ActorFailed, ActorStopped
from kube_actors.kernel.mailbox import KeySet, Mailbox
from kube_actors.kernel.ref import Ref
from kube_actors.kernel.restarts import RestartHistory
from kube_actors.kernel.seeds import random_for
from kube_actors.kernel.status import ActorState, ActorStatus
from kube_actors.kernel.timers import Timer
from kube_actors.kernel.tracing import TraceKind

if TYPE_CHECKING:
    from kube_actors.kernel.system import ActorSystem

M = TypeVar("M")
N = TypeVar("N")


class Cell(Generic[M]):
    """An actor's place in the tree. Instances of the actor come and go in it; `life.run` is its task."""

    __slots__ = (
        "_alarms", "_ended", "_random", "asks", "children", "closed", "factory", "failure", "frozen", "handled",
        "history", "last_error", "last_message", "looking", "mailbox", "name", "nursery", "parent", "path", "phase",
        "ref", "rest", "since", "started", "steps", "stopping", "supervision", "system", "task", "tracing",
    )  # fmt: skip

    def __init__(
        self,
        system: ActorSystem,
        parent: Cell[Any] | None,
        name: str,
        factory: Callable[[], Actor[M]],
        supervision: Supervision,
        mailbox: int,
    ) -> None:
        self.system = system
        self.tracing = system.tracing
        self.parent = parent
        self.name = name
        self.path: str = f"{parent.path if parent else ''}/{name}"
        self.ref: Ref[M] = Ref(self)
        self.factory = factory
        self.supervision = supervision
        self.mailbox = Mailbox(mailbox)
        self.asks: dict[int, PendingAsk] = {}
        self.looking: KeySet | None = None
        self.children: dict[str, Cell[Any]] | None = None
        self.nursery: trio.Nursery | None = None
        self.task: trio.lowlevel.Task | None = None
        self.rest: trio.CancelScope | None = None
        self.phase = ActorState.RUNNING
        self.since = system.clock.now()
        self.frozen = system.is_born_frozen(self)
        self.started = False
        self.steps = 0
        self.stopping = False
        self.closed = False
        self.failure: BaseException | None = None
        self.history: RestartHistory | None = None
        self.last_error = ""
        self.last_message = ""
        self.handled = 0
        self._alarms: dict[Hashable, Timer] | None = None
        self._ended: trio.Event | None = None
        self._random: random.Random | None = None

    # What its actor asks of it (see Context)

    def random(self) -> random.Random:
        """The stream of this path, made when first wanted: it takes 2.5 KB."""
        if self._random is None:
            self._random = random_for(self.system.seed, self.path)
        return self._random

    def spawn(self, name: str, factory: Callable[[], Actor[N]], supervision: Supervision, mailbox: int) -> Ref[N]:
        """Start a child in the actor's own nursery."""
        nursery = self._open_nursery()
        child = self.system.adopt(self, name, factory, supervision, mailbox, nursery)
        if self.children is None:
            self.children = {}
        self.children[name] = child
        return child.ref

    def child_of(self, ref: Ref[Any]) -> Cell[Any]:
        """The child a ref stands for."""
        child = ref._cell
        if child.parent is not self:
            raise ValueError(f"{child.path} is not a child of {self.path}")
        return child

    def start_task(self, fn: Callable[..., Awaitable[object]], args: tuple[Any, ...], name: str) -> trio.CancelScope:
        """Start a child task."""
        scope = trio.CancelScope()
        self._open_nursery().start_soon(self._child_task, scope, fn, args, name=f"{self.path}#{name}")
        return scope

    def reply(self, ask: Ask[Any], said: object, result: outcome.Outcome[Any]) -> None:
        """Settle an ask that was put to this actor with an answer or an error; `said` is either, for the trace."""
        pending = self.asks.get(id(ask))
        if pending is None:
            return
        pending.settle(result)
        if self.tracing.active:
            self.tracing.record(pending.asker, TraceKind.REPLY, said, self.path)

    def set_alarm(self, when: float, key: Hashable) -> None:
        """Set, replace or (at infinity) take back the alarm of `key`."""
        if self._alarms is None:
            self._alarms = {}
        earlier = self._alarms.pop(key, None)
        if earlier is not None:
            earlier.cancel()
        if when != math.inf and not self.closed:
            self._alarms[key] = self.system.clock.call_at(when, lambda: self._alarm(key))

    def stop_soon(self) -> None:
        """End when the current message has been handled."""
        self.stopping = True
        self.mailbox.wake()

    # What others do to it

    def obstacle(self) -> Exception | None:
        """Why an ask would fail at once; None when it may be put."""
        if self.stopping or self.closed:
            return ActorStopped(f"{self.path} has stopped")
        if self.failure is not None:
            return _failed(self.path, self.failure)
        return None

    def stop(self) -> None:
        """Begin to end now, with all below."""
        self.stopping = True
        self.interrupt()
        for scope in (self.nursery and self.nursery.cancel_scope, self.rest):
            if scope is not None:
                scope.cancel()

    async def ended(self) -> None:
        """Wait until the actor and all below it have ended."""
        if self._ended is None:
            self._ended = trio.Event()
            if self.closed:
                self._ended.set()
        await self._ended.wait()

    @property
    def is_still(self) -> bool:
        """No handler of it runs."""
        return self.closed or self.mailbox.waiting or self.phase is not ActorState.RUNNING

    @property
    def has_warm_children(self) -> bool:
        """Some child is not frozen."""
        return any(not child.frozen for child in (self.children or {}).values())

    @property
    def has_something_to_do(self) -> bool:
        """A step would do something: mail waits, or it waits to start."""
        self.mailbox.drop_settled()
        waits = not self.started or self.mailbox.depth or self.mailbox.latch_depth
        return self.phase is ActorState.RUNNING and bool(waits)

    def status(self) -> ActorStatus:
        """What can be seen of it now."""
        return ActorStatus(
            path=self.path,
            state=ActorState.STOPPED if self.stopping else ActorState.FROZEN if self.frozen else self.phase,
            mailbox_depth=self.mailbox.depth,
            latch_depth=self.mailbox.latch_depth,
            restarts=self.history.count if self.history else 0,
            handled=self.handled,
            last_message=self.last_message,
            last_error=self.last_error,
            since=self.since,
        )

    # What its life does to it (see life.py)

    def enter(self, phase: ActorState) -> None:
        """Begin a part of its life."""
        self.phase = phase
        self.since = self.system.clock.now()
        if phase is ActorState.RUNNING:
            self.failure = None
            self.started = False
        self.system.stillness.unpark_all()

    def interrupt(self, failure: BaseException | None = None) -> None:
        """The instance ends: whoever waits for an answer learns it at once, its alarms are gone, and a look at the
        latch that did not come to its end will be taken again."""
        if failure is not None and self.failure is None:
            self.failure = failure
        if self.asks:
            error = self.obstacle() or ActorStopped(f"{self.path} has stopped")
            for pending in tuple(self.asks.values()):
                pending.settle(outcome.Error(error))
        for timer in (self._alarms or {}).values():
            timer.cancel()
        self._alarms = None
        if self.looking is not None:
            self.mailbox.restore_keys(self.looking)
            self.looking = None

    def close(self) -> None:
        """Leave the tree for good."""
        self.stopping = self.closed = True
        self.task = None
        self.interrupt()
        self.system.dead_letters += self.mailbox.abandon()
        self.system.bury(self)
        if self.parent is not None and self.parent.children is not None:
            self.parent.children.pop(self.name, None)
        if self._ended is not None:
            self._ended.set()
        self.system.stillness.unpark_all()

    def _open_nursery(self) -> trio.Nursery:
        if self.nursery is None or self.stopping:
            raise ActorStopped(f"{self.path} is leaving and starts nothing any more")
        return self.nursery

    async def _child_task(
        self, scope: trio.CancelScope, fn: Callable[..., Awaitable[object]], args: tuple[Any, ...]
    ) -> None:
        with scope:
            try:
                await fn(*args)
            except Exception as error:  # the boundary of a child task: askers learn at once what befell the actor
                self.interrupt(error)
                raise

    def _alarm(self, key: Hashable) -> None:
        if self._alarms is not None:
            self._alarms.pop(key, None)
        self.mailbox.notify(key)
        if self.tracing.active:
            self.tracing.record(self.path, TraceKind.NOTIFY, key, self.path)


def _failed(path: str, failure: BaseException) -> ActorFailed:
    error = ActorFailed(f"{path} failed: {type(failure).__name__}: {failure}")
    error.__cause__ = failure
    return error
