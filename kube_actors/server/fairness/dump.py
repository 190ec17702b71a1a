"""`/debug/api_priority_and_fairness/…`: who is where, as tables of the three kinds kube-apiserver has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from kube_actors.api.times import rfc3339_micro
from kube_actors.server.cached_documents import check_read_only
from kube_actors.server.call import Call
from kube_actors.server.fairness.gate import Asker, Level
from kube_actors.server.fairness.queue_set import Queue, Ticket
from kube_actors.server.flow_control import FlowControl
from kube_actors.server.http import Full, Response
from kube_actors.server.routes import nothing_there

PREFIX: Final = "/debug/api_priority_and_fairness/"
_LEVELS: Final = (
    "PriorityLevelName",
    "ActiveQueues",
    "IsIdle",
    "IsQuiescing",
    "WaitingRequests",
    "ExecutingRequests",
    "DispatchedRequests",
    "RejectedRequests",
    "TimedoutRequests",
    "CancelledRequests",
)
_QUEUES: Final = (
    "PriorityLevelName",
    "Index",
    "PendingRequests",
    "ExecutingRequests",
    "SeatsInUse",
    "NextDispatchR",
    "InitialSeatsSum",
    "MaxSeatsSum",
    "TotalWorkSum",
)
_REQUESTS: Final = (
    "PriorityLevelName",
    "FlowSchemaName",
    "QueueIndex",
    "RequestIndexInQueue",
    "FlowDistingsher",
    "ArriveTime",
    "InitialSeats",
    "FinalSeats",
    "AdditionalLatency",
    "StartTime",
)
_DETAILS: Final = ("UserName", "Verb", "APIPath", "Namespace", "Name", "APIVersion", "Resource", "SubResource")
_NEVER: Final = "0001-01-01T00:00:00Z"
_NARROWEST: Final = 8
Row = Sequence[object]
_When = Callable[[float], str]


async def dump(call: Call) -> Response:
    """`dump_priority_levels`, `dump_queues`, `dump_requests` (`?includeRequestDetails=1`). 404 for others."""
    check_read_only(call)
    levels = call.api.part(FlowControl).levels
    match call.info.path.removeprefix(PREFIX):
        case "dump_priority_levels":
            rows = [_LEVELS, *(_level(name, level) for name, level in sorted(levels.items()))]
        case "dump_queues":
            rows = [_QUEUES, *_queues(levels)]
        case "dump_requests":
            rows = list(_requests(call, levels, detailed=bool(call.request.parameter("includeRequestDetails"))))
        case _:
            return nothing_there()
    return Full(200, _table(rows).encode(), "text/plain; charset=utf-8")


def _level(name: str, level: Level) -> Row:
    queues = level.set
    waited_in = sum(bool(queue.waiting) for queue in queues.queues.values())
    states = str(queues.is_idle).lower(), str(level.quiescing).lower()
    counts = queues.dispatched, queues.rejected, level.timed_out, level.cancelled
    return name, waited_in, *states, queues.waiting, len(queues.executing), *counts


def _queues(levels: Mapping[str, Level]) -> Iterator[Row]:
    for name, level in sorted(levels.items()):
        for index in range(level.config.queuing.queues if level.config.queuing is not None else 0):
            queue = level.set.queues.get(index) or Queue(index, 0.0)
            work = f"{sum(ticket.work.total for ticket in queue.waiting):.8f}ss"
            next_r = f"{queue.next_r:.8f}ss"
            counts = len(queue.waiting), queue.executing, queue.seats
            initial = sum(ticket.work.seats for ticket in queue.waiting)
            yield name, index, *counts, next_r, initial, queue.wanted, work


def _requests(call: Call, levels: Mapping[str, Level], *, detailed: bool) -> Iterator[Row]:
    offset = call.api.session.now - call.api.part(FlowControl).now

    def when(machine: float) -> str:
        return rfc3339_micro(machine + offset)

    yield (*_REQUESTS, *_DETAILS) if detailed else _REQUESTS
    for name, level in sorted(levels.items()):
        for ticket, place in _tickets(level):
            assert isinstance(ticket.owner, Asker), "the gate's tickets have one"
            yield name, *_request(ticket, ticket.owner, place, when), *(_details(ticket.owner) if detailed else ())


def _tickets(level: Level) -> Iterator[tuple[Ticket, int]]:
    """Those that execute, each with -1, then those that wait, each with its place in its queue."""
    for ticket in sorted(level.set.executing, key=lambda one: one.arrived):
        yield ticket, -1
    for _, queue in sorted(level.set.queues.items()):
        for place, ticket in enumerate(queue.waiting):
            yield ticket, place


def _request(ticket: Ticket, asker: Asker, place: int, when: _When) -> Row:
    queue, work = -1 if ticket.queue is None else ticket.queue.index, ticket.work
    began = _NEVER if ticket.began is None else when(ticket.began)
    flow, seats = asker.flow, (work.seats, work.final, f"{work.lingers * 1000:g}ms" if work.lingers else "0s")
    return flow.schema.name, queue, place, flow.name, when(ticket.arrived), *seats, began


def _details(asker: Asker) -> Row:
    info = asker.info
    where = info.namespace, info.name, info.api_version, info.resource, info.subresource
    return asker.user.name, info.verb, info.path, *where


def _table(rows: Sequence[Row]) -> str:
    """Columns under each other; the last one as long as it is."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(_NARROWEST, *(len(text) + 2 for text in column)) for column in zip(*texts, strict=True)]
    lines = (
        "".join(f"{text},".ljust(width) for text, width in zip(row[:-1], widths, strict=False)) + row[-1]
        for row in texts
    )
    return "".join(f"{line}\n" for line in lines)
