"""CronJobs."""

from __future__ import annotations

import re
import zoneinfo
from typing import Final

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.jobs import job_spec_rules
from kube_actors.kinds.workloads import default_template, not_negative

MAX_NAME: Final = 52
"""A Job's name is the CronJob's with eleven characters more, and a label's value has 63 at most."""

DESCRIPTORS: Final = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
_EVERY: Final = re.compile(r"@every (\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# Minute, hour, day of the month, month, day of the week: least, most, names of the values from the least on.
_FIELDS: Final = (
    (0, 59, ()),
    (0, 23, ()),
    (1, 31, ()),
    (1, 12, _MONTHS),
    (0, 6, _DAYS),
)


def _default(body: Body) -> None:
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return
    spec.setdefault("concurrencyPolicy", "Allow")
    spec.setdefault("suspend", False)
    spec.setdefault("successfulJobsHistoryLimit", 3)
    spec.setdefault("failedJobsHistoryLimit", 1)
    template = spec.setdefault("jobTemplate", {})
    if isinstance(template, dict):
        template.setdefault("metadata", {})
        job = template.setdefault("spec", {})
        if isinstance(job, dict):
            default_template(job)  # the rest of a Job is defaulted when there is one


def schedule_problem(schedule: str) -> str | None:
    """What is wrong with a cron schedule (five fields, or a word such as `@daily`); None when it is one."""
    if schedule.startswith("@"):
        known = schedule in DESCRIPTORS or _EVERY.fullmatch(schedule)
        return None if known else f"unrecognized descriptor: {schedule}"
    fields = schedule.split()
    if len(fields) != len(_FIELDS):
        return f"expected exactly {len(_FIELDS)} fields, found {len(fields)}: [{' '.join(fields)}]"
    for text, (least, most, words) in zip(fields, _FIELDS, strict=True):
        for part in text.split(","):
            problem = _part_problem(part, least, most, words)
            if problem is not None:
                return problem
    return None


def _part_problem(part: str, least: int, most: int, words: tuple[str, ...]) -> str | None:
    """One of the alternatives of a field: `*`, `5`, `1-5`, `*/10`, `mon-fri`."""
    span, slash, step = part.partition("/")
    if slash and (not step.isdecimal() or int(step) == 0):
        return f"step of range should be a positive number: {part}"
    if span in ("*", "?"):
        return None
    ends = [_number(end, least, words) for end in span.split("-")]
    if len(ends) > 2 or None in ends:
        return f"failed to parse int from {span}: strconv.Atoi: parsing {causes.shown(span)}: invalid syntax"
    first, last = ends[0] or 0, ends[-1] or 0
    if first < least:
        return f"beginning of range ({first}) below minimum ({least}): {part}"
    if last > most:
        return f"end of range ({last}) above maximum ({most}): {part}"
    return f"beginning of range ({first}) beyond end of range ({last}): {part}" if first > last else None


def _number(text: str, least: int, words: tuple[str, ...]) -> int | None:
    if text.lower() in words:
        return words.index(text.lower()) + least
    return int(text) if text.isdecimal() else None


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec = new.get("spec")
    if not isinstance(spec, dict):
        return []  # the schema asks for it
    found = not_negative(spec, "startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit")
    found += _schedule(spec) + _time_zone(spec)
    if spec.get("concurrencyPolicy") not in ("Allow", "Forbid", "Replace"):
        policies = ["Allow", "Forbid", "Replace"]
        found.append(causes.not_supported("spec.concurrencyPolicy", spec.get("concurrencyPolicy"), policies))
    job = (spec.get("jobTemplate") or {}).get("spec")
    if isinstance(job, dict):
        found += job_spec_rules(job, "spec.jobTemplate.spec")
        if job.get("manualSelector"):
            field = "spec.jobTemplate.spec.manualSelector"
            found.append(causes.not_supported(field, True, ["nil", "false"]))
    name = new["metadata"].get("name") or ""
    if old is None and len(name) > MAX_NAME:
        found.append(causes.invalid("metadata.name", name, f"must be no more than {MAX_NAME} characters"))
    return found


def _schedule(spec: Body) -> list[Cause]:
    schedule = spec.get("schedule")
    if not schedule:
        return [causes.required("spec.schedule")]
    if schedule.startswith(("TZ=", "CRON_TZ=")):
        why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        return [causes.invalid("spec.schedule", schedule, why)]
    problem = schedule_problem(schedule)
    return [] if problem is None else [causes.invalid("spec.schedule", schedule, problem)]


def _time_zone(spec: Body) -> list[Cause]:
    zone = spec.get("timeZone")
    if zone is None:
        return []
    if not zone:
        return [causes.invalid("spec.timeZone", zone, "timeZone must be nil or non-empty string")]
    if zone.lower() == "local":
        why = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        return [causes.invalid("spec.timeZone", zone, why)]
    try:
        zoneinfo.ZoneInfo(zone)
    except (ValueError, zoneinfo.ZoneInfoNotFoundError, OSError):
        return [causes.invalid("spec.timeZone", zone, f"unknown time zone {zone}")]
    return []


HOOKS = Hooks(default=_default, validate=_validate)
