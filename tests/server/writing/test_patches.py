"""The three kinds of patches over HTTP, and what becomes of those that do not fit."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.store import Key
from tests.server.writing.stage import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    JSON_PATCH,
    MERGE,
    STRATEGIC,
    Caller,
    config_map,
    deployment,
    managers,
)

WEB = f"{DEPLOYMENTS}/web"


@pytest.fixture
async def web(call: Caller) -> Caller:
    """A client of a cluster with the Deployment `web`."""
    await call("POST", DEPLOYMENTS, deployment())
    return call


async def test_merge_patch_replaces_lists(web: Caller) -> None:
    """A list of a merge patch is the list from now on, and null removes."""
    containers = [{"name": "other", "image": "busybox"}]
    patch = {"spec": {"revisionHistoryLimit": None, "template": {"spec": {"containers": containers}}}}
    spec = (await web("PATCH", WEB, patch, MERGE)).body["spec"]
    assert [each["name"] for each in spec["template"]["spec"]["containers"]] == ["other"]
    assert spec["revisionHistoryLimit"] == 10, "what is removed is defaulted again"


async def test_strategic_merge_patch_merges_lists(web: Caller) -> None:
    """Containers are merged by name; directives delete and replace."""
    add = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "busybox"}]}}}}
    spec = (await web("PATCH", WEB, add, STRATEGIC)).body["spec"]["template"]["spec"]
    assert [each["name"] for each in spec["containers"]] == ["side", "app"]
    remove = {"spec": {"template": {"spec": {"containers": [{"name": "side", "$patch": "delete"}]}}}}
    spec = (await web("PATCH", WEB, remove, STRATEGIC)).body["spec"]["template"]["spec"]
    assert [each["name"] for each in spec["containers"]] == ["app"]


async def test_json_patch(web: Caller) -> None:
    """Operations in order; one that fails takes all with it."""
    scale = [
        {"op": "test", "path": "/spec/replicas", "value": 1},
        {"op": "replace", "path": "/spec/replicas", "value": 3},
    ]
    assert (await web("PATCH", WEB, scale, JSON_PATCH)).body["spec"]["replicas"] == 3
    failed = await web("PATCH", WEB, [{"op": "replace", "path": "/spec/replicas", "value": 9}, *scale[:1]], JSON_PATCH)
    assert (failed.code, failed.body["reason"]) == (422, "Invalid")
    assert failed.message.startswith("the server rejected our request due to an error in our request")
    assert (await web("GET", WEB)).body["spec"]["replicas"] == 3


@pytest.mark.parametrize(
    ("patch", "content_type", "code", "message"),
    [
        (b"{", MERGE, 400, "error decoding patch: "),
        (b"[]", MERGE, 400, "error decoding patch: json: cannot unmarshal the patch into Go value of type map"),
        (b"{}", JSON_PATCH, 400, "error decoding patch: json: cannot unmarshal the patch into Go value of type []"),
        ([{"op": "fly", "path": "/a"}], JSON_PATCH, 422, "the server rejected our request due to an error in our"),
        ([{"op": "remove", "path": "/spec/none"}], JSON_PATCH, 422, "the server rejected our request"),
        ([{"op": "add", "path": "", "value": 3}], JSON_PATCH, 400, "the patch leaves no object with metadata"),
        ({"metadata": None}, MERGE, 400, "the patch leaves no object with metadata"),
        ({"kind": "Pod"}, MERGE, 422, ' "" is invalid: patch: Invalid value: "{\\"apiVersion\\":'),
        ({"kind": 5}, STRATEGIC, 422, ' "" is invalid: patch: Invalid value: "map[kind:5]": '),
        ({"metadata": {"name": "b"}}, MERGE, 400, "the name of the object (b) does not match the name"),
        ({"metadata": {"resourceVersion": "1"}}, MERGE, 409, "Operation cannot be fulfilled on deployments.apps"),
        ({"metadata": {"uid": "x"}}, MERGE, 422, 'Deployment.apps "web" is invalid: metadata.uid: Invalid value: "x"'),
        ({"spec": {"replicas": "x"}}, MERGE, 422, ' "" is invalid: patch: Invalid value: "{\\"apiVersion\\":'),
        ({"spec": {"selector": {"matchLabels": {"a": "b"}}}}, MERGE, 422, 'Deployment.apps "web" is invalid: '),
        ({"spec": {"$patch": "fly"}}, STRATEGIC, 500, "unknown patch type: fly in map: map[$patch:fly]"),
    ],
)  # fmt: skip
async def test_patches_that_do_not_fit(web: Caller, patch: Any, content_type: str, code: int, message: str) -> None:
    """They are refused and change nothing."""
    before = (await web("GET", WEB)).body
    reply = await web("PATCH", WEB, patch, content_type)
    assert (reply.code, reply.message.startswith(message)) == (code, True), reply.message
    assert (await web("GET", WEB)).body == before


@pytest.mark.parametrize("content_type", [MERGE, STRATEGIC])
async def test_unknown_fields_of_a_patch(web: Caller, content_type: str) -> None:
    """Told by default, refused when strict; never stored."""
    patch = b'{"spec":{"replicas":1,"foo":1,"replicas":2}}'
    strict = await web("PATCH", f"{WEB}?fieldValidation=Strict", patch, content_type)
    problems = ['duplicate field "spec.replicas"', 'unknown field "spec.foo"']
    assert (strict.code, strict.causes[0].endswith("strict decoding error: " + ", ".join(problems))) == (422, True)
    warned = await web("PATCH", WEB, patch, content_type)
    assert (warned.code, warned.warnings) == (200, problems)
    assert (warned.body["spec"]["replicas"], "foo" in warned.body["spec"]) == (2, False)


async def test_what_patches_say_of_the_type(web: Caller) -> None:
    """A strategic merge patch may say anything; others may leave it out, but no object becomes one of another kind."""
    for patch, content_type in [
        ({"apiVersion": "v1", "kind": "Pod"}, STRATEGIC),
        ({"apiVersion": None, "kind": ""}, MERGE),
        ([{"op": "remove", "path": "/kind"}], JSON_PATCH),
    ]:
        reply = await web("PATCH", WEB, patch, content_type)
        assert (reply.code, reply.body["apiVersion"], reply.body["kind"]) == (200, "apps/v1", "Deployment")
    refused = await web("PATCH", WEB, {"kind": "Pod"}, MERGE)
    assert refused.message.endswith(
        'no kind "Pod" is registered for version "apps/v1" in scheme "pkg/api/legacyscheme/scheme.go:30"'
    )
    scale = {"kind": "Deployment", "spec": {"replicas": 4}}
    assert (await web("PATCH", f"{WEB}/scale", scale, STRATEGIC)).body["spec"] == {"replicas": 4}
    assert (await web("PATCH", f"{WEB}/scale", scale, MERGE)).code == 422


async def test_refused_patches_show_all_that_was_made(web: Caller) -> None:
    """The whole outcome of a merge patch, unknown fields included."""
    reply = await web("PATCH", f"{WEB}?fieldValidation=Strict", {"spec": {"foo": "bar"}}, MERGE)
    assert '\\"foo\\":\\"bar\\"' in reply.message
    assert '\\"name\\":\\"web\\"' in reply.message


async def test_refused_patches_of_secrets_stay_secret(call: Caller) -> None:
    """What a Secret's patch holds is not told."""
    secrets = "/api/v1/namespaces/default/secrets"
    await call("POST", secrets, {"metadata": {"name": "s"}})
    patch = {"stringData": {"password": "hunter2"}, "foo": 1}
    reply = await call("PATCH", f"{secrets}/s?fieldValidation=Strict", patch, MERGE)
    assert (reply.code, "hunter2" in str(reply.body)) == (422, False)


async def test_options_of_patches(call: Caller) -> None:
    """`force` is for applies."""
    await call("POST", CONFIG_MAPS, config_map())
    reply = await call("PATCH", f"{CONFIG_MAPS}/settings?force=true", {}, MERGE)
    assert (reply.code, reply.causes) == (422, ["force: Forbidden: may not be specified for non-apply patch"])


async def test_a_patch_without_effect_writes_nothing(web: Caller) -> None:
    """The same object, the same resourceVersion."""
    before = (await web("GET", WEB)).body["metadata"]["resourceVersion"]
    reply = await web("PATCH", WEB, {"spec": {"replicas": 1}}, MERGE)
    assert (reply.code, reply.body["metadata"]["resourceVersion"]) == (200, before)


async def test_apply_creates_then_configures(call: Caller) -> None:
    """201 for a new object, 200 from then on; YAML or JSON."""
    text = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: '1'}\n"
    created = await call.apply(f"{CONFIG_MAPS}/settings", text)
    assert (created.code, managers(created.body)) == (201, [("me", "Apply", "")])
    body = {"apiVersion": "v1", "kind": "ConfigMap", **config_map(b="2")}
    changed = await call.apply(f"{CONFIG_MAPS}/settings", body)
    assert (changed.code, changed.body["data"]) == (200, {"b": "2"})


async def test_apply_conflicts(web: Caller) -> None:
    """409 with a cause for each field of somebody else, as kubectl reads it; `force` takes it over."""
    await web("PATCH", f"{WEB}?fieldManager=kubectl-client-side-apply", {"spec": {"replicas": 2}}, MERGE)
    reply = await web.apply(WEB, deployment(replicas=5))
    conflict = 'conflict with "kubectl-client-side-apply" using apps/v1'
    assert (reply.code, reply.body["reason"]) == (409, "Conflict")
    assert reply.body["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": conflict, "field": ".spec.replicas"}
    ]
    forced = await web.apply(WEB, deployment(replicas=5), query="&force=true")
    assert (forced.code, forced.body["spec"]["replicas"]) == (200, 5)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b"{", 400, "error decoding YAML: "),
        (b"[]", 400, "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal"),
        (b"", 400, "invalid object type: /, Kind="),
        ({"kind": "ConfigMap"}, 400, "invalid object type: /, Kind=ConfigMap"),
        ({"apiVersion": "v2", "kind": "ConfigMap"}, 400, "invalid object type: /v2, Kind=ConfigMap"),
        ({"apiVersion": "apps/v1", "kind": "Secret"}, 400, "invalid object type: apps/v1, Kind=Secret"),
        ({"apiVersion": "v1", "kind": "ConfigMap"}, 400, "the name of the object (settings based on URL) was"),
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}, 400, "the name of the object (x) does"),
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "dat": {}}, 500,
         "failed to create typed patch object (default/settings; /v1, Kind=ConfigMap): .dat: field not declared in"),
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": []}, 500,
         "failed to create typed patch object (default/settings; /v1, Kind=ConfigMap): .data: "),
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "managedFields": [{}]}}, 400,
         "metadata.managedFields must be nil"),
    ],
)  # fmt: skip
async def test_configurations_that_cannot_be_applied(call: Caller, body: Any, code: int, message: str) -> None:
    """400 that says why, and 500 without a reason for what does not fit the kind, as Kubernetes answers."""
    reply = await call.apply(f"{CONFIG_MAPS}/settings", body)
    assert (reply.code, reply.message.startswith(message)) == (code, True), reply.message
    assert reply.body.get("reason") == ("BadRequest" if code == 400 else None)


async def test_apply_needs_a_manager(call: Caller) -> None:
    """422 without `fieldManager`."""
    reply = await call("PATCH", f"{CONFIG_MAPS}/a", b"{}", "application/apply-patch+yaml")
    assert (reply.code, reply.causes) == (422, ["fieldManager: Required value: is required for apply patch"])


async def test_the_way_from_client_side_apply(web: Caller) -> None:
    """kubectl edits managedFields by a JSON patch that names the revision; then its applies own what it wrote."""
    body = (await web("PATCH", f"{WEB}?fieldManager=kubectl-client-side-apply", {"spec": {"replicas": 2}}, MERGE)).body
    entries = body["metadata"]["managedFields"]
    for entry in entries:
        if entry["manager"] == "kubectl-client-side-apply":
            entry.update(manager="kubectl", operation="Apply")
    patch = [
        {"op": "replace", "path": "/metadata/managedFields", "value": entries},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": body["metadata"]["resourceVersion"]},
    ]
    moved = await web("PATCH", WEB, patch, JSON_PATCH)
    assert (moved.code, ("kubectl", "Apply", "") in managers(moved.body)) == (200, True)
    assert (await web.apply(WEB, deployment(replicas=4), "kubectl")).body["spec"]["replicas"] == 4
    assert (await web("PATCH", WEB, patch, JSON_PATCH)).code == 409, "the revision is an old one by now"


async def test_clearing_managed_fields(web: Caller) -> None:
    """`[{}]` forgets who owned what."""
    reply = await web("PATCH", WEB, {"metadata": {"managedFields": [{}]}}, MERGE)
    assert (reply.code, reply.body["metadata"].get("managedFields")) == (200, None)


async def test_managed_fields_of_a_new_object(call: Caller) -> None:
    """Everything new is owned at every depth; structs that are there in every object are not."""
    body = deployment()
    body["spec"]["template"]["spec"]["containers"][0]["livenessProbe"] = {"tcpSocket": {"port": 80}}
    fields = (await call("POST", DEPLOYMENTS, body)).body["metadata"]["managedFields"][0]["fieldsV1"]
    spec = fields["f:spec"]
    assert "." not in spec["f:strategy"]
    assert "." in spec["f:strategy"]["f:rollingUpdate"]
    assert spec["f:template"]["f:metadata"] == {"f:labels": {".": {}, "f:app": {}}}
    containers = spec["f:template"]["f:spec"]["f:containers"]
    assert list(containers) == ['k:{"name":"app"}']
    probe = containers['k:{"name":"app"}']["f:livenessProbe"]
    assert ("." in probe, probe["f:tcpSocket"]) == (True, {".": {}, "f:port": {}})


async def test_concurrent_patches_all_arrive(web: Caller) -> None:
    """Patches that name no revision are tried again when somebody else was faster."""
    import trio

    async with trio.open_nursery() as nursery:
        for number in range(10):
            annotation = {"metadata": {"annotations": {f"n{number}": "x"}}}
            nursery.start_soon(web, "PATCH", WEB, annotation, MERGE)
    revision = web.session.plane.store.get(Key("deployments.apps", "default", "web"))
    assert revision is not None
    assert len(revision.body()["metadata"]["annotations"]) == 10


@pytest.mark.parametrize(
    ("patch", "shown", "why"),
    [
        ({"metadata": {"labels": "x"}}, "map[metadata:map[labels:x]]", "cannot restore map from string"),
        (
            {"metadata": {"labels": {"1": [None]}}},
            "map[metadata:map[labels:map[1:[<nil>]]]]",
            "unrecognized type: string",
        ),
        ({"metadata": {"labels": {"a": 1}}}, "map[metadata:map[labels:map[a:1]]]", "cannot convert int64 to string"),
        ({"spec": True}, "map[spec:true]", "cannot restore struct from: bool"),
        ({"spec": {"replicas": 1.5}}, "map[spec:map[replicas:1.5]]", "cannot convert float64 to int32"),
        ({"metadata": {"finalizers": {}}}, "map[metadata:map[finalizers:map[]]]", "cannot restore slice from map"),
    ],
)
async def test_strategic_merge_patch_that_does_not_fit(web: Caller, patch: Any, shown: str, why: str) -> None:
    """The converter's words, and the patch as Go prints it."""
    answer = await web("PATCH", WEB, patch, STRATEGIC)
    assert answer.code == 422
    assert answer.message == f' "" is invalid: patch: Invalid value: "{shown}": {why}'
