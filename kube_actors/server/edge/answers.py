"""Whole answers, and refusals, on their way out."""

from __future__ import annotations

from typing import Final

import trio

from kube_actors.api.codecs import json
from kube_actors.errors import ApiError
from kube_actors.server.edge import bodies, heads
from kube_actors.server.edge.line import Line
from kube_actors.server.edge.parsing import Parsed
from kube_actors.server.http import JSON, Full

_LINGER: Final = 2.0
"""Machine seconds in which a client that is refused may go on sending: closing at once could lose the answer."""


def closing(parsed: Parsed, *, ending: bool) -> str:
    """What the head says about the connection: nothing where the client expects what happens anyway."""
    if ending or not parsed.keep_alive:
        return heads.CLOSE
    return "" if parsed.is_1_1 else heads.KEEP_ALIVE


async def send_full(line: Line, parsed: Parsed, response: Full, limiter: trio.CapacityLimiter, framing: str) -> None:
    """Send a whole answer. `framing` is what its head says about the connection."""
    request, body, status = parsed.request, response.body, response.status
    size = bodies.size_of(body)
    compresses = (
        size >= bodies.GZIP_FROM
        and response.compressible
        and parsed.is_1_1
        and bodies.accepts_gzip(request.headers.get("accept-encoding", ""))
    )
    if compresses:
        framing += heads.GZIP + heads.CHUNKED
    elif status not in heads.BODILESS:
        framing += heads.length(size)
    kind = response.content_type if status not in heads.BODILESS else ""
    head = heads.head(status, kind, response.headers, request.headers["audit-id"], framing)
    if request.method == "HEAD" or status in heads.BODILESS:
        await line.send(head)
    elif compresses:
        await line.send(head)
        async for data in bodies.gzip_chunks(body, limiter):
            await line.send(data)
            await trio.lowlevel.checkpoint()
    elif size <= bodies.SLICE:
        await line.send(head + (body if isinstance(body, bytes) else b"".join(body)))
    else:
        for piece in bodies.slices(body, head):
            await line.send(piece)
            await trio.lowlevel.checkpoint()


async def refuse(line: Line, error: ApiError) -> None:
    """Answer with a `Status` and give the client time to read it; the connection is then to be closed."""
    body = json.dumps(error.status())
    headers = (("Retry-After", str(error.retry_after_seconds)),) if error.retry_after_seconds is not None else ()
    answer = heads.head(error.code, JSON, headers, "", heads.length(len(body)) + heads.CLOSE) + body
    with trio.move_on_after(_LINGER):
        await line.wire.send_all(answer)
        while await line.wire.receive_some():
            pass
