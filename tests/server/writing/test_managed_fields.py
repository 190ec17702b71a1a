"""Who owns what, as clients see and edit it: what Kubernetes' own tests of server-side apply ask for."""

from __future__ import annotations

from typing import Any

from kube_actors.api.patches import clone
from tests.server.writing.stage import APPLY, CONFIG_MAPS, JSON_PATCH, MERGE, PODS, Caller, config_map, deployment

ONE = f"{CONFIG_MAPS}/settings"
ENTRY = {"manager": "x", "operation": "Apply", "apiVersion": "v1", "time": "2019-07-08T09:31:18Z"}


def entries(body: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(manager, operation, subresource) of every entry."""
    found = body["metadata"].get("managedFields") or []
    return [(each["manager"], each["operation"], each.get("subresource", "")) for each in found]


async def test_an_empty_list_clears_them_for_good(call: Caller) -> None:
    """By a PUT; from then on nobody's changes are written down, until somebody applies."""
    await call("POST", f"{CONFIG_MAPS}?fieldManager=a", config_map(a="1"))
    body = config_map(a="1")
    body["metadata"]["managedFields"] = []
    assert entries((await call("PUT", ONE, body)).body) == []
    assert entries((await call("PATCH", ONE, {"data": {"b": "2"}}, MERGE)).body) == []
    applied = {"apiVersion": "v1", "kind": "ConfigMap", **config_map(c="3")}
    assert entries((await call.apply(ONE, applied)).body) == [("me", "Apply", ""), ("before-first-apply", "Update", "")]


async def test_entries_that_make_no_sense_are_passed_over(call: Caller) -> None:
    """On create, update and patch; what was known stays."""
    body = config_map(a="1")
    body["metadata"]["managedFields"] = [{**ENTRY, "fieldsType": "", "fieldsV1": {}}]
    created = await call("POST", f"{CONFIG_MAPS}?fieldManager=a", body)
    assert (created.code, entries(created.body)) == (201, [("a", "Update", "")])
    assert entries((await call("PUT", f"{ONE}?fieldManager=a", body)).body) == [("a", "Update", "")]
    patch = [{"op": "replace", "path": "/metadata/managedFields", "value": body["metadata"]["managedFields"]}]
    reply = await call("PATCH", f"{ONE}?fieldManager=a", patch, JSON_PATCH)
    assert (reply.code, entries(reply.body)) == (200, [("a", "Update", "")])


async def test_a_subresource_does_not_edit_them(call: Caller) -> None:
    """What a write of the status says of them means nothing; it is written down itself."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    pod["spec"] = {"containers": [{"name": "a", "image": "i"}]}
    created = (await call.apply(f"{PODS}/p", pod, "first")).body
    entry = {**ENTRY, "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:nodeName": {}}}}
    patch = {"metadata": {"managedFields": [entry]}, "status": {"phase": "Running"}}
    changed = (await call("PATCH", f"{PODS}/p/status?fieldManager=second", patch, MERGE)).body
    assert entries(changed) == [("first", "Apply", ""), ("second", "Update", "status")]
    assert changed["metadata"]["managedFields"][0] == created["metadata"]["managedFields"][0]


async def test_entries_of_the_same_manager_become_one(call: Caller) -> None:
    """Whoever takes the subresource out of an entry leaves two of the same name: the later one counts."""
    await call("POST", f"{PODS}?fieldManager=first", {"metadata": {"name": "p"}, **_spec()})
    await call("PATCH", f"{PODS}/p?fieldManager=m", {"metadata": {"labels": {"a": "two"}}}, MERGE)
    pod = (await call("PATCH", f"{PODS}/p/status?fieldManager=m", {"status": {"phase": "Running"}}, MERGE)).body
    for entry in pod["metadata"]["managedFields"]:
        entry.pop("subresource", None)
    kept = (await call("PUT", f"{PODS}/p", pod)).body["metadata"]["managedFields"]
    assert [(each["manager"], each["fieldsV1"]) for each in kept][1:] == [("m", {"f:status": {"f:phase": {}}})]


def _spec() -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "a", "image": "i"}]}}


async def test_only_so_many_updaters_are_remembered(call: Caller) -> None:
    """Eleven entries after twenty updaters and one applier: the oldest have become one."""
    await call.apply(ONE, {"apiVersion": "v1", "kind": "ConfigMap", **config_map(a="1")})
    for number in range(20):
        reply = await call("PATCH", f"{ONE}?fieldManager=u{number}", {"data": {f"u{number}": "x"}}, MERGE)
    names = [name for name, _, _ in entries(reply.body)]
    assert (len(names), names[:2]) == (11, ["me", "ancient-changes"])


async def test_applying_the_same_again_writes_nothing(call: Caller) -> None:
    """Neither with nulls and empty maps in it, nor with a quantity that is written otherwise."""
    target = "/apis/apps/v1/namespaces/default/deployments/web"
    body: dict[str, Any] = {"apiVersion": "apps/v1", "kind": "Deployment", **deployment()}
    body["metadata"] |= {"creationTimestamp": None, "annotations": {}}
    body["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"memory": "2048Mi"}}
    first = await call.apply(target, body)
    again = await call.apply(target, body)
    assert (first.code, again.code) == (201, 200)
    assert again.body["metadata"]["resourceVersion"] == first.body["metadata"]["resourceVersion"]
    put = clone(first.body)
    put["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"memory": "2048Mi"}}
    assert (await call("PUT", target, put)).body["metadata"]["resourceVersion"] == (
        first.body["metadata"]["resourceVersion"]
    )


async def test_an_empty_struct_is_not_the_same_as_none(call: Caller) -> None:
    """Leaving `emptyDir: {}` out is another configuration."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, **_spec()}
    with_volume = clone(pod)
    with_volume["spec"]["volumes"] = [{"name": "cache", "emptyDir": {}}]
    first = await call.apply(f"{PODS}/p", with_volume)
    del with_volume["spec"]["volumes"][0]["emptyDir"]
    second = await call.apply(f"{PODS}/p", with_volume)
    assert (first.code, second.code) == (201, 200)
    assert first.body["metadata"]["resourceVersion"] != second.body["metadata"]["resourceVersion"]


async def test_items_that_are_there_twice(call: Caller) -> None:
    """Created twice, applied beside, applied over: what belongs to whom, and what is left."""
    target = "/apis/apps/v1/namespaces/default/deployments/web"
    body: dict[str, Any] = {"apiVersion": "apps/v1", "kind": "Deployment", **deployment()}
    container = body["spec"]["template"]["spec"]["containers"][0]
    double = [{"name": "ENV0", "value": "0"}, {"name": "PATH", "value": "/bin"}, {"name": "PATH", "value": "$PATH:/x"}]
    created = clone(body)
    created["spec"]["template"]["spec"]["containers"][0]["env"] = double
    reply = await call("POST", "/apis/apps/v1/namespaces/default/deployments?fieldManager=create", created)
    assert _env_of(reply.body, "create")['k:{"name":"PATH"}'] == {}
    container["env"] = [{"name": "HOME", "value": "/home"}]
    reply = await call.apply(target, body, "apply")
    env = reply.body["spec"]["template"]["spec"]["containers"][0]["env"]
    assert [each["name"] for each in env if each["name"] != "HOME"] == ["ENV0", "PATH", "PATH"]
    assert 'k:{"name":"PATH"}' in _env_of(reply.body, "create")
    container["env"] = [{"name": "PATH", "value": "/usr/bin"}]
    reply = await call.apply(target, body, "apply", "&force=true")
    env = reply.body["spec"]["template"]["spec"]["containers"][0]["env"]
    assert sorted((each["name"], each["value"]) for each in env) == [("ENV0", "0"), ("PATH", "/usr/bin")]
    assert 'k:{"name":"PATH"}' not in _env_of(reply.body, "create")
    assert _env_of(reply.body, "apply")['k:{"name":"PATH"}'] == {".": {}, "f:name": {}, "f:value": {}}


def _env_of(body: dict[str, Any], manager: str) -> dict[str, Any]:
    fields = next(each["fieldsV1"] for each in body["metadata"]["managedFields"] if each["manager"] == manager)
    (container,) = fields["f:spec"]["f:template"]["f:spec"]["f:containers"].values()
    env: dict[str, Any] = container["f:env"]
    return env


async def test_fields_that_were_owned_as_a_whole(call: Caller) -> None:
    """A reference that an old server gave one owner is applied in part; what others wrote in it stays."""
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": "c", "namespace": "default", "uid": "u"}
    spec = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "16Mi"}, "hostPath": {"path": "/tmp/d"}}
    body = {"metadata": {"name": "pv"}, "spec": {**spec, "claimRef": claim}}
    await call("POST", "/api/v1/persistentvolumes?fieldManager=m", body)
    owned = {"manager": "m", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1"}
    patch = {"metadata": {"managedFields": [{**owned, "fieldsV1": {"f:spec": {"f:claimRef": {}}}}]}}
    await call("PATCH", "/api/v1/persistentvolumes/pv?fieldManager=m", patch, MERGE)
    wanted = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv"}}
    applied = {**wanted, "spec": {**spec, "claimRef": {"name": "c", "namespace": "default"}}}
    reply = await call("PATCH", "/api/v1/persistentvolumes/pv?fieldManager=a", applied, APPLY)
    assert (reply.code, reply.body["spec"]["claimRef"]) == (200, claim)
    first, second = reply.body["metadata"]["managedFields"]
    assert first["fieldsV1"]["f:spec"]["f:claimRef"] == {"f:name": {}, "f:namespace": {}}
    assert second["fieldsV1"] == {"f:spec": {"f:claimRef": {}}}
