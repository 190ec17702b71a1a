"""What clients may take, and for how long they may be silent."""

from __future__ import annotations

import attrs

from kube_actors.records import define, frozen
from kube_actors.server.capacity import most_connections


@frozen
class EdgeLimits:
    """Sizes in bytes; times in machine seconds, kept to within a second. The numbers that kube-apiserver has too
    (body, head, idle, head time, request time) are its own.

    `body`: of one request; `bodies`: of all requests together that have not been answered.
    `head`: request line and headers of one request; `header_count`: how many headers it may have.
    `connections`: in all. When there are more, those give way that have waited longest for a request.
    `handshake_time`, `head_time`, `body_time`: until a handshake, a head, a body is complete.
    `idle_time`: between requests. `send_time`: until a client has taken a piece of its answer.
    `request_time`: until a handler answers, but for requests that may take long.
    """

    body: int = 3 << 20
    bodies: int = 256 << 20
    head: int = 1 << 20
    header_count: int = 1000
    connections: int = attrs.field(factory=most_connections)
    handshake_time: float = 10.0
    head_time: float = 32.0
    body_time: float = 60.0
    idle_time: float = 90.0
    send_time: float = 30.0
    request_time: float = 60.0


@define
class BodyBudget:
    """How many bytes of request bodies may still be kept, in all connections together."""

    left: int
