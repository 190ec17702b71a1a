"""How much is under way at once: requests that find no room wait a little, and are told to come again.

What a request may take is said by the cluster's FlowSchemas and priority levels (`fairness`). Requests that may take
long (watches once they have told what there is, logs, terminals) take no seats from the others. Each client may have so
many of them, so that one that opens thousands is refused and everybody else notices nothing.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Final, TypeVar

import attrs
import trio

from kube_actors.records import frozen
from kube_actors.server.call import Call
from kube_actors.server.capacity import most_connections, too_many_requests
from kube_actors.server.fairness.beginnings import Beginnings
from kube_actors.server.fairness.configuration import SEATS, Configuration, PriorityLevel
from kube_actors.server.fairness.estimates import Estimates
from kube_actors.server.fairness.gate import PATIENCE, Gate, Level
from kube_actors.server.fairness.matching import FlowSchema
from kube_actors.server.http import HttpRequest, Response, Streaming, Upgrade
from kube_actors.server.request_info import RequestInfo, request_info
from kube_actors.store import Commit, Store

SCHEMAS: Final = "flowschemas.flowcontrol.apiserver.k8s.io"
LEVELS: Final = "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io"
_WATCH: Final = "watch"
_LONG_SUBRESOURCES: Final = frozenset({"attach", "exec", "log", "portforward", "proxy"})
T = TypeVar("T")


@frozen
class FlowLimits:
    """How much may be under way: `seats` for requests, divided among the priority levels, for which they wait up to
    `patience` machine seconds.

    `streams_per_client` and `streams` count what may take long; each takes a connection, so they leave room for other
    clients' connections.
    """

    seats: int = SEATS
    patience: float = PATIENCE
    streams_per_client: int = attrs.field(factory=lambda: most_connections() // 4)
    streams: int = attrs.field(factory=lambda: most_connections() * 3 // 4)


class FlowControl:
    """Lets requests through as long as there is room. One for each API; `close` it in the end."""

    def __init__(self, store: Store, limits: FlowLimits | None = None) -> None:
        self._store, self._limits = store, limits or FlowLimits()
        self._gate = Gate(self._limits.seats, self._limits.patience)
        self._estimates = Estimates(store)
        self._beginnings = Beginnings(self._gate)
        self._stale = True
        self._unsubscribe = [store.subscribe(self._committed, each) for each in (SCHEMAS, LEVELS)]
        self._streams: Counter[tuple[str, str, str]] = Counter()
        self._all_streams = 0
        self.is_running = False

    @property
    def levels(self) -> Mapping[str, Level]:
        """The priority levels by their names."""
        return self._gate.levels

    @property
    def now(self) -> float:
        """The time by which requests arrive, in machine seconds."""
        return trio.current_time()

    async def run(self) -> None:
        """Let requests in that wait for nothing but time to pass. For ever."""
        self.is_running = True
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._gate.run)
                nursery.start_soon(self._beginnings.run)
        finally:
            self.is_running = False

    def close(self) -> None:
        """Look at the cluster's objects no more."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()

    async def answered(self, call: Call, answer: Callable[[Call], Awaitable[Response]]) -> Response:
        """What `answer` says, once there is room for it; a stream keeps its place for as long as it runs. ApiError 429
        when there is none. The call's headers then say by which schema and level it went."""
        info, gate = call.info, self._gate
        if info.subresource in _LONG_SUBRESOURCES:
            return await self._streamed(call, answer)
        if self._stale:
            self._configure()
        flow = gate.flow_of(call.user, info)
        call.headers, level = flow.headers, flow.level
        work = self._estimates.work_of(call, level.widest_list, level.widest_write)
        ticket = gate.arrive(flow, call.user, info, work)
        if ticket.began is None:
            await gate.wait(flow, ticket)
        if info.verb == _WATCH:
            self._beginnings.keep(call, flow, ticket)
            return await self._watched(call, answer)
        try:
            return await answer(call)
        finally:
            gate.leave(flow, ticket)

    def begun(self, call: Call) -> None:
        """A watch has told what there was when it began: from now on it needs no seat."""
        self._beginnings.end(call)

    async def _watched(self, call: Call, answer: Callable[[Call], Awaitable[Response]]) -> Response:
        response: Response | None = None
        try:
            response = await self._streamed(call, answer)
        finally:
            if not isinstance(response, Streaming | Upgrade):
                self.begun(call)
        return response

    # --- schemas and levels

    def _committed(self, commit: Commit) -> None:
        self._stale = True

    def _configure(self) -> None:
        self._stale = False
        levels = [PriorityLevel.read(each.body()) for each in self._store.list(LEVELS)]
        schemas = [FlowSchema.read(each.body()) for each in self._store.list(SCHEMAS)]
        self._gate.configure(Configuration.of(levels, schemas))

    # --- streams

    async def _streamed(self, call: Call, answer: Callable[[Call], Awaitable[Response]]) -> Response:
        client = (call.user.name, call.request.peer.address, call.request.header("user-agent"))
        limits = self._limits
        if self._streams[client] >= limits.streams_per_client or self._all_streams >= limits.streams:
            raise too_many_requests()
        with self._counted(call, client):
            response = await answer(call)
        if isinstance(response, Streaming):
            return attrs.evolve(response, write=self._kept(call, client, response.write))
        if isinstance(response, Upgrade):
            return attrs.evolve(response, run=self._kept(call, client, response.run))
        return response

    def _kept(
        self, call: Call, client: tuple[str, str, str], task: Callable[[T], Awaitable[None]]
    ) -> Callable[[T], Awaitable[None]]:
        async def counted(argument: T, /) -> None:
            try:
                with self._counted(call, client):
                    await task(argument)
            finally:
                self.begun(call)

        return counted

    @contextlib.contextmanager
    def _counted(self, call: Call, client: tuple[str, str, str]) -> Iterator[None]:
        self._streams[client] += 1
        self._all_streams += 1
        try:
            with self._estimates.watchers.counted(call) if call.info.verb == _WATCH else contextlib.nullcontext():
                yield
        finally:
            self._all_streams -= 1
            self._streams[client] -= 1
            if not self._streams[client]:
                del self._streams[client]


def is_long_running(info: RequestInfo) -> bool:
    """Whether Kubernetes lets a request take as long as it likes."""
    return info.verb == _WATCH or info.subresource in _LONG_SUBRESOURCES


def may_take_long(request: HttpRequest) -> bool:
    """`is_long_running`, for whoever knows no more than the request."""
    return is_long_running(request_info(request.method, request.path, request.query))
