"""Kinds in two versions: nothing is lost on the way from one to the other and back."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kube_actors.api.registry import Registry, Resource
from kube_actors.kinds.versions import as_version


def _resource(group: str, version: str, plural: str) -> Resource:
    found = Registry.built_in().by_path(group, version, plural)
    assert found is not None
    return found


EVENT, NEW_EVENT = _resource("", "v1", "events"), _resource("events.k8s.io", "v1", "events")
HPA_V1, HPA = (_resource("autoscaling", version, "horizontalpodautoscalers") for version in ("v1", "v2"))


def _cpu(percent: int) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


MEMORY = {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}}
USED = {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 40}}}
CONDITION = {"type": "AbleToScale", "status": "True"}


def test_an_autoscaler_in_its_old_version() -> None:
    """The target for the CPU has a field there; the rest are annotations."""
    spec = {"maxReplicas": 3, "metrics": [MEMORY, _cpu(50)], "behavior": {"scaleDown": {}}}
    status = {"currentReplicas": 1, "currentMetrics": [USED], "conditions": [CONDITION]}
    body = {"apiVersion": "autoscaling/v2", "kind": HPA.kind, "metadata": {"name": "a"}, "spec": spec, "status": status}
    old = as_version(body, HPA_V1)
    assert old["spec"] == {"maxReplicas": 3, "targetCPUUtilizationPercentage": 50}
    assert old["status"] == {"currentReplicas": 1, "currentCPUUtilizationPercentage": 40}
    prefix = "autoscaling.alpha.kubernetes.io/"
    assert {name.removeprefix(prefix) for name in old["metadata"]["annotations"]} == {
        "metrics",
        "behavior",
        "conditions",
    }
    assert spec["metrics"] == [MEMORY, _cpu(50)], "what is converted stays as it is"
    back = as_version(old, HPA)
    assert back == {**body, "spec": {**spec, "metrics": [_cpu(50), MEMORY]}}


@given(
    percent=st.none() | st.integers(1, 100),
    annotations=st.dictionaries(st.sampled_from("abc"), st.text(max_size=3)),
    others=st.lists(st.just(MEMORY), max_size=2),
)
def test_autoscalers_come_back(percent: int | None, annotations: dict[str, str], others: list[Any]) -> None:
    """From v2 to v1 and back, and from v1 to v2 and back."""
    metrics = ([] if percent is None else [_cpu(percent)]) + others
    spec = {"maxReplicas": 3, **({"metrics": metrics} if metrics else {})}
    metadata = {"name": "a", **({"annotations": annotations} if annotations else {})}
    body = {"apiVersion": "autoscaling/v2", "kind": HPA.kind, "metadata": metadata, "spec": spec}
    old = as_version(body, HPA_V1)
    assert as_version(old, HPA) == body
    assert as_version(as_version(old, HPA), HPA_V1) == old


def test_an_autoscaler_that_has_seen_nothing() -> None:
    """Clients of v1 need the number of replicas it sees even when there are none; v2 leaves it out then."""
    status = {"desiredReplicas": 0}
    body = {"apiVersion": "autoscaling/v2", "kind": HPA.kind, "metadata": {}, "spec": {}, "status": status}
    old = as_version(body, HPA_V1)
    assert old["status"] == {"currentReplicas": 0, "desiredReplicas": 0}
    assert as_version(old, HPA) == body


def test_annotations_that_somebody_spoilt() -> None:
    """They hold nothing."""
    annotations = {"autoscaling.alpha.kubernetes.io/metrics": "{", "autoscaling.alpha.kubernetes.io/behavior": "3x"}
    body = {"apiVersion": "autoscaling/v1", "kind": HPA.kind, "metadata": {"annotations": annotations}, "spec": {}}
    assert as_version(body, HPA) == {"apiVersion": "autoscaling/v2", "kind": HPA.kind, "metadata": {}, "spec": {}}


def test_events() -> None:
    """Fields have other names in the two groups, and the same values."""
    body = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "e"},
        "involvedObject": {"name": "p"},
        "message": "hello",
        "source": {"component": "c"},
        "firstTimestamp": "2025-01-01T00:00:00Z",
        "count": 2,
        "reason": "R",
        "reportingComponent": "c",
    }
    new = as_version(body, NEW_EVENT)
    assert new == {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "e"},
        "regarding": {"name": "p"},
        "note": "hello",
        "deprecatedSource": {"component": "c"},
        "deprecatedFirstTimestamp": "2025-01-01T00:00:00Z",
        "deprecatedCount": 2,
        "reason": "R",
        "reportingController": "c",
    }
    assert as_version(new, EVENT) == body
    assert as_version(body, EVENT) is body
