"""What an object is as soon as it is there: frames, first statuses, counts; and what may not be there at first."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.writing.stage import CONFIG_MAPS, MERGE, PODS, Caller, deployment

SERVICES = "/api/v1/namespaces/default/services"
DAEMON_SETS = "/apis/apps/v1/namespaces/default/daemonsets"
TEMPLATE = deployment()["spec"]["template"]
WORKLOAD = {"selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE}


def _named(name: str = "x", **parts: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, **parts}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/apis/apps/v1/namespaces/default/deployments", {"spec": WORKLOAD}, {}),
        ("/apis/apps/v1/namespaces/default/replicasets", {"spec": WORKLOAD}, {"replicas": 0}),
        (
            "/apis/apps/v1/namespaces/default/statefulsets",
            {"spec": WORKLOAD},
            {"availableReplicas": 0, "replicas": 0},
        ),
        (
            "/apis/apps/v1/namespaces/default/daemonsets",
            {"spec": WORKLOAD},
            {"currentNumberScheduled": 0, "desiredNumberScheduled": 0, "numberMisscheduled": 0, "numberReady": 0},
        ),
        (
            "/apis/batch/v1/namespaces/default/jobs",
            {"spec": {"template": {"spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}}},
            {},
        ),
        (
            "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
            {"spec": {"defaultBackend": {"service": {"name": "a", "port": {"number": 1}}}}},
            {"loadBalancer": {}},
        ),
        (SERVICES, {"spec": {"type": "ExternalName", "externalName": "a.b"}}, {"loadBalancer": {}}),
        (
            "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
            {"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "a"}, "maxReplicas": 1}},
            {"currentMetrics": None, "desiredReplicas": 0},
        ),
        ("/api/v1/namespaces/default/resourcequotas", {"spec": {"hard": {"pods": "1"}}}, {}),
    ],
)
async def test_status_before_anybody_wrote_it(
    call: Caller, path: str, body: dict[str, Any], status: dict[str, Any]
) -> None:
    """There is one, with what clients count on, and nobody owns it; a status that is sent along is passed over."""
    reply = await call("POST", path, _named(**body, status={"observedGeneration": 7}))
    assert (reply.code, reply.body["status"]) == (201, status)
    assert not any("f:status" in each["fieldsV1"] for each in reply.body["metadata"]["managedFields"])


async def test_a_status_is_emptied_not_removed(call: Caller) -> None:
    """Replacing the status by nothing leaves the empty one."""
    path = "/apis/apps/v1/namespaces/default/replicasets"
    await call("POST", path, _named(spec=WORKLOAD))
    await call("PATCH", f"{path}/x/status", {"status": {"replicas": 3}}, MERGE)
    assert (await call("PATCH", f"{path}/x/status", {"status": None}, MERGE)).body["status"] == {"replicas": 0}


async def test_a_node_says_itself_what_it_is(call: Caller) -> None:
    """A node is created with its status, as kubelets and simulators do."""
    status = {"capacity": {"cpu": "4"}, "allocatable": {"cpu": "4"}}
    bare = (await call("POST", "/api/v1/nodes", _named("bare"))).body["status"]
    assert (bare["nodeInfo"]["kubeletVersion"], bare["daemonEndpoints"]) == ("", {"kubeletEndpoint": {"Port": 0}})
    assert (await call("POST", "/api/v1/nodes", _named(status=status))).body["status"] == {**bare, **status}


async def test_templates_of_daemon_sets_are_counted(call: Caller) -> None:
    """In an annotation that comes back when a client leaves it out, and counts templates only."""
    key = "deprecated.daemonset.template.generation"
    created = (await call("POST", DAEMON_SETS, _named(spec=WORKLOAD))).body
    same = (await call("PATCH", f"{DAEMON_SETS}/x", {"metadata": {"annotations": None}}, MERGE)).body
    scaled = (await call("PATCH", f"{DAEMON_SETS}/x", {"spec": {"minReadySeconds": 1}}, MERGE)).body
    changed = {"spec": {"template": {"metadata": {"labels": {"more": "1"}}}}}
    after = (await call("PATCH", f"{DAEMON_SETS}/x", changed, MERGE)).body
    assert [each["metadata"]["annotations"][key] for each in (created, same, scaled, after)] == ["1", "1", "1", "2"]
    assert [each["metadata"]["generation"] for each in (created, same, scaled, after)] == [1, 1, 2, 3]


async def test_generations_of_webhook_configurations(call: Caller) -> None:
    """They have no spec, but are counted from 1 on."""
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    assert (await call("POST", path, _named())).body["metadata"]["generation"] == 1


@pytest.mark.parametrize(
    ("spec", "families", "policy"),
    [
        ({"clusterIP": "None"}, ["IPv4", "IPv6"], "RequireDualStack"),
        ({"clusterIP": "None", "ipFamilyPolicy": "SingleStack"}, ["IPv4"], "SingleStack"),
        ({"clusterIP": "None", "selector": {"a": "b"}}, ["IPv4"], "SingleStack"),
        ({}, ["IPv4"], "SingleStack"),
        ({"ipFamilyPolicy": "PreferDualStack"}, ["IPv4"], "PreferDualStack"),
    ],
)
async def test_families_of_services(call: Caller, spec: dict[str, Any], families: list[str], policy: str) -> None:
    """One, but for headless services whose endpoints somebody else manages."""
    reply = await call("POST", SERVICES, _named(spec={"ports": [{"port": 80}], **spec}))
    made = reply.body["spec"]
    assert (made["ipFamilies"], made["ipFamilyPolicy"], reply.warnings) == (families, policy, [])


@pytest.mark.parametrize(
    ("spec", "causes"),
    [
        (
            {"ipFamilyPolicy": "RequireDualStack"},
            [
                'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack '
                "services"
            ],
        ),
        ({"ipFamilies": ["IPv6"]}, ['spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster']),
    ],
)
async def test_families_the_cluster_has_not(call: Caller, spec: dict[str, Any], causes: list[str]) -> None:
    """422 instead of a service that has another address than it wants."""
    reply = await call("POST", SERVICES, _named(spec={"ports": [{"port": 80}], **spec}))
    assert (reply.code, reply.causes) == (422, causes)


async def test_changing_one_of_two_names_of_an_address(call: Caller) -> None:
    """A manifest that changes `clusterIP` alone means the address, which stays as it is."""
    await call("POST", SERVICES, _named(spec={"ports": [{"port": 80}]}))
    reply = await call("PATCH", f"{SERVICES}/x", {"spec": {"clusterIP": "10.96.0.77"}}, MERGE)
    assert reply.causes == ['spec.clusterIPs[0]: Invalid value: ["10.96.0.77"]: may not change once set']


@pytest.mark.parametrize(
    ("spec", "causes"),
    [
        (
            {"ephemeralContainers": [{"name": "e", "image": "x"}]},
            ["spec.ephemeralContainers: Forbidden: cannot be set on create"],
        ),
        (
            {"os": {"name": "plan9"}},
            ['spec.os.name: Unsupported value: "plan9": supported values: "linux", "windows"'],
        ),
        (
            {"schedulingGates": [{"name": "a"}], "nodeName": "n"},
            ["spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"],
        ),
    ],
)
async def test_what_a_new_pod_may_not_have(call: Caller, spec: dict[str, Any], causes: list[str]) -> None:
    """422 in Kubernetes' words."""
    reply = await call("POST", PODS, _named(spec={"containers": [{"name": "a", "image": "x"}], **spec}))
    assert (reply.code, reply.causes) == (422, causes)


async def test_finalizers_are_qualified(call: Caller) -> None:
    """An object's finalizers are Kubernetes' own or have a domain, when it is new and later; a namespace's own, too."""
    names = ["mine", "orphan", "example.com/mine"]
    maps, why = "/api/v1/namespaces/default/configmaps", "name is neither a standard finalizer name nor is it fully"
    refused = (422, [f'metadata.finalizers[0]: Invalid value: "mine": {why} qualified'])
    reply = await call("POST", maps, {"metadata": {"name": "x", "finalizers": names}})
    assert (reply.code, reply.causes) == refused
    await call("POST", maps, {"metadata": {"name": "x"}})
    reply = await call("PATCH", f"{maps}/x", {"metadata": {"finalizers": names}}, "application/merge-patch+json")
    assert (reply.code, reply.causes) == refused
    namespace = {"metadata": {"name": "shop"}, "spec": {"finalizers": ["mine"]}}
    reply = await call("POST", "/api/v1/namespaces", namespace)
    assert (reply.code, reply.causes) == (422, [f'spec.finalizers: Invalid value: "mine": {why} qualified'])
    made = (await call("POST", "/api/v1/namespaces", {"metadata": {"name": "shop"}})).body
    made["spec"]["finalizers"].append("mine")
    reply = await call("PUT", "/api/v1/namespaces/shop/finalize", made)
    assert (reply.code, reply.causes) == (422, [f'spec.finalizers[1]: Invalid value: "mine": {why} qualified'])


async def test_selectors_of_jobs_are_made(call: Caller) -> None:
    """Who brings a selector without `manualSelector` is told so."""
    spec = {
        "selector": {"matchLabels": {"a": "b"}},
        "template": {"spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}},
    }
    reply = await call("POST", "/apis/batch/v1/namespaces/default/jobs", _named(spec=spec))
    assert (reply.code, [cause.partition(": ")[0] for cause in reply.causes]) == (
        422,
        ["spec.template.metadata.labels", "spec.selector"],
    )
    assert reply.causes[1].endswith("`selector` not auto-generated")


async def test_modes_are_refused_once(call: Caller) -> None:
    """What no claim can have is told of the list alone."""
    spec = {"accessModes": ["Often"], "resources": {"requests": {"storage": "1Gi"}}}
    reply = await call("POST", "/api/v1/namespaces/default/persistentvolumeclaims", _named(spec=spec))
    assert [cause.partition(": ")[0] for cause in reply.causes] == ["spec.accessModes"]


async def test_owners_given_twice(call: Caller) -> None:
    """The same reference counts once, and the client is told; one that differs in any part stays."""
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "web", "uid": "1-2"}
    created = await call("POST", CONFIG_MAPS, {"metadata": {"name": "a", "ownerReferences": [owner, owner]}})
    assert created.body["metadata"]["ownerReferences"] == [owner]
    assert created.warnings[0].startswith(".metadata.ownerReferences contains duplicate entries; API server dedups")
    assert created.warnings[0].endswith("duplicate UID(s) observed: 1-2")
    other = {**owner, "uid": "3"}
    body = {"metadata": {"name": "a", "ownerReferences": [owner, other, owner]}}
    updated = await call("PUT", f"{CONFIG_MAPS}/a", body)
    assert updated.body["metadata"]["ownerReferences"] == [owner, other]
    assert len(updated.warnings) == 1
    assert (await call("PUT", f"{CONFIG_MAPS}/a", updated.body)).warnings == []


@pytest.mark.parametrize(
    ("path", "body", "unowned"),
    [
        ("/api/v1/namespaces", {}, {"finalizers"}),
        (SERVICES, {"spec": {"ports": [{"port": 80}]}}, {"ipFamilies", "ipFamilyPolicy", "clusterIP"}),
        (
            "/apis/batch/v1/namespaces/default/jobs",
            {"spec": {"template": {"spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}}},
            {"selector"},
        ),
        (
            "/api/v1/namespaces/default/persistentvolumeclaims",
            {
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": "1Gi"}},
                    "dataSourceRef": {"kind": "PersistentVolumeClaim", "name": "o"},
                }
            },
            {"dataSource"},
        ),
    ],
)
async def test_what_a_kind_adds_is_nobodys(call: Caller, path: str, body: dict[str, Any], unowned: set[str]) -> None:
    """Defaults are the author's; what is made for an object when it is created is not."""
    made = (await call("POST", path, _named(**body))).body
    (entry,) = made["metadata"]["managedFields"]
    owned = {name.removeprefix("f:") for name in entry["fieldsV1"].get("f:spec", {})}
    assert unowned <= made["spec"].keys()
    assert not unowned & owned


async def test_labels_of_jobs(call: Caller) -> None:
    """Those that its template was given, or else those that are made for its pods."""
    jobs = "/apis/batch/v1/namespaces/default/jobs"
    template: dict[str, Any] = {"spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}
    bare = (await call("POST", jobs, _named("bare", spec={"template": template}))).body
    assert bare["metadata"]["labels"] == bare["spec"]["template"]["metadata"]["labels"]
    template["metadata"] = {"labels": {"app": "web"}}
    labelled = (await call("POST", jobs, _named("labelled", spec={"template": template}))).body
    assert labelled["metadata"]["labels"] == {"app": "web"}
