"""HorizontalPodAutoscalers, in their stored version autoscaling/v2."""

from __future__ import annotations

from typing import Final

from kube_actors.api.quantity import Quantity
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.metrics import metric_rules, reference_rules, target_type_rules
from kube_actors.kinds.rules.statuses import counts

_CPU: Final = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}
_SOURCES: Final = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
_UP: Final = (("Pods", 4, 15), ("Percent", 100, 15))
_DOWN: Final = (("Percent", 100, 15),)
MAX_WINDOW: Final = 3600
MAX_PERIOD: Final = 1800


def _default(body: Body) -> None:
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return
    spec.setdefault("minReplicas", 1)
    if not spec.get("metrics"):
        spec["metrics"] = [{**_CPU}]
    behavior = spec.get("behavior")
    if not isinstance(behavior, dict):
        return
    for name, policies, window in (("scaleUp", _UP, 0), ("scaleDown", _DOWN, None)):
        rules = behavior.setdefault(name, {})
        if window is not None:
            rules.setdefault("stabilizationWindowSeconds", window)
        rules.setdefault("selectPolicy", "Max")
        if "policies" not in rules:
            rules["policies"] = [
                {"type": kind, "value": value, "periodSeconds": period} for kind, value, period in policies
            ]


def _validate(new: Body, _old: Body | None) -> list[Cause]:
    spec = new.get("spec")
    if not isinstance(spec, dict):
        return [causes.required("spec.scaleTargetRef.kind"), causes.required("spec.scaleTargetRef.name")]
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    found = []
    if least < 1:
        found.append(causes.invalid("spec.minReplicas", least, "must be greater than or equal to 1"))
    if most < 1:
        found.append(causes.invalid("spec.maxReplicas", most, "must be greater than 0"))
    if most < least:
        found.append(causes.invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`"))
    target = spec.get("scaleTargetRef") or {}
    found += reference_rules(target, "spec.scaleTargetRef")
    for index, metric in enumerate(spec.get("metrics") or ()):
        found += _metric(metric, f"spec.metrics[{index}]")
    for name in ("scaleUp", "scaleDown"):
        found += _rules((spec.get("behavior") or {}).get(name) or {}, f"spec.behavior.{name}")
    return found


def _metric(metric: Body, field: str) -> list[Cause]:
    kind = metric.get("type")
    if not kind:
        return [causes.required(f"{field}.type", "must specify a metric source type")]
    if kind not in _SOURCES:
        return [causes.not_supported(f"{field}.type", kind, _SOURCES)]
    name = _SOURCES[kind]
    found = [
        causes.forbidden(f"{field}.{other}", "must populate the given metric source only")
        for other in _SOURCES.values()
        if other != name and metric.get(other) is not None
    ]
    source = metric.get(name)
    if source is None:
        return [*found, causes.required(f"{field}.{name}", "must populate information for the given metric source")]
    if kind in ("Resource", "ContainerResource") and not source.get("name"):
        found.append(causes.required(f"{field}.{name}.name", "must specify a resource name"))
    if kind == "ContainerResource" and not source.get("container"):
        found.append(causes.required(f"{field}.{name}.container", "must specify a container"))
    if kind in ("Resource", "ContainerResource"):
        return found + _target(source.get("target") or {}, f"{field}.{name}.target")
    return found + metric_rules(kind, source, f"{field}.{name}")


def _target(target: Body, field: str) -> list[Cause]:
    found = target_type_rules(target, field)
    share = target.get("averageUtilization")
    if share is not None and share < 1:
        found.append(causes.invalid(f"{field}.averageUtilization", share, "must be greater than 0"))
    for name in ("value", "averageValue"):
        value = target.get(name)
        if value is not None and Quantity.parse(str(value)).milli <= 0:
            found.append(causes.invalid(f"{field}.{name}", value, "must be positive"))
    if share is None and target.get("averageValue") is None:
        why = "must set either a target raw value or a target utilization"
        found.append(causes.required(f"{field}.averageUtilization", why))
    elif share is not None and target.get("averageValue") is not None:
        why = "may not set both a target raw value and a target utilization"
        found.append(causes.forbidden(f"{field}.averageValue", why))
    return found


def _rules(rules: Body, field: str) -> list[Cause]:
    found = []
    window, choice = rules.get("stabilizationWindowSeconds"), rules.get("selectPolicy")
    if window is not None and not 0 <= window <= MAX_WINDOW:
        why = "must be greater than or equal to zero" if window < 0 else f"must be less than or equal to {MAX_WINDOW}"
        found.append(causes.invalid(f"{field}.stabilizationWindowSeconds", window, why))
    if choice not in (None, "Max", "Min", "Disabled"):
        found.append(causes.not_supported(f"{field}.selectPolicy", choice, ["Disabled", "Max", "Min"]))
    if rules and not rules.get("policies"):
        found.append(causes.required(f"{field}.policies", "must specify at least one Policy"))
    for index, policy in enumerate(rules.get("policies") or ()):
        place = f"{field}.policies[{index}]"
        if policy.get("type") not in ("Pods", "Percent"):
            found.append(causes.not_supported(f"{place}.type", policy.get("type", ""), ["Percent", "Pods"]))
        if policy.get("value", 0) <= 0:
            found.append(causes.invalid(f"{place}.value", policy.get("value", 0), "must be greater than zero"))
        period = policy.get("periodSeconds", 0)
        if not 0 < period <= MAX_PERIOD:
            why = "must be greater than zero" if period <= 0 else f"must be less than or equal to {MAX_PERIOD}"
            found.append(causes.invalid(f"{place}.periodSeconds", period, why))
    return found


_validate_status = counts("currentReplicas", "desiredReplicas")

HOOKS = Hooks(default=_default, validate=_validate, validate_subresource={"status": _validate_status})
