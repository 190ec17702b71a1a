"""Jobs."""

from __future__ import annotations

from typing import Any

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import METADATA_FIELDS, Body, Hooks
from kube_actors.kinds.rules.job_policies import policy_rules
from kube_actors.kinds.rules.job_statuses import job_status_rules
from kube_actors.kinds.rules.pod_specs import validate_template
from kube_actors.kinds.rules.selectors import label_selector_rules
from kube_actors.kinds.workloads import default_template

UID_LABELS = ("batch.kubernetes.io/controller-uid", "controller-uid")
NAME_LABELS = ("batch.kubernetes.io/job-name", "job-name")
MAX_PARALLEL_INDEXED = 100_000
IMMUTABLE = (
    "completions",
    "selector",
    "template",
    "completionMode",
    "podFailurePolicy",
    "backoffLimitPerIndex",
    "managedBy",
    "successPolicy",
)
# What of the template a job that has not begun may still change.
_OF_SUSPENDED = ("nodeSelector", "tolerations", "affinity", "schedulingGates")


def _default_spec(spec: Body) -> None:
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    per_index = spec.get("backoffLimitPerIndex") is not None
    spec.setdefault("backoffLimit", 2**31 - 1 if per_index else 6)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    spec.setdefault("podReplacementPolicy", "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed")
    default_template(spec)


def _default(body: Body) -> None:
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return
    _default_spec(spec)
    _default_labels(body)


def _default_labels(body: Body) -> None:
    """Those of its pods."""
    labels = ((body["spec"].get("template") or {}).get("metadata") or {}).get("labels")
    if labels and "labels" not in body["metadata"]:
        body["metadata"]["labels"] = dict(labels)


def _prepare_create(body: Body) -> None:
    """The selector and the labels it looks for, unless the job's author sees to them."""
    spec, metadata = body.get("spec"), body["metadata"]
    if not isinstance(spec, dict) or not isinstance(spec.setdefault("template", {}), dict):
        return
    own = {**dict.fromkeys(UID_LABELS, metadata["uid"]), **dict.fromkeys(NAME_LABELS, metadata.get("name", ""))}
    template = spec["template"].setdefault("metadata", {})
    if spec.get("manualSelector"):
        return
    labels = template.setdefault("labels", {})
    labels.update({name: value for name, value in own.items() if not labels.get(name)})
    selector = spec.get("selector") or {}
    spec["selector"] = {
        **selector,
        "matchLabels": {UID_LABELS[0]: metadata["uid"], **(selector.get("matchLabels") or {})},
    }
    _default_labels(body)


def job_spec_rules(spec: Body, field: str) -> list[Cause]:
    """What a Job's spec may not be, without its selector."""
    found = _counts(spec, field) + policy_rules(spec, field)
    mode = spec.get("completionMode")
    if mode not in (None, "Indexed", "NonIndexed"):
        found.append(causes.not_supported(f"{field}.completionMode", mode, ["NonIndexed", "Indexed"]))
    if mode == "Indexed":
        found += _indexed(spec, field)
    elif spec.get("backoffLimitPerIndex") is not None:
        found.append(
            causes.invalid(
                f"{field}.backoffLimitPerIndex", spec["backoffLimitPerIndex"], "requires indexed completion mode"
            )
        )
    template = spec.get("template")
    if not isinstance(template, dict):
        return found
    found += validate_template(template, f"{field}.template")
    policy = (template.get("spec") or {}).get("restartPolicy")
    place = f"{field}.template.spec.restartPolicy"
    if policy not in ("OnFailure", "Never"):
        if policy in (None, "", "Always"):
            found.append(causes.required(place, 'valid values: "OnFailure", "Never"'))
        else:
            found.append(causes.not_supported(place, policy, ["OnFailure", "Never"]))
    elif spec.get("podFailurePolicy") is not None and policy != "Never":
        why = 'only "Never" is supported when podFailurePolicy is specified'
        found.append(causes.invalid(place, policy, why))
    return found


def _counts(spec: Body, field: str) -> list[Cause]:
    counted = (
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    )
    return [
        causes.invalid(f"{field}.{name}", spec[name], "must be greater than or equal to 0")
        for name in counted
        if isinstance(spec.get(name), int) and spec[name] < 0
    ]


def _indexed(spec: Body, field: str) -> list[Cause]:
    if spec.get("completions") is None:
        return [causes.required(f"{field}.completions", "when completion mode is Indexed")]
    parallel = spec.get("parallelism") or 0
    if parallel > MAX_PARALLEL_INDEXED:
        why = f"must be less than or equal to {MAX_PARALLEL_INDEXED} when completion mode is Indexed"
        return [causes.invalid(f"{field}.parallelism", parallel, why)]
    return []


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec = new.get("spec")
    if not isinstance(spec, dict):
        return []  # the schema asks for it
    found = job_spec_rules(spec, "spec") + _selector(new, spec)
    if old is None:
        found += _pod_names(new["metadata"].get("name") or "", spec)
    if old is not None:
        found += _changes(spec, old)
    return found


def _pod_names(name: str, spec: Body) -> list[Cause]:
    """The pods of an indexed job have host names with their number."""
    completions = spec.get("completions") or 0
    last = f"{name}-{completions - 1}"
    if spec.get("completionMode") != "Indexed" or completions < 1 or not names.dns1123_label(last):
        return []
    return [causes.invalid("metadata.name", name, f"will not able to create pod with invalid DNS label: {last}")]


def _selector(new: Body, spec: Body) -> list[Cause]:
    selector = spec.get("selector")
    if selector is None:
        return [causes.required("spec.selector")]
    found = label_selector_rules(selector, "spec.selector")
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    wanted = selector.get("matchLabels") or {}
    if not found and any(labels.get(name) != value for name, value in wanted.items()):
        why = "`selector` does not match template `labels`"
        found.append(causes.invalid("spec.template.metadata.labels", labels, why))
        if not spec.get("manualSelector"):
            found.append(causes.invalid("spec.selector", selector, "`selector` not auto-generated"))
    return found


def _changes(spec: Body, old: Body) -> list[Cause]:
    before = old["spec"]
    found = []
    for name in IMMUTABLE:
        value, was = spec.get(name), before.get(name)
        if name == "template" and before.get("suspend") and not (old.get("status") or {}).get("startTime"):
            value, was = _without_placement(value), _without_placement(was)
        if name == "completions" and spec.get("completionMode") == "Indexed" and value == spec.get("parallelism"):
            continue  # elastic indexed jobs grow and shrink as a whole
        if value != was:
            found.append(causes.immutable(f"spec.{name}", spec.get(name)))
    return found


def _without_placement(template: Any) -> Any:
    """The template as far as it stays the same while a suspended job waits."""
    if not isinstance(template, dict):
        return template
    spec = {name: value for name, value in (template.get("spec") or {}).items() if name not in _OF_SUSPENDED}
    return {"spec": spec}


HOOKS = Hooks(
    default=_default,
    prepare_create=_prepare_create,
    validate=_validate,
    validate_subresource={"status": job_status_rules},
    selectable_fields=(*METADATA_FIELDS, "status.successful"),
    orphans_dependents=True,
    orphan_warning=(
        "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or "
        "set propagationPolicy=Orphan to suppress this warning"
    ),
)
