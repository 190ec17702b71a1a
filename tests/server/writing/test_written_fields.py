"""What is written though nobody said it (null, zero, the empty text, `{}`), and what is not written though it was said:
objects read as those of Kubernetes do, whose fields have `omitempty` or have not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.writing.stage import APPLY, JSON_PATCH, MERGE, PODS, Caller, deployment, pod

CORE = "/api/v1/namespaces/default"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
EVENT = {"involvedObject": {"namespace": "default"}}
NO_SLICE = {"addressType": "IPv4", "endpoints": None, "ports": None}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
SUBJECT = {"kind": "User", "user": {"name": "a"}}


async def made(call: Caller, path: str, parts: dict[str, Any]) -> dict[str, Any]:
    """What a new object has beside apiVersion, kind and metadata."""
    reply = await call("POST", path, {"metadata": {"name": "x"}, **parts})
    assert reply.code == 201
    return {name: value for name, value in reply.body.items() if name not in ("apiVersion", "kind", "metadata")}


@pytest.mark.parametrize(
    ("path", "sent", "stored"),
    [
        (
            f"{CORE}/events",
            EVENT,
            {
                **EVENT,
                **{"eventTime": None, "firstTimestamp": None, "lastTimestamp": None},
                **{"reportingComponent": "", "reportingInstance": "", "source": {}},
            },
        ),
        (f"{RBAC}/clusterroles", {}, {"rules": None}),
        (f"{RBAC}/namespaces/default/roles", {"rules": []}, {"rules": None}),
        (f"{CORE}/limitranges", {}, {"spec": {"limits": None}}),
        ("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", {"addressType": "IPv4"}, NO_SLICE),
        (
            "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
            {"addressType": "IPv4", "endpoints": [], "ports": None},
            NO_SLICE,
        ),
        (
            "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
            {},
            {
                "spec": {},
                "status": {"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0},
            },
        ),
        ("/apis/coordination.k8s.io/v1/namespaces/default/leases", {}, {"spec": {}}),
        (
            "/apis/storage.k8s.io/v1/csinodes",
            {"spec": {"drivers": [{"name": "a.b", "nodeID": "n"}]}},
            {"spec": {"drivers": [{"name": "a.b", "nodeID": "n", "topologyKeys": None}]}},
        ),
    ],
)
async def test_unset_fields_are_written(call: Caller, path: str, sent: dict[str, Any], stored: dict[str, Any]) -> None:
    """Where the Go type has no `omitempty`, and for times, which it does not help."""
    assert await made(call, path, sent) == stored


async def test_unset_fields_inside(call: Caller) -> None:
    """At any depth, and where the kind has a default, the default."""
    container = {
        "name": "a",
        "image": "x",
        "env": [{"name": "E", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}],
        "livenessProbe": {"grpc": {"port": 1}},
    }
    volume = {"name": "v", "projected": {}}
    spec = (await made(call, PODS, {"spec": {"containers": [container], "volumes": [volume]}}))["spec"]
    assert spec["containers"][0]["env"][0]["valueFrom"] == {
        "resourceFieldRef": {"divisor": "0", "resource": "limits.cpu"}
    }
    assert spec["containers"][0]["livenessProbe"]["grpc"] == {"port": 1, "service": ""}
    assert spec["volumes"][0]["projected"] == {"defaultMode": 420, "sources": None}
    claim = {**CLAIM, "dataSource": {"kind": "PersistentVolumeClaim", "name": "o"}}
    spec = (await made(call, f"{CORE}/persistentvolumeclaims", {"spec": claim}))["spec"]
    assert spec["dataSource"] == {"apiGroup": None, "kind": "PersistentVolumeClaim", "name": "o"}
    classes = "/apis/networking.k8s.io/v1/ingressclasses"
    spec = (await made(call, classes, {"spec": {"controller": "a.b/c", "parameters": {"kind": "K", "name": "n"}}}))[
        "spec"
    ]
    assert spec["parameters"] == {"kind": "K", "name": "n", "scope": "Cluster"}
    flow = "/apis/flowcontrol.apiserver.k8s.io/v1"
    limited = {"type": "Limited", "limited": {"limitResponse": {"type": "Reject"}}}
    level = (await made(call, f"{flow}/prioritylevelconfigurations", {"spec": limited}))["spec"]
    assert level["limited"]["nominalConcurrencyShares"] == 30
    rule = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": True}
    rules = [{"subjects": [SUBJECT], "resourceRules": [rule]}]
    schema = {"priorityLevelConfiguration": {"name": "exempt"}, "rules": rules}
    stored = (await made(call, f"{flow}/flowschemas", {"spec": schema}))["spec"]
    assert stored["rules"][0]["resourceRules"] == [{**rule, "namespaces": None}]


async def test_zeros_are_not_written(call: Caller) -> None:
    """What says no more than nothing goes, so that it is defaulted as if it was not there; what is a pointer stays."""
    spec = {
        "hostNetwork": False,
        "hostname": "",
        "restartPolicy": "",
        "automountServiceAccountToken": False,
        "containers": [{"name": "a", "image": "x", "stdin": False, "env": [{"name": "E", "value": ""}]}],
    }
    stored = (await made(call, PODS, {"spec": spec}))["spec"]
    assert not {"hostNetwork", "hostname"} & stored.keys()
    assert (stored["restartPolicy"], stored["automountServiceAccountToken"]) == ("Always", False)
    assert (stored["containers"][0]["env"], "stdin" in stored["containers"][0]) == ([{"name": "E"}], False)
    claim = {**CLAIM, "storageClassName": ""}
    stored = (await made(call, f"{CORE}/persistentvolumeclaims", {"spec": claim}))["spec"]
    assert stored["storageClassName"] == ""
    wrong = await call("POST", PODS, pod("y", hostname=False))
    assert (wrong.code, "cannot unmarshal bool into Go struct field PodSpec.spec.hostname" in wrong.message) == (
        400,
        True,
    )


async def test_a_zero_is_no_change(call: Caller) -> None:
    """Saying what is so anyway is no change: the generation stays, in a PUT, a patch and an apply."""
    path = "/apis/apps/v1/namespaces/default/deployments"
    await call("POST", path, deployment())
    spec = {**deployment()["spec"], "paused": False, "minReadySeconds": 0}
    put = await call("PUT", f"{path}/web", {**deployment(), "spec": spec})
    patched = await call("PATCH", f"{path}/web", {"spec": {"paused": False}}, MERGE)
    replaced = await call("PATCH", f"{path}/web", [{"op": "add", "path": "/spec/paused", "value": False}], JSON_PATCH)
    applied = await call.apply(f"{path}/web", {**deployment(), "spec": spec})
    for reply in (put, patched, replaced, applied):
        assert (reply.body["metadata"]["generation"], "paused" in reply.body["spec"]) == (1, False)
    fields = applied.body["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]
    assert {"f:paused", "f:minReadySeconds"} <= fields.keys()


async def test_nobody_owns_what_nobody_said(call: Caller) -> None:
    """Neither nulls nor zeros of a new object; in a new item of a list everything has its owner."""
    created = await call("POST", f"{CORE}/events", {"metadata": {"name": "x"}, **EVENT, "reason": "Why"})
    (entry,) = created.body["metadata"]["managedFields"]
    assert entry["fieldsV1"] == {"f:involvedObject": {}, "f:reason": {}}
    created = await call("POST", f"{CORE}/events", {"metadata": {"name": "y"}, "involvedObject": {}, "reason": "Why"})
    (entry,) = created.body["metadata"]["managedFields"]
    assert entry["fieldsV1"] == {"f:reason": {}}
    await call("POST", PODS, pod())
    status = {"status": {"conditions": [{"type": "Fine", "status": "True"}]}}
    reply = await call("PATCH", f"{PODS}/web/status", status, MERGE)
    (condition,) = reply.body["status"]["conditions"]
    assert condition == {"type": "Fine", "status": "True", "lastProbeTime": None, "lastTransitionTime": None}
    fields = reply.body["metadata"]["managedFields"][1]["fieldsV1"]["f:status"]["f:conditions"]
    names = {"f:lastProbeTime", "f:lastTransitionTime", "f:status", "f:type"}
    assert fields['k:{"type":"Fine"}'] == {".": {}, **{name: {} for name in names}}


async def test_who_leaves_nulls_out_changes_nothing(call: Caller) -> None:
    """Clients that drop nulls and those that send them back write the same object."""
    await call("POST", PODS, pod())
    condition = {"type": "Fine", "status": "True"}
    path = f"{PODS}/web/status"
    first = (await call("PATCH", path, {"status": {"conditions": [condition]}}, MERGE)).body
    for conditions in ([condition], first["status"]["conditions"]):
        again = (await call("PATCH", path, {"status": {"conditions": conditions}}, MERGE)).body
        assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
        same = (await call("PUT", path, {**first, "status": {**first["status"], "conditions": conditions}})).body
        assert same["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_events_in_two_versions(call: Caller) -> None:
    """Each version writes what its own type writes."""
    await call("POST", f"{CORE}/events", {"metadata": {"name": "x"}, **EVENT})
    new = (await call("GET", "/apis/events.k8s.io/v1/namespaces/default/events/x")).body
    times = ("eventTime", "deprecatedFirstTimestamp", "deprecatedLastTimestamp")
    assert [new[name] for name in times] == [None, None, None]
    assert not {"reportingController", "reportingInstance"} & new.keys()


async def test_an_applied_node_says_itself_what_it_is(call: Caller) -> None:
    """An apply that creates a node keeps its status, which is not the applier's; later ones leave it alone."""
    body = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "n", "labels": {"a": "b"}},
        "status": {"capacity": {"cpu": "4"}},
    }
    reply = await call("PATCH", "/api/v1/nodes/n?fieldManager=me", body, APPLY)
    assert (reply.code, reply.body["status"]["capacity"]) == (201, {"cpu": "4"})
    (entry,) = reply.body["metadata"]["managedFields"]
    assert "f:status" not in entry["fieldsV1"]
    reply = await call(
        "PATCH", "/api/v1/nodes/n?fieldManager=me", {**body, "status": {"capacity": {"cpu": "8"}}}, APPLY
    )
    assert (reply.code, reply.body["status"]["capacity"]) == (200, {"cpu": "4"})


async def test_applied_nulls_inside_data_of_any_kind_stay(call: Caller) -> None:
    """What a ControllerRevision keeps is kept as it is."""
    body = {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {"name": "r"},
        "data": {"gone": None, "list": [None], "spec": {"strategy": None}},
        "revision": 1,
    }
    path = "/apis/apps/v1/namespaces/default/controllerrevisions/r"
    reply = await call("PATCH", f"{path}?fieldManager=me", body, APPLY)
    assert (reply.code, reply.body["data"]) == (201, body["data"])
    reply = await call("PATCH", f"{path}?fieldManager=me", {**body, "revision": 2}, APPLY)
    assert (reply.code, reply.body["data"]) == (200, body["data"])
