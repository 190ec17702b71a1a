"""The row of a HorizontalPodAutoscaler, as it is stored: in version 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kube_actors.kinds.columns.words import Row, age, part, shortened

Body = Mapping[str, Any]

_SHOWN: Final = 2
# Type of a metric -> the field of its source and of its status.
_SOURCES: Final = {
    "External": "external",
    "Pods": "pods",
    "Object": "object",
    "Resource": "resource",
    "ContainerResource": "containerResource",
}


def horizontal_pod_autoscaler(body: Body, now: float) -> Row:
    """Name, Reference, Targets, MinPods, MaxPods, Replicas, Age."""
    spec, status = part(body, "spec"), part(body, "status")
    target, least = part(spec, "scaleTargetRef"), spec.get("minReplicas")
    return (
        body["metadata"]["name"],
        f"{target.get('kind', '')}/{target.get('name', '')}",
        _targets(spec, status),
        "<unset>" if least is None else str(least),
        spec.get("maxReplicas", 0),
        status.get("currentReplicas", 0),
        age(body, now),
    )


def _targets(spec: Body, status: Body) -> str:
    metrics, currents = spec.get("metrics") or (), status.get("currentMetrics") or ()
    shown = [_metric(metric, currents[at] if at < len(currents) else {}) for at, metric in enumerate(metrics)]
    return shortened(shown, _SHOWN, ", ") or "<none>"


def _metric(metric: Body, current: Body) -> str:
    """`cpu: 12%/80%`, `5/10 (avg)`; what is not known yet is `<unknown>`."""
    source = _SOURCES.get(metric.get("type", ""))
    if source is None:
        return "<unknown type>"
    wanted, known = part(metric, source, "target"), part(current, source, "current")
    if source in ("resource", "containerResource"):
        name = part(metric, source).get("name", "")
        if wanted.get("averageValue") is not None:
            return f"{name}: {known.get('averageValue', '<unknown>')}/{wanted['averageValue']}"
        utilization = _percent(known.get("averageUtilization"), "<unknown>")
        return f"{name}: {utilization}/{_percent(wanted.get('averageUtilization'), '<auto>')}"
    if source == "pods":
        return f"{known.get('averageValue', '<unknown>')}/{wanted.get('averageValue', '0')}"
    if wanted.get("averageValue") is not None:
        return f"{known.get('averageValue', '<unknown>')}/{wanted['averageValue']} (avg)"
    return f"{known.get('value', '<unknown>')}/{wanted.get('value', '0')}"


def _percent(value: int | None, absent: str) -> str:
    return absent if value is None else f"{value}%"
