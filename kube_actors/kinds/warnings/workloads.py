"""What makes pods of a template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kube_actors.kinds.warnings import spelling
from kube_actors.kinds.warnings.pods import of_template
from kube_actors.kinds.warnings.storage import of_claim_spec

Body = Mapping[str, Any]
_NAMED_AFTER: Final = "Pod names and hostnames"
_MANY_COMPLETIONS, _MANY_PARALLEL = 100_000, 10_000
_TOO_MANY: Final = (
    "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes "
    "might not be able to track completedIndexes when a big number of indexes fail"
)
_ENDLESS_HISTORY: Final = (
    "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"
)


def of_pod_owner(new: Body, old: Body | None) -> list[str]:
    """A Deployment, ReplicaSet or ReplicationController: its name becomes part of its pods'."""
    found = [] if old is not None else _of_name(new)
    return found + of_template(new["spec"].get("template") or {}, "spec.template") if _is_new(new, old) else found


def of_daemon_set(new: Body, old: Body | None) -> list[str]:
    """The template, when it is new or another."""
    template = new["spec"].get("template") or {}
    if old is not None and template == old["spec"].get("template"):
        return []
    return of_template(template, "spec.template")


def of_stateful_set(new: Body, old: Body | None) -> list[str]:
    """The template and those of claims, and a history without end."""
    spec, found = new["spec"], []
    if _is_new(new, old):
        found += of_template(spec.get("template") or {}, "spec.template")
    for index, claim in enumerate(spec.get("volumeClaimTemplates") or ()):
        place = f"spec.volumeClaimTemplates[{index}]" + (".Spec" if old is not None else "")  # so upstream spells it
        found += of_claim_spec(claim.get("spec") or {}, place)
    return [*found, _ENDLESS_HISTORY] if (spec.get("revisionHistoryLimit") or 0) < 0 else found


def of_job(new: Body, old: Body | None) -> list[str]:
    """A Job."""
    found = [] if old is not None else _of_name(new)
    return found + _of_job_spec(new["spec"], "spec") if _is_new(new, old) else found


def of_cron_job(new: Body, old: Body | None) -> list[str]:
    """A CronJob: the template of its jobs."""
    found = [] if old is not None else _of_name(new)
    if _is_new(new, old):
        job = (new["spec"].get("jobTemplate") or {}).get("spec") or {}
        found += _of_job_spec(job, "spec.jobTemplate.spec")
    return found


def of_pod_template(new: Body, old: Body | None) -> list[str]:
    """A template kept by itself."""
    if old is not None and new.get("template") == old.get("template"):
        return []
    return of_template(new.get("template") or {}, "template")


def _of_job_spec(spec: Body, field: str) -> list[str]:
    found = []
    if spec.get("completionMode") == "Indexed":
        completions, parallel = spec.get("completions") or 0, spec.get("parallelism") or 0
        if completions > _MANY_COMPLETIONS and parallel > _MANY_PARALLEL:
            found.append(f"{field}: {_TOO_MANY}")
    return found + of_template(spec.get("template") or {}, f"{field}.template")


def _of_name(body: Body) -> list[str]:
    return spelling.of_host_name(body["metadata"].get("name", ""), _NAMED_AFTER)


def _is_new(new: Body, old: Body | None) -> bool:
    """Whether the object has a generation that nobody was warned of yet."""
    return old is None or new["metadata"].get("generation") != old["metadata"].get("generation")
