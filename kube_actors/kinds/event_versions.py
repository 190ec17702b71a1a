"""Events in their two forms: of the core group, as they are stored, and of `events.k8s.io`."""

from __future__ import annotations

from typing import Any

Body = dict[str, Any]

# Field of the core form -> field of `events.k8s.io/v1`; all others have one name in both.
_RENAMED = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
_BACK = {new: old for old, new in _RENAMED.items()}


# What the core form writes even when nobody said it, and the other form only when somebody did.
_OPTIONAL = ("reportingController", "reportingInstance")


def to_events_group(body: Body) -> Body:
    """A core Event as `events.k8s.io/v1` shows it."""
    renamed = {**_renamed(body, _RENAMED), "apiVersion": "events.k8s.io/v1"}
    for name in _OPTIONAL:
        if not renamed.get(name):
            renamed.pop(name, None)
    return renamed


def to_core(body: Body) -> Body:
    """An Event of `events.k8s.io/v1` as it is stored."""
    return {**_renamed(body, _BACK), "apiVersion": "v1"}


def _renamed(body: Body, names: dict[str, str]) -> Body:
    return {names.get(name, name): value for name, value in body.items()}
