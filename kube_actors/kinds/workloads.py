"""What Deployments and ReplicaSets share: a selector, a template and replicas."""

from __future__ import annotations

from kube_actors.api.selectors import LabelSelector, SelectorError
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.pod_defaults import default_pod_spec
from kube_actors.kinds.rules.pod_specs import validate_template
from kube_actors.kinds.rules.selectors import label_selector_rules


def default_template(spec: Body) -> None:
    """The template and its pod spec, which are there, empty or not."""
    template = spec.setdefault("template", {})
    if isinstance(template, dict):
        template.setdefault("metadata", {})
        pod = template.setdefault("spec", {})
        if isinstance(pod, dict):
            default_pod_spec(pod)


def not_negative(spec: Body, *fields: str) -> list[Cause]:
    """Numbers that count something."""
    return [
        causes.invalid(f"spec.{name}", spec[name], "must be greater than or equal to 0")
        for name in fields
        if isinstance(spec.get(name), int) and spec[name] < 0
    ]


def selector_rules(spec: Body, owner: str = "Deployment") -> list[Cause]:
    """The selector must be there, well formed, and match the labels of its own template; none matches nothing."""
    selector = spec.get("selector")
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    why = "`selector` does not match template `labels`"
    mismatch = causes.invalid("spec.template.metadata.labels", labels, why)
    if selector is None:
        return [causes.required("spec.selector"), mismatch]
    found = label_selector_rules(selector, "spec.selector")
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        return [*found, causes.invalid("spec.selector", selector, f"empty selector is invalid for {owner.lower()}")]
    if found:
        return found
    try:
        matches = LabelSelector.from_object(selector).matches(labels or {})
    except SelectorError:  # something is missing that the schema asks for
        return []
    return [] if matches else [mismatch]


def template_rules(spec: Body, owner: str = "ReplicaSet") -> list[Cause]:
    """The template of a workload that keeps its pods running."""
    template = spec.get("template")
    if not isinstance(template, dict):
        return []
    found = validate_template(template, "spec.template")
    pod = template.get("spec") or {}
    if pod.get("restartPolicy", "Always") != "Always":
        found.append(causes.not_supported("spec.template.spec.restartPolicy", pod["restartPolicy"], ["Always"]))
    if pod.get("activeDeadlineSeconds") is not None:
        why = f"activeDeadlineSeconds in {owner} is not Supported"
        found.append(causes.forbidden("spec.template.spec.activeDeadlineSeconds", why))
    return found
