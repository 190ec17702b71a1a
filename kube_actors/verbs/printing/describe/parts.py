"""What several kinds have in common: names and labels, conditions, events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kube_actors.api.times import parse_rfc3339
from kube_actors.kinds.columns import human_duration, since
from kube_actors.verbs.printing.describe.facts import Body, Facts
from kube_actors.verbs.printing.sheet import NONE, Sheet

_HIDDEN_ANNOTATIONS = frozenset({"kubectl.kubernetes.io/last-applied-configuration"})


def shown_annotations(metadata: Body) -> dict[str, Any]:
    """The annotations people want to see."""
    annotations = metadata.get("annotations") or {}
    return {key: value for key, value in annotations.items() if key not in _HIDDEN_ANNOTATIONS}


def describe_labels(sheet: Sheet, metadata: Body) -> None:
    """Labels and annotations."""
    sheet.pairs("Labels", metadata.get("labels"))
    sheet.pairs("Annotations", shown_annotations(metadata), separator=": ")


def controlled_by(metadata: Body) -> str:
    """`ReplicaSet/web-7d9`; empty when nothing controls it."""
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("controller"):
            return f"{owner['kind']}/{owner['name']}"
    return ""


def describe_conditions(sheet: Sheet, conditions: Sequence[Body], *columns: str) -> None:
    """`Conditions:` as a small table; `columns` are fields such as `reason`."""
    if not conditions:
        return
    sheet.line("Conditions:")
    titles = [column[0].upper() + column[1:] for column in ("type", *columns)]
    sheet.row(titles, 1)
    sheet.row(("-" * len(title) for title in titles), 1)
    for condition in conditions:
        sheet.row((condition.get(column, "") for column in ("type", *columns)), 1)


def describe_events(sheet: Sheet, facts: Facts) -> None:
    """`Events:`, those that happened last at the end."""
    if not facts.events:
        sheet.value("Events", NONE)
        return
    sheet.line("Events:")
    sheet.row(("Type", "Reason", "Age", "From", "Message"), 1)
    sheet.row(("----", "------", "----", "----", "-------"), 1)
    for event in sorted(facts.events, key=last_seen):
        source = event.get("source") or {}
        component = source.get("component") or event.get("reportingComponent") or ""
        message = " ".join(str(event.get("message", "")).split("\n")).strip()
        sheet.row((event.get("type", ""), event.get("reason", ""), _age(event, facts.now), component, message), 1)


def last_seen(event: Body) -> str:
    """When it happened last; RFC 3339, so that it sorts."""
    series = event.get("series") or {}
    seen = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return str(seen or event["metadata"].get("creationTimestamp", ""))


def _age(event: Body, now: float) -> str:
    times = (event.get("series") or {}).get("count") or event.get("count") or 1
    first = event.get("firstTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp")
    shown = since(last_seen(event) or None, now)
    if times > 1 and first:
        return f"{shown} (x{times} over {human_duration(now - parse_rfc3339(first))})"
    return shown


def selector_text(selector: Mapping[str, Any] | None) -> str:
    """A selector as `a=b,c in (d)`; `<none>` for none."""
    from kube_actors.api.selectors import LabelSelector, SelectorError

    try:
        return str(LabelSelector.from_object(selector)) or NONE
    except SelectorError as error:
        return f"<error: {error}>"
