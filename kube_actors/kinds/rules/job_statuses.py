"""What may not be reported of a Job: counts that cannot be, an end without what belongs to it, an end taken back.

Whoever manages Jobs in the place of Kubernetes is held to the same as Kubernetes. Most rules only hold for what a
write changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body

COUNTS: Final = ("active", "succeeded", "failed", "ready", "terminating")
_ENDS: Final = ("Complete", "Failed")
_PLACE: Final = "status.conditions"


def job_status_rules(new: Body, old: Body) -> list[Cause]:
    """A write of the status."""
    return [
        *_counts(new),
        *_conditions(new, old),
        *_end(new, old),
        *_times(new, old),
        *_indexes(new, old),
        *_kept(new, old),
    ]


def _status(body: Body) -> Body:
    return body.get("status") or {}


def _has(body: Body, *kinds: str) -> bool:
    """Whether one of these conditions is true."""
    conditions = _status(body).get("conditions") or ()
    return any(each.get("type") in kinds and each.get("status") == "True" for each in conditions)


def _differ(new: Body, old: Body, *fields: str) -> bool:
    return any((_status(new).get(name) or None) != (_status(old).get(name) or None) for name in fields)


def _conditions_differ(new: Body, old: Body, *kinds: str) -> bool:
    return any(_has(new, kind) != _has(old, kind) for kind in kinds)


def _count(body: Body, name: str) -> int:
    return _status(body).get(name) or 0


def _counts(new: Body) -> Iterator[Cause]:
    for name in COUNTS:
        if _count(new, name) < 0:
            yield causes.invalid(f"status.{name}", _count(new, name), "must be greater than or equal to 0")
    for name, uids in (_status(new).get("uncountedTerminatedPods") or {}).items():
        for at, uid in enumerate(uids or ()):
            place = f"status.uncountedTerminatedPods.{name}[{at}]"
            if not uid:
                yield causes.invalid(place, uid, "must not be empty")
            elif uid in uids[:at]:
                yield causes.duplicate(place, uid)


def _conditions(new: Body, old: Body) -> Iterator[Cause]:
    """Which conditions go together, and which need another before them."""
    complete, failed = _has(new, "Complete"), _has(new, "Failed")
    if complete and failed and _conditions_differ(new, old, *_ENDS):
        yield _wrong(_PLACE, "cannot set Complete=True and Failed=True conditions")
    if complete and _has(new, "FailureTarget") and _conditions_differ(new, old, "Complete", "FailureTarget"):
        yield _wrong(_PLACE, "cannot set Complete=True and FailureTarget=True conditions")
    asked = _conditions_differ(new, old, "Failed") or _differ(new, old, "failedIndexes")
    if failed and not _has(new, "FailureTarget") and asked:
        yield _wrong(_PLACE, "cannot set Failed=True condition without the FailureTarget=true condition")
    asked = _conditions_differ(new, old, "Complete", "SuccessCriteriaMet")
    if complete and not _has(new, "SuccessCriteriaMet") and asked:
        yield _wrong(_PLACE, "cannot set Complete=True condition without the SuccessCriteriaMet=true condition")


def _wrong(field: str, why: str) -> Cause:
    """A complaint that does not repeat a long value."""
    return Cause("FieldValueInvalid", f"Invalid value: {why}", field)


def _end(new: Body, old: Body) -> Iterator[Cause]:
    """A Job that has come to its end has nothing that still goes on."""
    ended, status = _has(new, *_ENDS), _status(new)
    has_ended = ended != _has(old, *_ENDS)
    for name in ("active", "terminating"):
        if ended and _count(new, name) > 0 and (has_ended or _differ(new, old, name)):
            yield causes.invalid(f"status.{name}", _count(new, name), f"{name}>0 is invalid for finished job")
    spec = new.get("spec") or {}
    is_empty = bool(spec.get("suspend")) and spec.get("completions") == 0
    if ended and not status.get("startTime") and not is_empty and (has_ended or _differ(new, old, "startTime")):
        yield causes.required("status.startTime", "startTime is required for finished job")
    uncounted = status.get("uncountedTerminatedPods") or {}
    if ended and any(uncounted.values()) and (has_ended or _differ(new, old, "uncountedTerminatedPods")):
        why = "uncountedTerminatedPods needs to be empty for finished job"
        yield causes.invalid("status.uncountedTerminatedPods", uncounted, why)
    more_ready = status.get("ready") is not None and status["ready"] > _count(new, "active")
    if more_ready and _differ(new, old, "ready", "active"):
        yield causes.invalid("status.ready", _count(new, "ready"), "cannot set more ready pods than active")


def _times(new: Body, old: Body) -> Iterator[Cause]:
    """When it began and when it was complete."""
    status, complete = _status(new), _has(new, "Complete")
    begun, done = status.get("startTime"), status.get("completionTime")
    if _conditions_differ(new, old, "Complete") or _differ(new, old, "completionTime"):
        if done and not complete:
            why = "cannot set completionTime when there is no Complete=True condition"
            yield causes.invalid("status.completionTime", done, why)
        if complete and not done:
            yield causes.required("status.completionTime", "completionTime is required for Complete jobs")
    if begun and done and done < begun and _differ(new, old, "startTime", "completionTime"):
        yield causes.invalid("status.completionTime", done, "completionTime cannot be set before startTime")


def _indexes(new: Body, old: Body) -> Iterator[Cause]:
    """Indexes of an indexed Job: none is complete and failed at once."""
    spec, status = new.get("spec") or {}, _status(new)
    complete, failed = status.get("completedIndexes") or "", status.get("failedIndexes")
    if complete and spec.get("completionMode") != "Indexed" and _differ(new, old, "completedIndexes"):
        why = "cannot set non-empty completedIndexes when non-indexed completion mode"
        yield causes.invalid("status.completedIndexes", complete, why)
    if failed is not None and spec.get("backoffLimitPerIndex") is None and _differ(new, old, "failedIndexes"):
        why = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        yield causes.invalid("status.failedIndexes", failed, why)
    if failed and complete and _differ(new, old, "completedIndexes", "failedIndexes"):
        shared = sorted(_numbers(complete) & _numbers(failed))
        if shared:
            why = f"failedIndexes and completedIndexes overlap on index: {shared[0]}"
            yield causes.invalid("status.failedIndexes", failed, why)


def _numbers(text: str) -> frozenset[int]:
    """`1,3-5`: the indexes 1, 3, 4 and 5; nothing that is not written so."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first.isdecimal() and (last or first).isdecimal():
            found |= set(range(int(first), min(int(last or first), int(first) + 100_000) + 1))
    return frozenset(found)


def _kept(new: Body, old: Body) -> Iterator[Cause]:
    """What was counted is not taken back, and neither is the end."""
    spec, before = new.get("spec") or {}, _status(old)
    is_elastic = spec.get("completionMode") == "Indexed" and spec.get("completions") == spec.get("parallelism")
    for kind in ("Failed", "Complete", "FailureTarget"):
        if _has(old, kind) and not _has(new, kind):
            yield _wrong(_PLACE, f"cannot disable the terminal {kind}=True condition")
    for name in ("failed",) if is_elastic else ("failed", "succeeded"):
        if _count(new, name) < _count(old, name):
            yield causes.invalid(f"status.{name}", _count(new, name), f"cannot decrease the {name} counter")
    done = _status(new).get("completionTime")
    if done and before.get("completionTime") not in (None, done):
        yield causes.immutable("status.completionTime", done)
    begun = before.get("startTime")
    if begun and not spec.get("suspend") and _differ(new, old, "startTime"):
        now = _status(new).get("startTime")
        why = "startTime cannot be removed for unsuspended job"
        yield causes.required("status.startTime", why) if not now else causes.immutable("status.startTime", now)
