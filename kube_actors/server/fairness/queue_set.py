"""The seats of one priority level and the queues before them: fair queuing for whole requests. Pure; time is told.

Every queue that has something to do is meant to hold the same number of seats. Virtual time (`r`, in seat seconds) runs
as fast as one such queue is served, and each queue knows at which `r` its next request would begin if that were so
(`next_r`). The queue whose next request would be done first is next. How long a request will take is guessed when it
begins and put right when it has ended, so those that take long are charged for it. Some keep their seats for a moment
after that (`Work.lingers`), which nobody waits for but those who want the seats.
"""

from __future__ import annotations

import bisect
import heapq
import itertools
import math
from collections import deque
from collections.abc import Iterator

import attrs

from kube_actors.records import define, frozen
from kube_actors.server.fairness.borrowing import Demand
from kube_actors.server.fairness.work import GUESS, Work


@frozen
class Queuing:
    """`queues` of them, `hand_size` for each flow, so many requests (`length`) in each."""

    queues: int
    hand_size: int
    length: int


@define(eq=False)
class Queue:
    """A queue that has something to do; `seats` are those its requests sit on, `wanted` those they wait for."""

    index: int
    next_r: float
    waiting: deque[Ticket] = attrs.field(factory=deque)
    executing: int = 0
    seats: int = 0
    wanted: int = 0


@define(eq=False)
class Ticket:
    """One request at a level, which holds so many `seats` at a time. `began` is when it was let in, None while it
    waits; `owner` is whoever asked."""

    work: Work
    seats: int
    arrived: float
    owner: object
    queue: Queue | None = None
    arrived_r: float = 0.0
    began: float | None = None


class QueueSet:
    """All queues of a level that refuses nobody (`exempt`), everybody who finds no seat (without `queuing`), or those
    whose queue is full."""

    def __init__(self, limit: int, now: float, queuing: Queuing | None = None, *, exempt: bool = False) -> None:
        self.limit, self.queuing, self.exempt = limit, queuing, exempt
        self.seats = self.waiting = self.dispatched = self.rejected = 0
        self.r = 0.0
        self.queues: dict[int, Queue] = {}
        self.executing: set[Ticket] = set()
        self._lingering: list[tuple[float, int, Ticket]] = []  # a heap: until when, in which order they came, who
        self._order = itertools.count()
        self.demand = Demand(now, now)
        self._at = now
        self._dealt = self._last = 0

    @property
    def is_idle(self) -> bool:
        """Whether there is nobody here."""
        return not self.executing and not self.waiting

    @property
    def next_free(self) -> float:
        """When seats become free that are kept by a request which is over; infinite when there are none."""
        return self._lingering[0][0] if self._lingering else math.inf

    def arrive(self, work: Work, hand: tuple[int, ...], now: float, owner: object = None) -> Ticket | None:
        """A request wants seats for this work. It may begin at once, or has to wait; None: there is no room for it.

        `hand` are the queues of its flow.
        """
        self._advance(now)
        seats = work.most
        ticket = Ticket(work, seats, now, owner)
        if not self.exempt:
            fits = not self.waiting and self._fits(seats)
            if self.queuing is not None:
                ticket.queue = self._queue(hand)
                if not fits:
                    return self._enqueued(ticket, ticket.queue, self.queuing.length)
            elif not fits:
                self.rejected += 1
                return None
        self.demand.change(seats, now)
        self._begin(ticket, now)
        return ticket

    def leave(self, ticket: Ticket, now: float) -> list[Ticket]:
        """A request is done, or waits no longer; answers those that may begin now."""
        self._advance(now)
        queue, lingers = ticket.queue, ticket.work.lingers
        if ticket.began is None:
            assert queue is not None, "only in queues does one wait"
            queue.waiting.remove(ticket)
            queue.wanted -= ticket.seats
            self.waiting -= 1
            self.demand.change(-ticket.seats, now)
            self._forget_if_idle(queue)
        else:
            self.executing.discard(ticket)
            if queue is not None:
                queue.executing -= 1
                queue.next_r += ticket.work.seats * (now - ticket.began - GUESS)
            if lingers:
                heapq.heappush(self._lingering, (now + lingers, next(self._order), ticket))
            else:
                self._vacate(ticket, now)
        return self._let_in(now) if self.waiting else []

    def settle(self, now: float) -> list[Ticket]:
        """Time has passed; answers those that may begin because seats are no longer kept."""
        self._advance(now)
        return self._let_in(now) if self.waiting else []

    def reconfigure(self, limit: int, queuing: Queuing | None, now: float) -> list[Ticket]:
        """Go on with another number of seats and queues; answers those that may begin now. Who waits goes on waiting
        where it is."""
        self._advance(now)
        self.limit, self.queuing = limit, queuing
        return self._let_in(now)

    # -- arriving

    def _queue(self, hand: tuple[int, ...]) -> Queue:
        """The queue of the hand that waits for the fewest seats; equals take turns."""
        turn = self._dealt = (self._dealt + 1) % len(hand)
        index = min(hand[turn:] + hand[:turn], key=self._wanted) if self.waiting else hand[turn]
        queue = self.queues.get(index)
        return Queue(index, self.r) if queue is None else queue

    def _wanted(self, index: int) -> int:
        queue = self.queues.get(index)
        return 0 if queue is None else queue.wanted

    def _enqueued(self, ticket: Ticket, queue: Queue, length: int) -> Ticket | None:
        if self.seats >= self.limit and len(queue.waiting) >= length:
            self.rejected += 1
            return None
        self.queues[queue.index] = queue
        ticket.arrived_r = self.r
        queue.waiting.append(ticket)
        queue.wanted += ticket.seats
        self.waiting += 1
        self.demand.change(ticket.seats, ticket.arrived)
        return ticket

    # -- beginning

    def _fits(self, seats: int) -> bool:
        """Whether a request of so many seats may begin. One wider than the level begins when nobody else is there."""
        return self.seats + seats <= self.limit if seats <= self.limit else not self.executing

    def _begin(self, ticket: Ticket, now: float) -> None:
        ticket.began = now
        self.executing.add(ticket)
        self.dispatched += 1
        self.seats += ticket.seats
        queue = ticket.queue
        if queue is not None:
            self.queues[queue.index] = queue
            queue.executing += 1
            queue.seats += ticket.seats
            queue.next_r += ticket.work.total

    def _let_in(self, now: float) -> list[Ticket]:
        begun: list[Ticket] = []
        while self.waiting:
            queue = min(self._turns(), key=_finish)
            ticket = queue.waiting[0]
            if not self._fits(ticket.seats):
                break  # a wide one is not overtaken by narrow ones for ever
            self._last = queue.index
            queue.waiting.popleft()
            queue.wanted -= ticket.seats
            queue.next_r = max(queue.next_r, ticket.arrived_r)
            self.waiting -= 1
            self._narrow(ticket, now)
            self._begin(ticket, now)
            begun.append(ticket)
        return begun

    def _narrow(self, ticket: Ticket, now: float) -> None:
        """Let a request keep no more seats afterwards than the level has by now."""
        ticket.work = ticket.work.within(self.limit)
        if ticket.work.most < ticket.seats:
            self.demand.change(ticket.work.most - ticket.seats, now)
            ticket.seats = ticket.work.most

    def _turns(self) -> Iterator[Queue]:
        """Those in which somebody waits, beginning behind the one that had the last turn: so equals take turns."""
        indexes = sorted(index for index, queue in self.queues.items() if queue.waiting)
        behind = bisect.bisect_right(indexes, self._last)
        for index in indexes[behind:] + indexes[:behind]:
            yield self.queues[index]

    # -- time

    def _advance(self, now: float) -> None:
        """Let virtual time run until now, and free the seats that are kept no longer."""
        while self._lingering and self._lingering[0][0] <= now:
            until, _, ticket = heapq.heappop(self._lingering)
            self._run(until)
            self._vacate(ticket, until)
        self._run(now)

    def _run(self, now: float) -> None:
        """Virtual time runs by the seats in use (no more than there are), divided by the queues."""
        if self.queues:
            self.r += (now - self._at) * min(self.demand.now, self.limit) / len(self.queues)
        self._at = now

    def _vacate(self, ticket: Ticket, now: float) -> None:
        self.demand.change(-ticket.seats, now)
        self.seats -= ticket.seats
        if ticket.queue is not None:
            ticket.queue.seats -= ticket.seats
            self._forget_if_idle(ticket.queue)

    def _forget_if_idle(self, queue: Queue) -> None:
        if not queue.seats and not queue.waiting:
            self.queues.pop(queue.index, None)


def _finish(queue: Queue) -> float:
    """The virtual time at which the next request of a queue would be done. It cannot begin before it came: a queue that
    does not use all of its seats saves none up."""
    ticket = queue.waiting[0]
    return max(queue.next_r, ticket.arrived_r) + ticket.work.total
