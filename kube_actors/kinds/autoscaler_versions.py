"""HorizontalPodAutoscalers in `autoscaling/v1`, which knows a target for the CPU only; `autoscaling/v2` is stored.

What v1 has no fields for travels in the annotations that Kubernetes uses for it.
"""

from __future__ import annotations

from typing import Any

from kube_actors.api.codecs import json
from kube_actors.errors import ApiError

Body = dict[str, Any]

_PREFIX = "autoscaling.alpha.kubernetes.io"
METRICS, BEHAVIOR = f"{_PREFIX}/metrics", f"{_PREFIX}/behavior"
CONDITIONS, CURRENT = f"{_PREFIX}/conditions", f"{_PREFIX}/current-metrics"


def to_v1(body: Body) -> Body:
    """`targetCPUUtilizationPercentage` is the first metric that says so; the other metrics become an annotation."""
    spec, status = dict(_part(body, "spec")), dict(_part(body, "status"))
    metrics = list(spec.pop("metrics", None) or [])
    cpu = next((each for each in metrics if _is_cpu_target(each)), None)
    if cpu is not None:
        metrics.remove(cpu)
        spec["targetCPUUtilizationPercentage"] = cpu["resource"]["target"]["averageUtilization"]
    current = list(status.pop("currentMetrics", None) or [])
    seen = next((each for each in current if _cpu_now(each) is not None), None)
    if seen is not None:
        current.remove(seen)
        status["currentCPUUtilizationPercentage"] = _cpu_now(seen)
    hidden = {
        METRICS: metrics,
        BEHAVIOR: spec.pop("behavior", None),
        CONDITIONS: status.pop("conditions", None),
        CURRENT: current,
    }
    notes = {name: json.dumps(value).decode() for name, value in hidden.items() if value}
    if "status" in body:
        status.setdefault("currentReplicas", 0)  # v1 says zero where v2 says nothing
    return _with_parts(body, "autoscaling/v1", spec, status, {**_annotations(body), **notes})


def to_v2(body: Body) -> Body:
    """The target for the CPU as a metric, and what the annotations keep where it belongs."""
    spec, status = dict(_part(body, "spec")), dict(_part(body, "status"))
    notes = dict(_annotations(body))
    kept = {name: _read(notes.pop(name, "")) for name in (METRICS, BEHAVIOR, CONDITIONS, CURRENT)}
    percent = spec.pop("targetCPUUtilizationPercentage", None)
    cpu = {"type": "Utilization", "averageUtilization": percent}
    first = [] if percent is None else [{"type": "Resource", "resource": {"name": "cpu", "target": cpu}}]
    if not status.get("currentReplicas"):
        status.pop("currentReplicas", None)
    now = status.pop("currentCPUUtilizationPercentage", None)
    usage = {"name": "cpu", "current": {"averageUtilization": now}}
    first_seen = [] if now is None else [{"type": "Resource", "resource": usage}]
    for part, name, value in (
        (spec, "metrics", [*first, *(kept[METRICS] or [])]),
        (spec, "behavior", kept[BEHAVIOR]),
        (status, "conditions", kept[CONDITIONS]),
        (status, "currentMetrics", [*first_seen, *(kept[CURRENT] or [])]),
    ):
        if value:
            part[name] = value
    return _with_parts(body, "autoscaling/v2", spec, status, notes)


def _part(body: Body, name: str) -> Body:
    part = body.get(name)
    return part if isinstance(part, dict) else {}


def _annotations(body: Body) -> Body:
    return _part(_part(body, "metadata"), "annotations")


def _with_parts(body: Body, api_version: str, spec: Body, status: Body, annotations: Body) -> Body:
    metadata = {name: value for name, value in _part(body, "metadata").items() if name != "annotations"}
    if annotations:
        metadata["annotations"] = annotations
    converted = {**body, "apiVersion": api_version, "metadata": metadata, "spec": spec}
    if status or "status" in body:
        converted["status"] = status
    return converted


def _is_cpu_target(metric: Any) -> bool:
    resource = _part(metric, "resource") if isinstance(metric, dict) else {}
    target = _part(resource, "target")
    is_cpu = metric.get("type") == "Resource" and resource.get("name") == "cpu" if resource else False
    return is_cpu and target.get("type") == "Utilization" and target.get("averageUtilization") is not None


def _cpu_now(metric: Any) -> Any:
    resource = _part(metric, "resource") if isinstance(metric, dict) else {}
    return _part(resource, "current").get("averageUtilization") if resource.get("name") == "cpu" else None


def _read(text: Any) -> Any:
    """What an annotation keeps; nothing when somebody wrote something else there."""
    try:
        return json.loads(text) if isinstance(text, str) and text else None
    except ApiError:
        return None
