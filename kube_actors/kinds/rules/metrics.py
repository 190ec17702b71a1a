"""What an autoscaler may not ask of metrics other than those of resources, and of the objects it names."""

from __future__ import annotations

from typing import Final

from kube_actors.api import names
from kube_actors.api.quantity import Quantity
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.rules.selectors import label_selector_rules

TARGETS: Final = ("Utilization", "Value", "AverageValue")


def reference_rules(reference: Body, field: str) -> list[Cause]:
    """An object by kind and name."""
    found = []
    for name in ("kind", "name"):
        value = reference.get(name)
        if not value:
            found.append(causes.required(f"{field}.{name}"))
        else:
            found += [causes.invalid(f"{field}.{name}", value, why) for why in names.path_segment(value)]
    return found


def metric_rules(kind: str, source: Body, field: str) -> list[Cause]:
    """A metric of pods, of one object, or from outside the cluster."""
    found = reference_rules(source.get("describedObject") or {}, f"{field}.describedObject") if kind == "Object" else []
    metric, target = source.get("metric") or {}, source.get("target") or {}
    name, place = metric.get("name", ""), f"{field}.metric"
    if not name:
        found.append(causes.required(f"{place}.name", "must specify a metric name"))
    found += [causes.invalid(f"{place}.name", name, why) for why in names.path_segment(name)]
    if metric.get("selector") is not None:
        found += label_selector_rules(metric["selector"], f"{place}.selector")
    found += target_type_rules(target, f"{field}.target")
    return found + _amounts(kind, target, f"{field}.target")


def target_type_rules(target: Body, field: str) -> list[Cause]:
    """How a target is meant."""
    if not target.get("type"):
        return [causes.required(f"{field}.type", "must specify a metric target type")]
    if target["type"] not in TARGETS:
        why = "must be either Utilization, Value, or AverageValue"
        return [causes.invalid(f"{field}.type", target["type"], why)]
    return []


def _amounts(kind: str, target: Body, field: str) -> list[Cause]:
    value, average = target.get("value"), target.get("averageValue")
    found = [
        causes.invalid(f"{field}.{name}", amount, "must be positive")
        for name, amount in (("value", value), ("averageValue", average))
        if amount is not None and Quantity.parse(str(amount)).milli <= 0
    ]
    if kind == "Pods":
        why = "must specify a positive target averageValue"
        return found + ([causes.required(f"{field}.averageValue", why)] if average is None else [])
    if value is not None and average is not None and kind == "External":
        why = "may not set both a target value for metric and a per-pod target"
        found.append(causes.forbidden(f"{field}.value", why))
    elif value is None and average is None:
        why = "must set either a target value for metric or a per-pod target"
        if kind == "Object":
            why = "must set either a target value or averageValue"
        found.append(causes.required(f"{field}.averageValue", why))
    return found
