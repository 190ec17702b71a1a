"""Events, of the core group and of `events.k8s.io`: what happened to which object."""

from __future__ import annotations

from kube_actors.api.times import parse_rfc3339
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.columns import human_duration, since
from kube_actors.kinds.hooks import METADATA_FIELDS, Body, Hooks, Row

SELECTABLE_FIELDS = (
    *METADATA_FIELDS,
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
)


def _about(body: Body) -> Body:
    about: Body = body.get("involvedObject") or body.get("regarding") or {}
    return about


def _validate(new: Body, old: Body | None) -> list[Cause]:
    """An event lies in the namespace of its object; those about cluster-wide objects in `default`."""
    about, namespace = _about(new).get("namespace", ""), new["metadata"].get("namespace", "")
    field = "regarding.namespace" if "regarding" in new else "involvedObject.namespace"
    if about and about != namespace:
        return [causes.invalid(field, about, "does not match event.namespace")]
    if not about and namespace not in ("default", "kube-system"):
        return [causes.invalid(field, about, "does not match event.namespace")]
    return []


def _last_seen(body: Body, now: float) -> str:
    """When it happened last; a repeated one says how often and since when: `5s (x3 over 2m)`."""
    series = body.get("series") or {}
    first = body.get("firstTimestamp") or body.get("deprecatedFirstTimestamp") or body.get("eventTime")
    last = series.get("lastObservedTime") or body.get("lastTimestamp") or body.get("deprecatedLastTimestamp") or first
    times = series.get("count") or body.get("count") or body.get("deprecatedCount") or 1
    shown = since(last, now)
    if times > 1 and first:
        return f"{shown} (x{times} over {human_duration(now - parse_rfc3339(first))})"
    return shown


def _columns(body: Body, now: float) -> Row:
    about = _about(body)
    target = f"{about.get('kind', '').lower()}/{about.get('name', '')}"
    source = body.get("source") or body.get("deprecatedSource") or {}
    component = source.get("component") or body.get("reportingComponent") or body.get("reportingController") or ""
    host = source.get("host") or body.get("reportingInstance") or ""
    first = body.get("firstTimestamp") or body.get("deprecatedFirstTimestamp") or body.get("eventTime")
    return (
        _last_seen(body, now),
        body.get("type", ""),
        body.get("reason", ""),
        target,
        about.get("fieldPath", ""),
        f"{component}, {host}" if host else component,
        (body.get("message") or body.get("note") or "").strip(),
        since(first, now),
        str(body.get("count") or body.get("deprecatedCount") or 1),
        body["metadata"]["name"],
    )


HOOKS = Hooks(
    validate=_validate,
    columns=_columns,
    generation=None,
    selectable_fields=SELECTABLE_FIELDS,
)
