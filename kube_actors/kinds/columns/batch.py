"""Rows of what runs to its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kube_actors.api.times import parse_rfc3339
from kube_actors.kinds.columns.words import Row, age, human_duration, part, selector_text, since
from kube_actors.kinds.columns.workloads import containers

Body = Mapping[str, Any]

# Conditions that name the state of a job, the first that holds wins; a job that is being deleted stands between them.
_ENDED: Final = ("Complete", "Failed")
_UNDER_WAY: Final = ("Suspended", "FailureTarget")


def job(body: Body, now: float) -> Row:
    """Name, Status, Completions, Duration, Age, Containers, Images, Selector."""
    return (
        body["metadata"]["name"],
        _job_status(body),
        _completions(body),
        _duration(part(body, "status"), now),
        age(body, now),
        *containers(part(body, "spec", "template", "spec")),
        selector_text(part(body, "spec", "selector")),
    )


def cron_job(body: Body, now: float) -> Row:
    """Name, Schedule, Timezone, Suspend, Active, Last Schedule, Age, Containers, Images, Selector."""
    spec, status = part(body, "spec"), part(body, "status")
    last, job_spec = status.get("lastScheduleTime"), part(spec, "jobTemplate", "spec")
    suspend = spec.get("suspend")
    return (
        body["metadata"]["name"],
        spec.get("schedule", ""),
        spec.get("timeZone") or "<none>",
        "<unset>" if suspend is None else str(bool(suspend)),
        len(status.get("active") or ()),
        since(last, now) if last else "<none>",
        age(body, now),
        *containers(part(job_spec, "template", "spec")),
        selector_text(part(job_spec, "selector")),
    )


def _job_status(body: Body) -> str:
    conditions = part(body, "status").get("conditions") or ()
    holding = {each.get("type") for each in conditions if each.get("status") == "True"}
    ended = next((kind for kind in _ENDED if kind in holding), None)
    if ended is not None:
        return ended
    if "deletionTimestamp" in body["metadata"]:
        return "Terminating"
    return next((kind for kind in _UNDER_WAY if kind in holding), "Running")


def _completions(body: Body) -> str:
    spec, succeeded = part(body, "spec"), part(body, "status").get("succeeded", 0)
    if spec.get("completions") is not None:
        return f"{succeeded}/{spec['completions']}"
    parallelism = spec.get("parallelism") or 0
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _duration(status: Body, now: float) -> str:
    start, end = status.get("startTime"), status.get("completionTime")
    if not start:
        return ""
    return human_duration((parse_rfc3339(end) if end else now) - parse_rfc3339(start))
