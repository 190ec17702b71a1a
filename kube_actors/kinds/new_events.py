"""What `events.k8s.io` asks of Events beyond what the core group does: they say exactly when, who and what.

The bodies are in the form of that group. Causes name fields as Kubernetes does, which is partly by their older names.
"""

from __future__ import annotations

from typing import Final

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks

TYPES: Final = ("Normal", "Warning")
LEAST_IN_SERIES: Final = 2
# Field of this form -> the name it is complained of by.
_OF_OLD: Final = {
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
    "deprecatedSource": "source",
}
_FIXED: Final = {
    "regarding": "involvedObject",
    "reason": "reason",
    "note": "message",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
    "related": "related",
    "type": "type",
    "eventTime": "eventTime",
    "action": "action",
    "reportingController": "reportingController",
    "reportingInstance": "reportingInstance",
}


def _validate(new: Body, old: Body | None) -> list[Cause]:
    if old is not None:
        found = _series(new) if new.get("series") != old.get("series") else []
        changed = [name for name in _FIXED if (new.get(name) or None) != (old.get(name) or None)]
        return found + [causes.immutable(_FIXED[name], new.get(name)) for name in changed]
    found = _series(new)
    if not new.get("eventTime"):
        found.append(causes.required("eventTime"))
    kind = new.get("type", "")
    if kind not in TYPES:
        found.append(causes.invalid("type", "", f"has invalid value: {kind}"))
    for name, told in _OF_OLD.items():
        value = new.get(name)
        if value and (not isinstance(value, dict) or any(value.values())):
            found.append(causes.invalid(told, "", "needs to be unset"))
    return found


def _series(event: Body) -> list[Cause]:
    """Of events that repeat: how often, and when last."""
    series = event.get("series")
    if series is None:
        return []
    found = []
    if series.get("count", 0) < LEAST_IN_SERIES:
        found.append(causes.invalid("series.count", "", f"should be at least {LEAST_IN_SERIES}"))
    if not series.get("lastObservedTime"):
        found.append(causes.required("series.lastObservedTime"))
    return found


HOOKS = Hooks(validate=_validate, generation=None, has_dependents=False)
