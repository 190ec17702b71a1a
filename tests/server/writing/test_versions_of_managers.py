"""Managed fields of kinds that are served in two versions: every manager's are those of the version it writes in."""

from __future__ import annotations

from typing import Any

from tests.server.writing.stage import MERGE, Caller

V1 = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers"
V2 = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events"


def autoscaler(version: str, **spec: Any) -> dict[str, Any]:
    """An autoscaler of a Deployment."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    body = {"apiVersion": f"autoscaling/{version}", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}}
    return {**body, "spec": {"scaleTargetRef": target, "maxReplicas": 5, **spec}}


def spec_fields(body: dict[str, Any]) -> dict[str, tuple[str, set[str]]]:
    """Manager -> the version it wrote in, and its fields of the spec."""
    found = {}
    for entry in body["metadata"]["managedFields"]:
        fields = entry["fieldsV1"].get("f:spec", {})
        found[entry["manager"]] = (entry["apiVersion"], {name.removeprefix("f:") for name in fields})
    return found


async def test_a_write_names_its_own_version(call: Caller) -> None:
    """Created as v1, changed as v2: what v2 takes from v1 is not of v1 any more."""
    body = autoscaler("v1", minReplicas=2, targetCPUUtilizationPercentage=80)
    created = await call("POST", f"{V1}?fieldManager=old", body)
    fields = {"scaleTargetRef", "maxReplicas", "minReplicas", "targetCPUUtilizationPercentage"}
    assert spec_fields(created.body) == {"old": ("autoscaling/v1", fields)}
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
    patch = {"spec": {"metrics": [{"type": "Resource", "resource": cpu}]}}
    changed = await call("PATCH", f"{V2}/web?fieldManager=new", patch, MERGE)
    assert spec_fields(changed.body) == {
        "old": ("autoscaling/v1", fields - {"targetCPUUtilizationPercentage"}),
        "new": ("autoscaling/v2", {"metrics"}),
    }


async def test_applies_in_two_versions(call: Caller) -> None:
    """A manager that moves from v1 to v2 drops what it applied before; another one conflicts in the owner's terms."""
    await call.apply(f"{V1}/web", autoscaler("v1", minReplicas=2, targetCPUUtilizationPercentage=70))
    refused = await call.apply(f"{V2}/web", autoscaler("v2", minReplicas=3), "other")
    assert (refused.code, refused.causes) == (409, ['.spec.minReplicas: conflict with "me"'])
    moved = await call.apply(f"{V2}/web", autoscaler("v2"))
    cpu = moved.body["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"]
    assert (moved.code, cpu) == (200, 80), "the default is back"
    assert spec_fields(moved.body) == {"me": ("autoscaling/v2", {"scaleTargetRef", "maxReplicas"})}


async def test_conflicts_name_the_version_of_updates(call: Caller) -> None:
    """Who updated in another version owns the fields of that version."""
    await call("POST", f"{V1}?fieldManager=old", autoscaler("v1", minReplicas=2))
    refused = await call.apply(f"{V2}/web", autoscaler("v2", minReplicas=3))
    assert refused.causes == ['.spec.minReplicas: conflict with "old" using autoscaling/v1']


async def test_events_of_the_newer_group(call: Caller) -> None:
    """An Event written in `events.k8s.io/v1` is owned by the names of its fields there."""
    event = {
        "metadata": {"name": "e"},
        "eventTime": "2025-01-01T00:00:00.000000Z",
        "reportingController": "c.io/c",
        "reportingInstance": "c-0",
        "action": "Run",
        "reason": "Ran",
        "type": "Normal",
        "note": "it ran",
        "regarding": {"kind": "Pod", "name": "a", "namespace": "default"},
    }
    created = await call("POST", f"{EVENTS}?fieldManager=c", event)
    (entry,) = created.body["metadata"]["managedFields"]
    assert entry["apiVersion"] == "events.k8s.io/v1"
    assert {"f:note", "f:regarding", "f:reportingController"} <= entry["fieldsV1"].keys()


async def test_versions_that_nobody_serves(call: Caller) -> None:
    """Fields of a version that is gone are nobody's after the next write."""
    entry = {"manager": "x", "operation": "Update", "apiVersion": "autoscaling/v2beta2", "fieldsType": "FieldsV1"}
    entry["fieldsV1"] = {"f:spec": {"f:minReplicas": {}}}  # type: ignore[assignment]
    body = autoscaler("v2", minReplicas=2)
    body["metadata"]["managedFields"] = [entry]
    await call("POST", f"{V2}?fieldManager=c", body)
    changed = await call("PATCH", f"{V2}/web?fieldManager=c", {"spec": {"maxReplicas": 9}}, MERGE)
    assert spec_fields(changed.body).keys() == {"c"}
