"""The row of an event, of the core group or of `events.k8s.io`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.kinds.columns.words import Row, part, since

Body = Mapping[str, Any]


def event(body: Body, now: float) -> Row:
    """Last Seen, Type, Reason, Object, Subobject, Source, Message, First Seen, Count, Name."""
    about = part(body, "involvedObject") or part(body, "regarding")
    kind, name = about.get("kind", "").lower(), about.get("name", "")
    first = body.get("firstTimestamp") or body.get("deprecatedFirstTimestamp") or body.get("eventTime")
    last = body.get("lastTimestamp") or body.get("deprecatedLastTimestamp") or first
    count = body.get("count") or body.get("deprecatedCount") or 1
    series = body.get("series")
    if series:
        last, count = series.get("lastObservedTime"), series.get("count", 0)
    return (
        since(last, now),
        body.get("type", ""),
        body.get("reason", ""),
        f"{kind}/{name}" if name else kind,
        about.get("fieldPath", ""),
        _source(body),
        (body.get("message") or body.get("note") or "").strip(),
        since(first, now),
        count,
        body["metadata"]["name"],
    )


def _source(body: Body) -> str:
    """Component and host; of a new event its reporting controller and instance."""
    source = part(body, "source") or part(body, "deprecatedSource")
    component = source.get("component") or body.get("reportingComponent") or body.get("reportingController") or ""
    host = source.get("host") or body.get("reportingInstance") or ""
    return f"{component}, {host}" if host else component
