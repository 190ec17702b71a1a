"""A connection's wire, and what it is being used for: so that whoever keeps the deadlines can tell how long already."""

from __future__ import annotations

import enum
from typing import Final

import trio

from kube_actors.server.edge.service import Service
from kube_actors.server.edge.wire import Wire


class Phase(enum.Enum):
    """What a connection is doing, and so what may take how long."""

    HANDSHAKE = enum.auto()
    IDLE = enum.auto()
    HEAD = enum.auto()
    BODY = enum.auto()
    HANDLING = enum.auto()
    SENDING = enum.auto()
    STREAMING = enum.auto()


GIVING_WAY: Final = frozenset({Phase.HANDSHAKE, Phase.IDLE, Phase.HEAD, Phase.BODY})
"""What a connection may be ended in when there is no room for another one."""


class Line:
    """`phase` has lasted since `since`, in the service's time."""

    def __init__(self, service: Service, wire: Wire) -> None:
        self.wire = wire
        self.phase = Phase.IDLE
        self.since = service.now
        self._service = service

    def enter(self, phase: Phase) -> None:
        """Begin a phase."""
        self.phase, self.since = phase, self._service.now

    def remain(self, phase: Phase) -> None:
        """Begin a phase, unless it has begun: its time is for the whole of it."""
        if self.phase is not phase:
            self.enter(phase)

    async def send(self, data: bytes | memoryview) -> None:
        """Send a piece. Waits, and may be cancelled, only when the client is slow to take it."""
        sent = self.wire.send_now(data)
        if sent < len(data):
            self.enter(Phase.SENDING)
            await self.wire.send_all(memoryview(data)[sent:])
            self.enter(Phase.STREAMING)


def is_going(error: BaseException) -> bool:
    """Whether an error says no more than that the client went away."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_going(one) for one in error.exceptions)
    return isinstance(error, trio.BrokenResourceError | trio.ClosedResourceError)
