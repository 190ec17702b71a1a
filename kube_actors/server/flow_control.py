"""How much is under way at once: requests that find no room wait a little, and are told to come again.

Requests that may take long (watches, logs, terminals) take no room from the others. Each client may have so many of
them, so that one that opens thousands is refused and everybody else notices nothing.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, TypeVar

import attrs
import trio

from kube_actors.server.call import Call
from kube_actors.server.capacity import most_connections, too_many_requests
from kube_actors.server.http import HttpRequest, Response, Streaming, Upgrade
from kube_actors.server.request_info import RequestInfo, request_info

_READING: Final = frozenset({"get", "list", "watch", "head", "options"})
_LONG_VERBS: Final = frozenset({"watch"})
_LONG_SUBRESOURCES: Final = frozenset({"attach", "exec", "log", "portforward", "proxy"})
T = TypeVar("T")


@attrs.frozen
class FlowLimits:
    """How many requests may be under way: `reading` and `writing` are kube-apiserver's numbers.

    `waiting` more of each may wait for up to `patience` machine seconds. `streams_per_client` and `streams` count what
    may take long; each takes a connection, so they leave room for other clients' connections.
    """

    reading: int = 400
    writing: int = 200
    waiting: int = 1000
    patience: float = 15.0
    streams_per_client: int = attrs.field(factory=lambda: most_connections() // 4)
    streams: int = attrs.field(factory=lambda: most_connections() * 3 // 4)


class FlowControl:
    """Lets requests through as long as there is room. One for each API."""

    def __init__(self, limits: FlowLimits | None = None) -> None:
        self._limits = limits or FlowLimits()
        self._reading = _Seats(self._limits.reading, self._limits)
        self._writing = _Seats(self._limits.writing, self._limits)
        self._streams: Counter[tuple[str, str, str]] = Counter()
        self._all_streams = 0

    async def answered(self, call: Call, answer: Callable[[Call], Awaitable[Response]]) -> Response:
        """What `answer` says, once there is room for it; a stream keeps its place for as long as it runs. ApiError 429
        when there is none."""
        if is_long_running(call.info):
            return await self._streamed(call, answer)
        seats = self._reading if call.info.verb in _READING else self._writing
        if not seats.take():
            await seats.wait()
        try:
            return await answer(call)
        finally:
            seats.give_back()

    async def _streamed(self, call: Call, answer: Callable[[Call], Awaitable[Response]]) -> Response:
        client = (call.user.name, call.request.peer.address, call.request.header("user-agent"))
        limits = self._limits
        if self._streams[client] >= limits.streams_per_client or self._all_streams >= limits.streams:
            raise too_many_requests()
        with self._counted(client):
            response = await answer(call)
        if isinstance(response, Streaming):
            return attrs.evolve(response, write=self._kept(client, response.write))
        if isinstance(response, Upgrade):
            return attrs.evolve(response, run=self._kept(client, response.run))
        return response

    def _kept(
        self, client: tuple[str, str, str], task: Callable[[T], Awaitable[None]]
    ) -> Callable[[T], Awaitable[None]]:
        async def counted(argument: T, /) -> None:
            with self._counted(client):
                await task(argument)

        return counted

    @contextlib.contextmanager
    def _counted(self, client: tuple[str, str, str]) -> Iterator[None]:
        self._streams[client] += 1
        self._all_streams += 1
        try:
            yield
        finally:
            self._all_streams -= 1
            self._streams[client] -= 1
            if not self._streams[client]:
                del self._streams[client]


class _Seats:
    """So many may be in, some more may wait."""

    def __init__(self, count: int, limits: FlowLimits) -> None:
        self._free = count
        self._limits = limits
        self._waiting = trio.lowlevel.ParkingLot()

    def take(self) -> bool:
        """Whether there was one."""
        if not self._free:
            return False
        self._free -= 1
        return True

    async def wait(self) -> None:
        """Take one as soon as it is given back. ApiError 429."""
        if len(self._waiting) >= self._limits.waiting:
            raise too_many_requests()
        with trio.move_on_after(self._limits.patience):
            await self._waiting.park()
            return
        raise too_many_requests()

    def give_back(self) -> None:
        """Let the next one in."""
        if not self._waiting.unpark():
            self._free += 1


def is_long_running(info: RequestInfo) -> bool:
    """Whether Kubernetes lets a request take as long as it likes."""
    return info.verb in _LONG_VERBS or info.subresource in _LONG_SUBRESOURCES


def may_take_long(request: HttpRequest) -> bool:
    """`is_long_running`, for whoever knows no more than the request."""
    return is_long_running(request_info(request.method, request.path, request.query))
