"""`metadata.generation` kind by kind, and what updates and deletions are called by their kinds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.writing.stage import MERGE, Caller

CLAIM = {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "gpu"}}]}}
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
MATCHED = {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["pods"]}]}
MUTATION = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{}"}}
POLICY = {"matchConstraints": MATCHED, "reinvocationPolicy": "Never", "mutations": [MUTATION]}


@pytest.mark.parametrize(
    ("path", "parts", "generation"),
    [
        ("networking.k8s.io/v1/servicecidrs", {"spec": {"cidrs": ["10.9.0.0/16"]}}, None),
        ("resource.k8s.io/v1/namespaces/default/resourceclaims", {"spec": CLAIM}, None),
        (
            "resource.k8s.io/v1/namespaces/default/resourceclaimtemplates",
            {"spec": {"spec": CLAIM}},
            None,
        ),
        ("scheduling.k8s.io/v1/priorityclasses", {"value": 5}, 1),
        (
            "autoscaling/v2/namespaces/default/horizontalpodautoscalers",
            {"spec": {"maxReplicas": 3, "scaleTargetRef": TARGET}},
            1,
        ),
    ],
)
async def test_first_generations(call: Caller, path: str, parts: dict[str, Any], generation: int | None) -> None:
    """Some kinds count from one, some not at all."""
    reply = await call("POST", f"/apis/{path}", {"metadata": {"name": "x"}, **parts})
    assert (reply.code, reply.body["metadata"].get("generation")) == (201, generation)


async def test_an_autoscaler_counts_changes_of_its_spec(call: Caller) -> None:
    """Written in either of its versions."""
    older, newer = (f"/apis/autoscaling/{each}/namespaces/default/horizontalpodautoscalers" for each in ("v1", "v2"))
    await call("POST", newer, {"metadata": {"name": "web"}, "spec": {"maxReplicas": 3, "scaleTargetRef": TARGET}})
    first = await call("PATCH", f"{older}/web", {"spec": {"maxReplicas": 4}}, MERGE)
    second = await call("PATCH", f"{newer}/web", {"metadata": {"labels": {"a": "b"}}}, MERGE)
    assert [each.body["metadata"]["generation"] for each in (first, second)] == [2, 2]


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        (
            "admissionregistration.k8s.io/v1/mutatingadmissionpolicies",
            {"spec": POLICY},
        ),
        ("storage.k8s.io/v1/namespaces/default/csistoragecapacities", {"storageClassName": "a"}),
    ],
)
async def test_updates_that_have_to_name_their_revision(call: Caller, path: str, parts: dict[str, Any]) -> None:
    """Without one they are invalid; the error names the resource, not the kind."""
    created = (await call("POST", f"/apis/{path}", {"metadata": {"name": "x"}, **parts})).body
    del created["metadata"]["resourceVersion"]
    reply = await call("PUT", f"/apis/{path}/x", created)
    group, plural = path.split("/")[0], path.split("/")[-1]
    why = "metadata.resourceVersion: Invalid value: 0: must be specified for an update"
    assert (reply.code, reply.message) == (422, f'{plural}.{group} "x" is invalid: {why}')


async def test_nothing_waits_for_the_dependents_of_an_event(call: Caller) -> None:
    """It has none: asked to go after them, an event that something else holds is not held by that as well."""
    path = "/api/v1/namespaces/default/events"
    metadata = {"name": "it", "finalizers": ["example.com/hold"]}
    await call("POST", path, {"metadata": metadata, "involvedObject": {"namespace": "default"}})
    await call("DELETE", f"{path}/it?propagationPolicy=Foreground")
    left = (await call("GET", f"{path}/it")).body["metadata"]
    assert (left["finalizers"], "deletionTimestamp" in left) == (["example.com/hold"], True)


async def test_who_changes_volumes_may_be_a_name_in_a_domain(call: Caller) -> None:
    """Of a VolumeAttributesClass as of a StorageClass."""
    path = "/apis/storage.k8s.io/v1/volumeattributesclasses"
    body: dict[str, Any] = {"metadata": {"name": "fast"}, "parameters": {"iops": "5"}}
    refused = await call("POST", path, {**body, "driverName": "a/b/c"})
    assert (refused.code, refused.causes[0].partition(":")[0]) == (422, "driverName")
    assert (await call("POST", path, {**body, "driverName": "example.com/disk"})).code == 201
