# ruff: noqa: E501  (expected messages stand unbroken)
"""Roles, bindings, priority classes and flow control: what they default and refuse, in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.api.patches import clone
from kube_actors.assembly import default_flow_control, default_priority_classes
from kube_actors.errors import ApiError
from kube_actors.store import Key
from tests.access.roles import binding, cluster_role, new_cluster, role, rule
from tests.writes.world import causes

GROUP = "rbac.authorization.k8s.io"
FLOW = "flowcontrol.apiserver.k8s.io/v1"


def named(body: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The object with other fields."""
    return {**body, **fields}


def subject(**fields: str) -> dict[str, Any]:
    """A RoleBinding with one subject."""
    return named(binding("b", "r", namespace="default"), subjects=[fields])


def priority(name: str = "high", value: int = 10, **fields: Any) -> dict[str, Any]:
    """A PriorityClass."""
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": value,
        **fields,
    }


def level(name: str = "mine", **spec: Any) -> dict[str, Any]:
    """A PriorityLevelConfiguration."""
    return {"apiVersion": FLOW, "kind": "PriorityLevelConfiguration", "metadata": {"name": name}, "spec": spec}


def limited(**fields: Any) -> dict[str, Any]:
    """A level that refuses what is too much."""
    return level(type="Limited", limited={"limitResponse": {"type": "Reject"}, **fields})


def schema(**spec: Any) -> dict[str, Any]:
    """A FlowSchema of the level `mine`."""
    spec = {"priorityLevelConfiguration": {"name": "mine"}, **spec}
    return {"apiVersion": FLOW, "kind": "FlowSchema", "metadata": {"name": "mine"}, "spec": spec}


ANYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"]}
EVE = {"kind": "User", "user": {"name": "eve"}}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (role("r", rule("", "pods")), ["rules[0].verbs: Required value: verbs must contain at least one value"]),
        (
            role("r", {"apiGroups": [""], "resources": ["pods"]}),
            ["rules[0].verbs: Required value: verbs must contain at least one value"],
        ),
        (
            {"apiVersion": f"{GROUP}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "b"}},
            ['roleRef.kind: Unsupported value: "": supported values: "ClusterRole"', "roleRef.name: Required value"],
        ),
        (
            {"apiVersion": FLOW, "kind": "FlowSchema", "metadata": {"name": "mine"}},
            ["spec.priorityLevelConfiguration.name: Required value: must reference a priority level"],
        ),
        (
            role("r", {"verbs": ["get"]}),
            [
                "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
                "rules[0].resources: Required value: resource rules must supply at least one resource",
            ],
        ),
        (
            role("r", rule("get", urls="/a")),
            ['rules[0].nonResourceURLs: Invalid value: ["/a"]: namespaced rules cannot apply to non-resource URLs'],
        ),
        (
            cluster_role("r", {**rule("get", "pods"), "nonResourceURLs": ["/a"]}),
            [
                'rules[0].nonResourceURLs: Invalid value: ["/a"]: rules cannot apply to both regular resources and non-resource URLs'
            ],
        ),
        (
            cluster_role("r", aggregationRule={}),
            [
                "aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil"
            ],
        ),
        (cluster_role("a/b"), ["metadata.name: Invalid value: \"a/b\": may not contain '/'"]),
        (
            named(binding("b", "r"), roleRef={"kind": "Role", "name": "r"}),
            ['roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"'],
        ),
        (
            named(binding("b", "r"), roleRef={"kind": "ClusterRole", "name": "", "apiGroup": "x"}),
            [
                f'roleRef.apiGroup: Unsupported value: "x": supported values: "{GROUP}"',
                "roleRef.name: Required value",
            ],
        ),
        (binding("b", "r", "ServiceAccount app"), ["subjects[0].namespace: Required value"]),
        (
            subject(kind="ServiceAccount", name="app", apiGroup="x"),
            ['subjects[0].apiGroup: Unsupported value: "x": supported values: ""'],
        ),
        (subject(kind="User", name=""), ["subjects[0].name: Required value"]),
        (
            subject(kind="Robot", name="r"),
            ['subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"'],
        ),
        (
            subject(kind="Group", name="g", apiGroup="x"),
            [f'subjects[0].apiGroup: Unsupported value: "x": supported values: "{GROUP}"'],
        ),
        (
            priority(value=1_000_000_001),
            ["value: Forbidden: maximum allowed value of a user defined priority is 1000000000"],
        ),
        (
            priority("system-mine"),
            [
                "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-mine is not a known system priority class"
            ],
        ),
        (
            priority("system-node-critical", 5),
            [
                "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: value of system-node-critical PriorityClass must be 2000001000"
            ],
        ),
        (schema(matchingPrecedence=-1), ["spec.matchingPrecedence: Invalid value: -1: must be a positive value"]),
        (
            schema(matchingPrecedence=10001),
            ["spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000"],
        ),
        (
            schema(matchingPrecedence=1),
            ["spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"],
        ),
        (
            schema(rules=[{"subjects": []}]),
            [
                "spec.rules[0].subjects: Required value: subjects must contain at least one value",
                "spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty",
            ],
        ),
        (
            schema(rules=[{"subjects": [{"kind": "Group"}], "resourceRules": [ANYTHING]}]),
            ["spec.rules[0].subjects[0].group: Required value: group is required when subject kind is 'Group'"],
        ),
        (
            schema(
                rules=[{"subjects": [EVE], "resourceRules": [{**ANYTHING, "namespaces": [], "verbs": ["*", "get"]}]}]
            ),
            [
                'spec.rules[0].resourceRules[0].verbs: Invalid value: ["*","get"]: if \'*\' is present, must not specify other verbs',
                "spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace",
            ],
        ),
        (
            schema(rules=[{"subjects": [EVE], "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["a"]}]}]),
            ['spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "a": must start with slash'],
        ),
        (
            schema(rules=[{"subjects": [EVE], "nonResourceRules": [{"verbs": ["post"], "nonResourceURLs": ["/a*"]}]}]),
            [
                'spec.rules[0].nonResourceRules[0].verbs: Unsupported value: ["post"]: supported values: "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"',
                'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "/a*": wildcard can only do suffix matching',
            ],
        ),
        (
            schema(
                rules=[
                    {
                        "subjects": [{"kind": "ServiceAccount", "serviceAccount": {"name": "*", "namespace": ""}}],
                        "resourceRules": [ANYTHING],
                    }
                ]
            ),
            [
                "spec.rules[0].subjects[0].serviceAccount.namespace: Required value: must specify namespace for service account"
            ],
        ),
        (level(type="Limited"), ["spec.limited: Required value: must not be empty when type is Limited"]),
        (
            level(type="Exempt"),
            ["spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if `name` is 'exempt'"],
        ),
        (
            limited(lendablePercent=101),
            ["spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive"],
        ),
        (
            limited(limitResponse={"type": "Queue"}),
            [
                "spec.limited.limitResponse.queuing: Required value: must not be empty if limited.limitResponse.type is Limited"
            ],
        ),
        (
            limited(limitResponse={"type": "Queue", "queuing": {"queues": 2, "handSize": 4}}),
            ["spec.limited.limitResponse.queuing.handSize: Invalid value: 4: should not be greater than queues (2)"],
        ),
        (
            limited(limitResponse={"type": "Queue", "queuing": {"queues": 1024, "handSize": 7}}),
            [
                "spec.limited.limitResponse.queuing.handSize: Invalid value: 7: required entropy bits of deckSize 1024 and handSize 7 should not be greater than 60"
            ],
        ),
    ],
)
async def test_what_is_refused(body: dict[str, Any], found: list[str]) -> None:
    """Every cause, as a client meets it."""
    cluster = await new_cluster()
    with pytest.raises(ApiError) as refused:
        await cluster.admin.create(clone(body))
    assert (refused.value.code, causes(refused.value)) == (422, found)


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (
            binding("b", "view", namespace="default"),
            binding("b", "edit", namespace="default"),
            [
                f'roleRef: Invalid value: {{"apiGroup":"{GROUP}","kind":"ClusterRole","name":"edit"}}: cannot change roleRef'
            ],
        ),
        (priority(), priority(value=11), ["value: Forbidden: may not be changed in an update."]),
        (
            priority(),
            priority(preemptionPolicy="Never"),
            ['preemptionPolicy: Invalid value: "Never": field is immutable'],
        ),
    ],
)
async def test_what_stays(before: dict[str, Any], after: dict[str, Any], found: list[str]) -> None:
    """Some fields cannot be changed."""
    cluster = await new_cluster()
    await cluster.admin.create(clone(before))
    with pytest.raises(ApiError) as refused:
        await cluster.admin.update(clone(after))
    assert (refused.value.code, causes(refused.value)) == (422, found)


async def test_defaults() -> None:
    """Groups of roles and subjects, the policy of a class, the numbers of flow control."""
    cluster = await new_cluster()
    plain = {"kind": "ClusterRole", "name": "view"}
    subjects = [{"kind": "User", "name": "a"}, {"kind": "ServiceAccount", "name": "b"}]
    made = await cluster.admin.create(
        named(binding("b", "view", namespace="default"), roleRef=plain, subjects=subjects)
    )
    body = made.body()
    assert body["roleRef"]["apiGroup"] == GROUP
    assert [each.get("apiGroup") for each in body["subjects"]] == [GROUP, None]
    assert (await cluster.admin.create(priority())).body()["preemptionPolicy"] == "PreemptLowerPriority"
    assert (await cluster.admin.create(schema())).body()["spec"]["matchingPrecedence"] == 1000
    queued = await cluster.admin.create(limited(limitResponse={"type": "Queue", "queuing": {"queues": 100}}))
    assert queued.body()["spec"]["limited"] == {
        "nominalConcurrencyShares": 30,
        "lendablePercent": 0,
        "limitResponse": {"type": "Queue", "queuing": {"queues": 100, "handSize": 8, "queueLengthLimit": 50}},
    }


async def test_one_priority_class_is_the_default() -> None:
    """A second one is refused, at its creation and later; the first may change otherwise."""
    cluster = await new_cluster()
    await cluster.create(priority(globalDefault=True), priority("low"))
    message = "PriorityClass high is already marked as default. Only one default can exist"
    with pytest.raises(ApiError, match=message) as refused:
        await cluster.create(priority("other", globalDefault=True))
    assert refused.value.code == 403
    low = Key("priorityclasses.scheduling.k8s.io", "", "low")
    with pytest.raises(ApiError, match=message):
        await cluster.admin.mutate(low, lambda body: body.update(globalDefault=True))
    await cluster.admin.mutate(low._replace(name="high"), lambda body: body.update(description="the usual one"))


async def test_what_every_cluster_begins_with_is_valid() -> None:
    """Two classes, eight levels, thirteen schemas of these levels."""
    cluster = await new_cluster()
    bodies = [*default_priority_classes.default_objects(), *default_flow_control.default_objects()]
    await cluster.create(*clone(bodies))
    kinds = [body["kind"] for body in bodies]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "PriorityClass": 2,
        "PriorityLevelConfiguration": 8,
        "FlowSchema": 13,
    }
    levels = {body["metadata"]["name"] for body in bodies if body["kind"] == "PriorityLevelConfiguration"}
    named_levels = {
        body["spec"]["priorityLevelConfiguration"]["name"] for body in bodies if body["kind"] == "FlowSchema"
    }
    assert named_levels == levels
