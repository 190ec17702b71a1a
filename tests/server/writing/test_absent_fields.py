"""What nobody said: a number is then 0 and a struct is empty, and the kind's own rules say what is wrong with that."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.writing.stage import Caller, pod

NAMESPACED = "/api/v1/namespaces/default"
PORT = "Invalid value: 0: must be between 1 and 65535, inclusive"
NO_LABELS = "spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`"
NO_CONTAINERS = "spec.template.spec.containers: Required value"
WORKLOAD = ["spec.selector: Required value", NO_LABELS, NO_CONTAINERS]
JOB_POLICY = 'Required value: valid values: "OnFailure", "Never"'
JOB = "spec.jobTemplate.spec.template.spec"
EMPTY_NAME = 'Invalid value: "": name part must be non-empty'


async def refused(call: Caller, path: str, **parts: Any) -> list[str]:
    """`field: message` of every cause why an object of these parts is not created; empty when it is."""
    reply = await call("POST", f"{path}?dryRun=All", {"metadata": {"name": "x"}, **parts})
    if reply.code == 201:
        return []
    assert reply.code == 422
    return reply.causes


async def test_ports(call: Caller) -> None:
    """Of a service, of a probe and of an endpoint."""
    service = await refused(call, f"{NAMESPACED}/services", spec={"ports": [{}]})
    assert service == [f"spec.ports[0].port: {PORT}", f"spec.ports[0].targetPort: {PORT}"]
    for handler in ("httpGet", "tcpSocket", "grpc"):
        container: dict[str, Any] = {"name": "c", "image": "i", "livenessProbe": {handler: {}}}
        found = await refused(call, f"{NAMESPACED}/pods", spec={"containers": [container]})
        assert found == [f"spec.containers[0].livenessProbe.{handler}.port: {PORT}"]
    container = {"name": "c", "image": "i", "ports": [{}]}
    found = await refused(call, f"{NAMESPACED}/pods", spec={"containers": [container]})
    assert found == ["spec.containers[0].ports[0].containerPort: Required value"]
    subset = {"addresses": [{"ip": "10.0.0.1"}], "ports": [{}]}
    found = await refused(call, f"{NAMESPACED}/endpoints", subsets=[subset])
    assert found == [f"subsets[0].ports[0].port: {PORT}"]


async def test_scheduling(call: Caller) -> None:
    """Weights and skews; a term that is left out is an empty one."""
    affinity: dict[str, Any] = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{}]}}
    body = pod("x", affinity=affinity, topologySpreadConstraints=[{"topologyKey": "zone"}])
    found = await refused(call, f"{NAMESPACED}/pods", spec=body["spec"])
    place = "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight"
    assert found == [
        f"{place}: Invalid value: 0: must be in the range 1-100",
        "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
        'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "": supported values: '
        '"DoNotSchedule", "ScheduleAnyway"',
    ]


@pytest.mark.parametrize(
    ("path", "kind", "causes"),
    [
        ("apps/v1", "Deployment", WORKLOAD),
        ("apps/v1", "ReplicaSet", WORKLOAD),
        ("apps/v1", "StatefulSet", WORKLOAD),
        ("batch/v1", "Job", [NO_CONTAINERS, f"spec.template.spec.restartPolicy: {JOB_POLICY}"]),
        (
            "batch/v1",
            "CronJob",
            [
                "spec.schedule: Required value",
                f"{JOB}.containers: Required value",
                f"{JOB}.restartPolicy: {JOB_POLICY}",
            ],
        ),
    ],
)
async def test_workloads(call: Caller, path: str, kind: str, causes: list[str]) -> None:
    """The template is always there: what is missing is its containers. A selector that is not there matches nothing."""
    found = await refused(call, f"/apis/{path}/namespaces/default/{kind.lower()}s")
    assert sorted(found) == sorted(causes)


@pytest.mark.parametrize(
    "path",
    [
        "storage.k8s.io/v1/csidrivers",
        "resource.k8s.io/v1/deviceclasses",
        "resource.k8s.io/v1/namespaces/default/resourceclaims",
    ],
)
async def test_an_empty_spec_may_do(call: Caller, path: str) -> None:
    """Kinds that ask for nothing in their spec need not be given one."""
    assert await refused(call, f"/apis/{path}") == []


async def test_empty_texts_are_judged(call: Caller) -> None:
    """Where Kubernetes says more than that something is required, so is an absent text."""
    body = pod("x", hostAliases=[{}], readinessGates=[{}])
    found = await refused(call, f"{NAMESPACED}/pods", spec=body["spec"])
    assert f"spec.readinessGates[0].conditionType: {EMPTY_NAME}" in found
    assert not [each for each in found if "Required" in each]
    assert 'spec.hostAliases[0].ip: Invalid value: "": must be a valid IP address' in "\n".join(found)
    taints = {"taints": [{"effect": "NoSchedule"}]}
    assert f"spec.taints[0].key: {EMPTY_NAME}" in await refused(call, "/api/v1/nodes", spec=taints)


async def test_choices_are_made(call: Caller) -> None:
    """An empty text chooses as little as an absent one; the words are those of the choice."""
    for choice in ({}, {"type": ""}):
        body = pod("x", securityContext={"seccompProfile": choice})
        found = await refused(call, f"{NAMESPACED}/pods", spec=body["spec"])
        place = "spec.securityContext.seccompProfile.type"
        assert found == [f"{place}: Required value: type is required when seccompProfile is set"]
    body = pod("x")
    body["spec"]["containers"][0]["resizePolicy"] = [{"resourceName": "cpu", "restartPolicy": ""}]
    assert await refused(call, f"{NAMESPACED}/pods", spec=body["spec"]) == [
        "spec.containers[0].resizePolicy: Required value"
    ]
    slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
    assert await refused(call, slices, addressType="", endpoints=[]) == ["addressType: Required value"]


async def test_scopes_of_a_quota(call: Caller) -> None:
    """What a selector names is held against what is counted, as is what a list names; the term's place is not told."""
    term = {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}
    quota = {"hard": {"pods": "5", "requests.storage": "1Gi"}, "scopeSelector": {"matchExpressions": [term]}}
    found = await refused(call, f"{NAMESPACED}/resourcequotas", spec=quota)
    assert [each.rpartition(": ")[2] for each in found] == ["unsupported scope applied to resource"]
    quota = {"scopeSelector": {"matchExpressions": [{"scopeName": "BestEffort"}]}}
    found = await refused(call, f"{NAMESPACED}/resourcequotas", spec=quota)
    place = "spec.scopeSelector.matchExpressions.operator"
    assert [each.partition(": ")[0] for each in found] == [place, place]


async def test_a_resource_slice(call: Caller) -> None:
    """Its pool is named and counted, and it says for which nodes its devices are."""
    path = "/apis/resource.k8s.io/v1/resourceslices"
    spec = {"driver": "gpu.example.com", "nodeName": "node-1", "pool": {"name": "node-1", "resourceSliceCount": 1}}
    assert await refused(call, path, spec=spec) == []
    found = await refused(call, path, spec={**spec, "allNodes": True, "pool": {}})
    why = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
    assert found == [
        "spec.pool.name: Required value",
        "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero",
        f'spec: Invalid value: "{{`nodeName`, `allNodes`}}": {why}, but multiple fields are set',
    ]


async def test_texts_and_lists_that_may_be_absent(call: Caller) -> None:
    """Whose rules ask for nothing is not asked: an audience of the API itself, a node where no driver runs yet."""
    storage = "/apis/storage.k8s.io/v1"
    assert await refused(call, f"{storage}/csidrivers", spec={"tokenRequests": [{}]}) == []
    assert await refused(call, f"{storage}/csinodes", spec={"drivers": None}) == []
    assert await refused(call, f"{storage}/csinodes") == []


async def test_what_is_missing_is_told_once(call: Caller) -> None:
    """In the words of the rules, which know more of a field than that it has to be there."""
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    spec = {**claim, "selector": {"matchExpressions": [{}]}}
    found = await refused(call, f"{NAMESPACED}/persistentvolumeclaims", spec=spec)
    place = "spec.selector.matchExpressions[0]"
    assert [cause.partition(": name part must consist")[0] for cause in found] == [
        f"{place}.key: {EMPTY_NAME}",
        f'{place}.key: Invalid value: ""',
        f'{place}.operator: Invalid value: "": not a valid selector operator',
    ]
    storage = "/apis/storage.k8s.io/v1/storageclasses"
    found = await refused(call, storage, provisioner="a", reclaimPolicy="Recycle")
    assert found == ['reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"']
