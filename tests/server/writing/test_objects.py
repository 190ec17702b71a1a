"""Creating, replacing and deleting objects over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.writing.stage import CONFIG_MAPS, DEPLOYMENTS, PODS, Caller, config_map, deployment, managers, pod


async def test_create(call: Caller) -> None:
    """201 with the stored object, owned by the client's program; a second one is 409."""
    reply = await call("POST", CONFIG_MAPS, config_map(a="1"), agent="kubectl/v1.36.0 (linux)")
    assert (reply.code, reply.body["metadata"]["namespace"], managers(reply.body)) == (
        201,
        "default",
        [("kubectl", "Update", "")],
    )
    again = await call("POST", CONFIG_MAPS, config_map())
    assert (again.code, again.body["reason"], again.message) == (
        409,
        "AlreadyExists",
        'configmaps "settings" already exists',
    )


async def test_field_manager_of_the_query(call: Caller) -> None:
    """`fieldManager` names the owner."""
    reply = await call("POST", f"{CONFIG_MAPS}?fieldManager=kubectl-create", config_map(a="1"))
    assert managers(reply.body) == [("kubectl-create", "Update", "")]


async def test_generated_names(call: Caller) -> None:
    """`generateName` gives each object a name of its own."""
    bodies = [await call("POST", CONFIG_MAPS, {"metadata": {"generateName": "job-"}}) for _ in range(3)]
    names = {reply.body["metadata"]["name"] for reply in bodies}
    assert len(names) == 3
    assert all(name.startswith("job-") and len(name) == len("job-") + 5 for name in names)


async def test_dry_run_stores_nothing(call: Caller) -> None:
    """`dryRun=All` answers what would be there, for every verb."""
    assert (await call("POST", f"{CONFIG_MAPS}?dryRun=All", config_map())).code == 201
    assert (await call("GET", f"{CONFIG_MAPS}/settings")).code == 404
    await call("POST", CONFIG_MAPS, config_map(a="1"))
    assert (await call("PUT", f"{CONFIG_MAPS}/settings?dryRun=All", config_map(a="2"))).body["data"] == {"a": "2"}
    assert (await call("DELETE", f"{CONFIG_MAPS}/settings?dryRun=All")).code == 200
    assert (await call("GET", f"{CONFIG_MAPS}/settings")).body["data"] == {"a": "1"}


async def test_namespaces_decide_first(call: Caller) -> None:
    """404 for a namespace that is not there and 403 for one that ends, before the object is even looked at."""
    reply = await call("POST", "/apis/apps/v1/namespaces/none/deployments", {"metadata": {"name": "UPPER"}})
    assert (reply.code, reply.message) == (404, 'namespaces "none" not found')
    await call("POST", "/api/v1/namespaces", {"metadata": {"name": "ending"}})
    ending = await call("DELETE", "/api/v1/namespaces/ending")
    assert (ending.code, ending.body["kind"], ending.body["status"]["phase"]) == (200, "Namespace", "Terminating")
    reply = await call("POST", "/api/v1/namespaces/ending/configmaps", config_map())
    assert (reply.code, reply.body["details"]["causes"][0]["reason"]) == (403, "NamespaceTerminating")


async def test_all_causes_at_once(call: Caller) -> None:
    """422 with everything that is wrong."""
    body = deployment(replicas=-1)
    body["spec"]["selector"]["matchLabels"] = {"app": "other"}
    reply = await call("POST", DEPLOYMENTS, body)
    assert (reply.code, reply.body["reason"]) == (422, "Invalid")
    assert {cause.partition(":")[0] for cause in reply.causes} == {"spec.replicas", "spec.template.metadata.labels"}


async def test_update(call: Caller) -> None:
    """200; 404 for what is not there; 409 for an old resourceVersion or another uid, 400 for what is no version."""
    first = (await call("POST", CONFIG_MAPS, config_map(a="1"))).body
    second = await call("PUT", f"{CONFIG_MAPS}/settings", {**first, "data": {"a": "2"}})
    assert (second.code, second.body["data"]) == (200, {"a": "2"})
    stale = await call("PUT", f"{CONFIG_MAPS}/settings", {**first, "data": {"a": "3"}})
    assert (stale.code, stale.body["reason"]) == (409, "Conflict")
    assert stale.message.endswith("please apply your changes to the latest version and try again")
    for version in ("abc", "-1"):
        wrong = await call(
            "PUT", f"{CONFIG_MAPS}/settings", {"metadata": {"name": "settings", "resourceVersion": version}}
        )
        assert (wrong.code, f'parsing "{version}": invalid syntax' in wrong.message) == (400, True)
    other = await call("PUT", f"{CONFIG_MAPS}/settings", {"metadata": {"name": "settings", "uid": "x"}})
    assert (other.code, "UID in precondition: x" in other.message) == (409, True)
    assert (await call("PUT", f"{CONFIG_MAPS}/none", config_map("none"))).code == 404


async def test_kinds_that_a_put_creates(call: Caller) -> None:
    """A PUT to a free name makes a Role or a Lease, as it always has."""
    roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles"
    reply = await call("PUT", f"{roles}/reader", {"metadata": {"name": "reader"}, "rules": []})
    assert (reply.code, reply.body["kind"]) == (201, "Role")
    assert (await call("PUT", f"{roles}/reader", {"metadata": {"name": "reader"}, "rules": []})).code == 200


async def test_kinds_that_want_a_version(call: Caller) -> None:
    """A PodDisruptionBudget is not replaced without saying which revision of it."""
    budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
    body: dict[str, Any] = {"metadata": {"name": "pdb"}, "spec": {"minAvailable": 1}}
    created = await call("POST", budgets, body)
    reply = await call("PUT", f"{budgets}/pdb", body)
    assert (reply.code, reply.causes) == (
        422,
        ["metadata.resourceVersion: Invalid value: 0: must be specified for an update"],
    )
    assert (await call("PUT", f"{budgets}/pdb", created.body)).code == 200


async def test_delete_answers_a_status(call: Caller) -> None:
    """A Status that names what went; 404 from then on."""
    created = (await call("POST", DEPLOYMENTS, deployment())).body
    reply = await call("DELETE", f"{DEPLOYMENTS}/web")
    details = {"name": "web", "group": "apps", "kind": "deployments", "uid": created["metadata"]["uid"]}
    assert (reply.code, reply.body["status"], reply.body["details"]) == (200, "Success", details)
    assert (await call("DELETE", f"{DEPLOYMENTS}/web")).code == 404


async def test_pods_answer_themselves(call: Caller) -> None:
    """A pod no node runs goes at once and is the answer; one that runs is answered with its end."""
    await call("POST", PODS, pod("one"))
    gone = await call("DELETE", f"{PODS}/one")
    assert (gone.body["kind"], (await call("GET", f"{PODS}/one")).code) == ("Pod", 404)
    await call("POST", PODS, pod("two"))
    await call("POST", f"{PODS}/two/binding", {"target": {"kind": "Node", "name": "n"}})
    ending = (await call("DELETE", f"{PODS}/two", {"gracePeriodSeconds": 5})).body
    assert ending["metadata"]["deletionGracePeriodSeconds"] == 5
    assert (await call("GET", f"{PODS}/two")).code == 200
    await call("DELETE", f"{PODS}/two?gracePeriodSeconds=0")
    assert (await call("GET", f"{PODS}/two")).code == 404


async def test_who_deletes_is_not_warned_of_fields(call: Caller) -> None:
    """What a field would do concerns who asks for it, not who takes the object away."""
    confined = pod("one")
    confined["spec"]["securityContext"] = {"seccompProfile": {"type": "RuntimeDefault"}}
    told = ["spec.securityContext.seccompProfile: seccomp filters are not installed"]
    assert (await call("POST", PODS, confined)).warnings == told
    await call("POST", f"{PODS}/one/binding", {"target": {"kind": "Node", "name": "n"}})
    ending = await call("DELETE", f"{PODS}/one")
    assert (ending.body["kind"], ending.warnings) == ("Pod", [])


async def test_who_changes_a_label_is_not_warned_of_fields(call: Caller) -> None:
    """They were told when the object was made, and are again when its spec changes: by each kind of write."""
    services, told = "/api/v1/namespaces/default/services", ["spec.loadBalancerClass: there is no load balancer"]
    spec = {"ports": [{"port": 80}], "type": "LoadBalancer", "loadBalancerClass": "a.b/c"}
    made = await call("POST", services, {"metadata": {"name": "web"}, "spec": spec})
    assert made.warnings == told
    merge = "application/merge-patch+json"
    labelled = await call("PATCH", f"{services}/web", {"metadata": {"labels": {"a": "b"}}}, merge)
    assert (labelled.code, labelled.warnings) == (200, [])
    assert (await call("PATCH", f"{services}/web", {"spec": {"selector": {"a": "b"}}}, merge)).warnings == told
    live = (await call("GET", f"{services}/web")).body
    live["metadata"]["annotations"] = {"a": "b"}
    assert (await call("PUT", f"{services}/web", live)).warnings == []
    live["metadata"].pop("resourceVersion")
    live["spec"]["selector"] = {"a": "c"}
    assert (await call("PUT", f"{services}/web", live)).warnings == told
    applied = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "labels": {"c": "d"}}}
    assert (await call.apply(f"{services}/web", applied)).warnings == []
    changed = await call.apply(f"{services}/web", {**applied, "spec": {"selector": {"e": "f"}}}, query="&force=true")
    assert (changed.code, changed.warnings) == (200, told)


async def test_propagation(call: Caller) -> None:
    """The policy becomes a finalizer; the old way to ask for it is answered with 202."""
    for name, body, code, finalizers in (
        ("a", {"propagationPolicy": "Foreground"}, 200, ["foregroundDeletion"]),
        ("b", {"propagationPolicy": "Orphan"}, 200, ["orphan"]),
        ("c", {"orphanDependents": True}, 200, ["orphan"]),
    ):
        await call("POST", DEPLOYMENTS, deployment(name))
        reply = await call(
            "DELETE", f"{DEPLOYMENTS}/{name}", {"kind": "DeleteOptions", "apiVersion": "apps/v1", **body}
        )
        assert (reply.code, reply.body["metadata"]["finalizers"]) == (code, finalizers)


async def test_preconditions(call: Caller) -> None:
    """409 when the object is not the one that was meant, in Kubernetes' words."""
    metadata = (await call("POST", DEPLOYMENTS, deployment())).body["metadata"]
    cannot = 'Operation cannot be fulfilled on Deployment.apps "web": '
    reply = await call("DELETE", f"{DEPLOYMENTS}/web", {"preconditions": {"uid": "x"}})
    why = f"the UID in the precondition (x) does not match the UID in record ({metadata['uid']})"
    assert (reply.code, reply.message.startswith(f"{cannot}{why}")) == (409, True), reply.message
    assert reply.body["details"] == {"group": "apps", "kind": "Deployment", "name": "web"}
    reply = await call("DELETE", f"{DEPLOYMENTS}/web", {"preconditions": {"resourceVersion": "1"}})
    why = "the ResourceVersion in the precondition (1) does not match the ResourceVersion in record "
    why += f"({metadata['resourceVersion']}). The object might have been modified"
    assert (reply.code, reply.message) == (409, f"{cannot}{why}")


async def test_a_grace_below_zero_is_a_second(call: Caller) -> None:
    """As in Kubernetes, whose own tests count on it."""
    pod = {"metadata": {"name": "p"}, "spec": {"nodeName": "n", "containers": [{"name": "a", "image": "i"}]}}
    await call("POST", "/api/v1/namespaces/default/pods", pod)
    reply = await call("DELETE", "/api/v1/namespaces/default/pods/p?gracePeriodSeconds=-5")
    assert (reply.code, reply.body["metadata"]["deletionGracePeriodSeconds"]) == (200, 1)


async def test_patches_do_not_change_the_uid(call: Caller) -> None:
    """422: what a patch makes of the object is another one."""
    await call("POST", CONFIG_MAPS, config_map())
    patch = {"metadata": {"uid": "x"}}
    reply = await call("PATCH", f"{CONFIG_MAPS}/settings", patch, "application/merge-patch+json")
    assert (reply.code, reply.causes) == (422, ['metadata.uid: Invalid value: "x": field is immutable'])


async def test_a_collection_is_deleted_in_pages(call: Caller) -> None:
    """With `limit` the answer has a token to go on with; fields that cannot be selected by are refused as in a list."""
    for name in "abc":
        await call("POST", CONFIG_MAPS, config_map(name))
    first = (await call("DELETE", f"{CONFIG_MAPS}?limit=2")).body
    assert [each["metadata"]["name"] for each in first["items"]] == ["a", "b"]
    rest = (await call("DELETE", f"{CONFIG_MAPS}?limit=2&continue={first['metadata']['continue']}")).body
    assert ([each["metadata"]["name"] for each in rest["items"]], rest["metadata"].get("continue")) == (["c"], None)
    refused = await call("DELETE", f"{CONFIG_MAPS}?fieldSelector=data.a%3D1")
    assert (refused.code, refused.message.startswith('"data.a" is not a known field selector')) == (400, True)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"propagationPolicy": "Maybe"}, 422, "propagationPolicy: Unsupported value"),
        ({"propagationPolicy": "Orphan", "orphanDependents": True}, 422, "cannot be both set"),
        ({"gracePeriodSeconds": "1"}, 400, "cannot unmarshal string"),
        ({"kind": "Pod"}, 400, "decoded object cannot be converted to DeleteOptions"),
        ({"dryRun": ["Some"]}, 422, "dryRun: Unsupported value"),
        ([], 400, "the object provided is unrecognized (must be of type DeleteOptions)"),
    ],
)
async def test_wrong_delete_options(call: Caller, body: Any, code: int, message: str) -> None:
    """They delete nothing."""
    await call("POST", CONFIG_MAPS, config_map())
    reply = await call("DELETE", f"{CONFIG_MAPS}/settings", body)
    assert (reply.code, message in reply.message) == (code, True), reply.message
    assert (await call("GET", f"{CONFIG_MAPS}/settings")).code == 200


async def test_delete_collection(call: Caller) -> None:
    """What the selectors match goes and is the answer; the rest stays."""
    for name, label in (("a", "x"), ("b", "x"), ("c", "y")):
        await call("POST", CONFIG_MAPS, {"metadata": {"name": name, "labels": {"app": label}}})
    reply = await call("DELETE", f"{CONFIG_MAPS}?labelSelector=app%3Dx&fieldSelector=metadata.name!%3Db")
    assert (reply.body["kind"], [each["metadata"]["name"] for each in reply.body["items"]]) == ("ConfigMapList", ["a"])
    listed = (await call("GET", CONFIG_MAPS)).body["items"]
    assert [each["metadata"]["name"] for each in listed] == ["b", "c"]
    assert (await call("DELETE", f"{CONFIG_MAPS}?labelSelector=!!")).code == 400
    assert (await call("DELETE", f"{CONFIG_MAPS}?fieldSelector=data.a%3Db")).code == 400


async def test_two_versions_of_one_kind(call: Caller) -> None:
    """An autoscaler of autoscaling/v1 is the one of v2, patched in either."""
    v1, v2 = (
        "/apis/autoscaling/" + version + "/namespaces/default/horizontalpodautoscalers" for version in ("v1", "v2")
    )
    spec = {"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "web"}}
    body = {"metadata": {"name": "web"}, "spec": {**spec, "targetCPUUtilizationPercentage": 50}}
    created = await call("POST", v1, body)
    assert (created.body["apiVersion"], created.body["spec"]["targetCPUUtilizationPercentage"]) == (
        "autoscaling/v1",
        50,
    )
    metric = (await call("GET", f"{v2}/web")).body["spec"]["metrics"][0]
    assert metric["resource"]["target"] == {"type": "Utilization", "averageUtilization": 50}
    await call("PATCH", f"{v1}/web", {"spec": {"targetCPUUtilizationPercentage": 60}}, "application/merge-patch+json")
    metric = (await call("GET", f"{v2}/web")).body["spec"]["metrics"][0]
    assert metric["resource"]["target"]["averageUtilization"] == 60


async def test_events_of_both_groups(call: Caller) -> None:
    """An Event of events.k8s.io is found in the core group, its fields under their names there."""
    events = "/apis/events.k8s.io/v1/namespaces/default/events"
    body = {
        "metadata": {"name": "e"},
        "eventTime": "2025-01-01T00:00:00.000000Z",
        "regarding": {"kind": "Pod", "name": "p", "namespace": "default"},
        "note": "hello",
        "reportingController": "c",
        "reportingInstance": "i",
        "action": "A",
        "reason": "R",
        "type": "Normal",
    }
    assert (await call("POST", events, body)).body["note"] == "hello"
    core = (await call("GET", "/api/v1/namespaces/default/events/e")).body
    assert (core["apiVersion"], core["message"], core["involvedObject"]["name"]) == ("v1", "hello", "p")
    assert (await call("DELETE", f"{events}/e")).code == 200
    assert (await call("GET", "/api/v1/namespaces/default/events/e")).code == 404
