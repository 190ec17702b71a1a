"""ReplicationControllers: ReplicaSets of old, whose selector is a plain map of labels."""

from __future__ import annotations

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import METADATA_FIELDS, Body, Hooks
from kube_actors.kinds.replicasets import VALIDATE_STATUS
from kube_actors.kinds.rules.selectors import label_map_rules
from kube_actors.kinds.workloads import default_template, not_negative, template_rules


def _labels(spec: Body) -> Body:
    template = spec.get("template")
    labels = (template.get("metadata") or {}).get("labels") if isinstance(template, dict) else None
    return labels or {}


def _default(body: Body) -> None:
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return
    labels = _labels(spec)
    if labels and not spec.get("selector"):
        spec["selector"] = dict(labels)
    if labels and not body["metadata"].get("labels"):
        body["metadata"]["labels"] = dict(labels)
    spec.setdefault("replicas", 1)
    if spec.get("template") is not None:
        default_template(spec)


def _validate(new: Body, _old: Body | None) -> list[Cause]:
    spec = new.get("spec")
    if not isinstance(spec, dict):
        return []
    found = not_negative(spec, "replicas", "minReadySeconds")
    selector = spec.get("selector") or {}
    found += label_map_rules(selector, "spec.selector") if selector else [causes.required("spec.selector")]
    if not isinstance(spec.get("template"), dict):
        return [*found, causes.required("spec.template")]
    labels = _labels(spec)
    if any(labels.get(name) != value for name, value in selector.items()):
        why = "`selector` does not match template `labels`"
        found.append(causes.invalid("spec.template.metadata.labels", labels, why))
    return found + template_rules(spec)


HOOKS = Hooks(
    default=_default,
    validate=_validate,
    validate_subresource={"status": VALIDATE_STATUS},
    selectable_fields=(*METADATA_FIELDS, "status.replicas"),
    orphans_dependents=True,
)
