"""`trace`: follow the conversation of actors.

Messages are shown as they represent themselves; what is secret in them (environments, files) is no part of that.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from kube_actors.kernel import TraceKind, TraceRecord
from kube_actors.records import frozen
from kube_actors.verbs.actors import normal_path
from kube_actors.verbs.session import Session

TEXT_LIMIT = 2000
"""Characters of one message that are shown."""


@frozen
class Missed:
    """So many records were dropped, for the reader was too slow."""

    count: int


async def trace(
    session: Session, path: str = "/", *, seconds: float | None = None, limit: int | None = None
) -> AsyncGenerator[TraceRecord | Missed, None]:
    """What is said by or to the actors at and below a path, as it is said.

    Ends after `seconds` of cluster time or `limit` records, whichever comes first; else when the cluster ends.
    """
    end = math.inf if seconds is None else session.now + seconds
    left = math.inf if limit is None else limit
    missed = 0
    with session.system.trace(normal_path(path)) as records:
        while left > 0 and session.now < end:
            record = await _next(session, records, end)
            if record is None:
                return
            if records.missed > missed:
                yield Missed(records.missed - missed)
                missed = records.missed
            yield record
            left -= 1


async def _next(session: Session, records: AsyncIterator[TraceRecord], end: float) -> TraceRecord | None:
    """The next record; None when the time is over or the trace has ended."""
    if math.isinf(end):
        return await anext(records, None)
    with session.plane.clock.move_on_after(end - session.now):
        return await anext(records, None)
    return None


def message_text(record: TraceRecord) -> str:
    """What was said, on one line and not too long."""
    message = record.message
    if record.kind is TraceKind.NOTIFY:
        text = _key_text(message)
    elif isinstance(message, BaseException):
        text = f"{type(message).__name__}: {message}"
    else:
        text = repr(message)
    return text if len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]}... ({len(text)} characters)"


def _key_text(key: Any) -> str:
    return str(key) if isinstance(key, str) else repr(key)


def record_body(record: TraceRecord) -> dict[str, Any]:
    """A record as JSON."""
    return {
        "time": record.time,
        "sender": record.sender,
        "receiver": record.receiver,
        "kind": record.kind.value,
        "type": type(record.message).__name__,
        "message": message_text(record),
    }
