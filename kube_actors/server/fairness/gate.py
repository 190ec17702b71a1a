"""Where requests find out whether they may go on, and wait until they may."""

from __future__ import annotations

import math
from typing import Final

import attrs
import trio

from kube_actors.access.user import User
from kube_actors.records import define, frozen
from kube_actors.server.capacity import too_many_requests
from kube_actors.server.fairness import dealing
from kube_actors.server.fairness.borrowing import PERIOD, Want, shared_out
from kube_actors.server.fairness.configuration import (
    MOST_LIST_SEATS,
    SEATS,
    Configuration,
    PriorityLevel,
    Seats,
    widest,
)
from kube_actors.server.fairness.dropped import Dropped
from kube_actors.server.fairness.matching import FlowSchema
from kube_actors.server.fairness.queue_set import QueueSet, Ticket
from kube_actors.server.fairness.work import ONE_SEAT, Work
from kube_actors.server.http import Headers
from kube_actors.server.request_info import RequestInfo

PATIENCE: Final = 15.0
"""Machine seconds a request waits for a seat: a quarter of what kube-apiserver gives a whole request."""
REMEMBERED: Final = 4096
"""Kinds of requests whose flow is known."""
SCHEMA_HEADER: Final = "X-Kubernetes-PF-FlowSchema-UID"
LEVEL_HEADER: Final = "X-Kubernetes-PF-PriorityLevel-UID"


@define(eq=False)
class Level:
    """A priority level at work; `quiescing`: its object is gone, and it ends with its last request.

    `widest_list` and `widest_write`: how many seats one such request may take. `timed_out` and `cancelled` count those
    who waited in vain.
    """

    config: PriorityLevel
    seats: Seats
    set: QueueSet
    widest_list: int
    widest_write: int
    dropped: Dropped = attrs.field(factory=Dropped)
    quiescing: bool = False
    timed_out: int = 0
    cancelled: int = 0


@frozen(eq=False)
class Flow:
    """A flow of a schema: `name` tells it from the others, `hand` are its queues, `headers` go on every answer."""

    schema: FlowSchema
    name: str
    level: Level
    hand: tuple[int, ...]
    headers: Headers


@define(eq=False)
class Asker:
    """Who a ticket belongs to: a request, and the flow it is of."""

    flow: Flow
    user: User
    info: RequestInfo


class Gate:
    """The priority levels of one server. `configure` it before anybody comes."""

    def __init__(self, total: int = SEATS, patience: float = PATIENCE) -> None:
        self.levels: dict[str, Level] = {}
        self._total, self._patience = total, patience
        self._configuration = Configuration({}, ())
        self._flows: dict[tuple[object, ...], Flow] = {}
        self._waiting: dict[Ticket, trio.Event] = {}
        self._look_at = 0.0
        self._wanted = trio.Event()

    async def run(self) -> None:
        """Let in those who wait for seats that requests keep for a moment after they were answered. For ever.

        Without this they wait for the next one that comes or goes.
        """
        while True:
            self._wanted = trio.Event()
            at = min((each.set.next_free for each in self.levels.values() if each.set.waiting), default=math.inf)
            with trio.move_on_at(at):
                await self._wanted.wait()
            for level in self.levels.values():
                self._let_begin(level.set.settle(trio.current_time()))

    def configure(self, configuration: Configuration) -> None:
        """Go on by these schemas and levels. Requests that are here stay at the level they came to."""
        now = trio.current_time()
        self._configuration = configuration
        self._flows.clear()
        seats = configuration.seats(self._total)
        for name, config in configuration.levels.items():
            self._keep_level(config, seats[name], now)
        for name in tuple(self.levels.keys() - configuration.levels.keys()):
            self.levels[name].quiescing = True
            if self.levels[name].set.is_idle:
                del self.levels[name]
        if self._look_at <= now:
            self._look_at = now + PERIOD

    def flow_of(self, user: User, info: RequestInfo) -> Flow:
        """The flow a request is of. Remembered: the next request like this one costs one look."""
        kind: tuple[object, ...]
        if info.is_resource:
            kind = (user.name, user.groups, info.verb, info.namespace, info.resource, info.subresource, info.group)
        else:
            kind = (user.name, user.groups, info.verb, info.path)
        flow = self._flows.get(kind)
        if flow is None:
            if len(self._flows) >= REMEMBERED:
                self._flows.clear()
            flow = self._flows[kind] = self._classified(user, info)
        return flow

    def arrive(self, flow: Flow, user: User, info: RequestInfo, work: Work = ONE_SEAT) -> Ticket:
        """Ask for the seats that the work takes. ApiError 429 when there is no room even to wait; `wait` unless it has
        begun."""
        now, level = trio.current_time(), flow.level
        if now >= self._look_at:
            self._share_out(now)
        ticket = level.set.arrive(work, flow.hand, now, Asker(flow, user, info))
        if ticket is None:
            raise too_many_requests(level.dropped.add(now))
        return ticket

    async def wait(self, flow: Flow, ticket: Ticket) -> None:
        """Wait until the ticket may begin. ApiError 429 when that takes too long; it has left then."""
        given_up, may_begin = ticket.arrived + self._patience, trio.Event()
        self._waiting[ticket] = may_begin
        self._look_at_kept(flow.level)
        try:
            while ticket.began is None and (now := trio.current_time()) < given_up:
                if now >= self._look_at:
                    self._share_out(now)
                with trio.move_on_at(min(given_up, self._look_at)):
                    await may_begin.wait()
        except trio.Cancelled:
            flow.level.cancelled += 1
            self.leave(flow, ticket)
            raise
        finally:
            del self._waiting[ticket]
        if ticket.began is None:
            flow.level.timed_out += 1
            self.leave(flow, ticket)
            raise too_many_requests(flow.level.dropped.add(given_up))

    def leave(self, flow: Flow, ticket: Ticket) -> None:
        """The request is done, or waits no longer: let others in."""
        level = flow.level
        begun = level.set.leave(ticket, trio.current_time())
        if ticket.work.lingers:
            self._look_at_kept(level)
        if begun:
            self._let_begin(begun)
        elif level.quiescing and level.set.is_idle and self.levels.get(level.config.name) is level:
            del self.levels[level.config.name]

    # --- configuration

    def _keep_level(self, config: PriorityLevel, seats: Seats, now: float) -> None:
        level = self.levels.get(config.name)
        if level is None:
            queues = QueueSet(seats.first, now, config.queuing, exempt=config.exempt)
            level = self.levels[config.name] = Level(config, seats, queues, 1, 1)
        limit = max(seats.low, min(seats.high, level.set.limit)) if level.seats == seats else seats.first
        level.config, level.seats, level.quiescing = config, seats, False
        level.widest_list = widest(config, seats.nominal, MOST_LIST_SEATS)
        level.widest_write = widest(config, seats.nominal)
        self._let_begin(level.set.reconfigure(limit, config.queuing, now))

    def _classified(self, user: User, info: RequestInfo) -> Flow:
        schema = self._configuration.schema_of(user, info)
        level, name = self.levels[schema.level], schema.flow_of(user, info)
        queuing = level.config.queuing
        hand: tuple[int, ...] = ()
        if queuing is not None:
            hand = dealing.hand(dealing.hash_of(schema.name, name), queuing.queues, queuing.hand_size)
        headers = ((SCHEMA_HEADER, schema.uid), (LEVEL_HEADER, level.config.uid))
        return Flow(schema, name, level, hand, headers)

    # --- lending and borrowing

    def _share_out(self, now: float) -> None:
        """Give each level the seats that its demand asks for, and let in those who fit then."""
        self._look_at = now + PERIOD
        rest = sum(level.seats.nominal for level in self.levels.values())
        limited: list[tuple[Level, Want]] = []
        for level in self.levels.values():
            most = level.set.demand.look(now)
            if level.config.exempt:
                rest -= max(level.seats.low, most)
            else:
                low = max(level.seats.low, min(level.seats.nominal, most))
                limited.append((level, Want(low, level.seats.high, max(low, level.set.demand.smoothed))))
        for (level, _), part in zip(limited, shared_out(rest, [want for _, want in limited]), strict=True):
            self._let_begin(level.set.reconfigure(max(1, round(part)), level.set.queuing, now))

    def _look_at_kept(self, level: Level) -> None:
        """Somebody may wait for seats that are kept."""
        if level.set.waiting and level.set.next_free < math.inf:
            self._wanted.set()

    def _let_begin(self, tickets: list[Ticket]) -> None:
        for ticket in tickets:
            self._waiting[ticket].set()
