"""Which FlowSchema picks which request."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.access.user import User
from kube_actors.assembly.default_flow_control import default_objects
from kube_actors.server.fairness.configuration import Configuration, PriorityLevel
from kube_actors.server.fairness.matching import FlowSchema, Rule, Subject, in_order
from kube_actors.server.request_info import request_info

EVERYBODY = ("system:authenticated",)
ACCOUNT = User("system:serviceaccount:kube-system:job", ("system:serviceaccounts", *EVERYBODY))
OTHER = User("system:serviceaccount:shop:job", ("system:serviceaccounts", *EVERYBODY))
NODE = User("system:node:n1", ("system:nodes", *EVERYBODY))
ALICE = User("alice", EVERYBODY)
NOBODY = User("system:anonymous", ("system:unauthenticated",))
MASTER = User("root", ("system:masters", *EVERYBODY))
MANAGER = User("system:kube-controller-manager", EVERYBODY)
PODS = "/api/v1/namespaces/shop/pods"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1"


@pytest.mark.parametrize(
    ("user", "method", "target", "schema", "level", "flow"),
    [
        (MASTER, "GET", PODS, "exempt", "exempt", ""),
        (NOBODY, "GET", "/readyz", "probes", "exempt", ""),
        (NOBODY, "GET", "/readyz/etcd", "global-default", "global-default", "system:anonymous"),
        (MANAGER, "PUT", LEASE, "system-leader-election", "leader-election", MANAGER.name),
        (MANAGER, "DELETE", LEASE, "kube-controller-manager", "workload-high", "kube-node-lease"),
        (ACCOUNT, "GET", PODS, "kube-system-service-accounts", "workload-high", "shop"),
        (OTHER, "GET", PODS, "service-accounts", "workload-low", OTHER.name),
        (NODE, "PATCH", "/api/v1/nodes/n1/status", "system-node-high", "node-high", NODE.name),
        (NODE, "PUT", LEASE, "system-node-high", "node-high", NODE.name),
        (NODE, "GET", PODS, "system-nodes", "system", NODE.name),
        (ALICE, "GET", PODS, "global-default", "global-default", "alice"),
    ],
)
def test_the_suggested_schemas(user: User, method: str, target: str, schema: str, level: str, flow: str) -> None:
    """Each kind of client gets to the level that Kubernetes' suggested configuration has for it."""
    bodies = default_objects()
    found = Configuration.of(
        [PriorityLevel.read(each) for each in bodies if each["kind"] == "PriorityLevelConfiguration"],
        [FlowSchema.read(each) for each in bodies if each["kind"] == "FlowSchema"],
    )
    info = request_info(method, target, {})
    first = found.schema_of(user, info)
    assert (first.name, first.level, first.flow_of(user, info)) == (schema, level, flow)


def schema_of(**rule: Any) -> FlowSchema:
    """A schema with one rule, for everybody unless it says whom."""
    rule.setdefault("subjects", [{"kind": "Group", "group": {"name": "*"}}])
    spec = {"priorityLevelConfiguration": {"name": "x"}, "matchingPrecedence": 7, "rules": [rule]}
    return FlowSchema.read({"metadata": {"name": "one"}, "spec": spec})


def resources(**changed: Any) -> list[dict[str, Any]]:
    """Rules for reading pods in every namespace."""
    return [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "namespaces": ["*"], **changed}]


@pytest.mark.parametrize(
    ("rule", "target", "matches"),
    [
        ({"resourceRules": resources()}, f"{PODS}/web", True),
        ({"resourceRules": resources()}, f"{PODS}/web/log", False),
        ({"resourceRules": resources(resources=["pods/log"])}, f"{PODS}/web/log", True),
        ({"resourceRules": resources(verbs=["create"])}, f"{PODS}/web", False),
        ({"resourceRules": resources(namespaces=["other"])}, f"{PODS}/web", False),
        ({"resourceRules": resources(resources=["nodes"])}, "/api/v1/nodes/n1", False),
        ({"resourceRules": resources(resources=["nodes"], clusterScope=True)}, "/api/v1/nodes/n1", True),
        ({"resourceRules": resources(apiGroups=["apps"])}, f"{PODS}/web", False),
        ({"nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["/healthz/*"]}]}, "/healthz/etcd", True),
        ({"nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["/healthz/*"]}]}, "/healthz", False),
        ({"nonResourceRules": [{"verbs": ["post"], "nonResourceURLs": ["*"]}]}, "/healthz", False),
        ({"nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}]}, f"{PODS}/web", False),
    ],
)
def test_rules(rule: dict[str, Any], target: str, matches: bool) -> None:
    """Verb, group, resource with its subresource, and namespace must all be named; plain paths have rules of their
    own."""
    assert schema_of(**rule).matches(ALICE, request_info("GET", target, {})) is matches


@pytest.mark.parametrize(
    ("subject", "user", "meant"),
    [
        (Subject("User", "alice"), ALICE, True),
        (Subject("User", "*"), NOBODY, True),
        (Subject("User", "bob"), ALICE, False),
        (Subject("Group", "system:nodes"), NODE, True),
        (Subject("Group", "system:nodes"), ALICE, False),
        (Subject("ServiceAccount", "job", "shop"), OTHER, True),
        (Subject("ServiceAccount", "job", "kube-system"), OTHER, False),
        (Subject("ServiceAccount", "*", "shop"), OTHER, True),
        (Subject("ServiceAccount", "*", "shop"), ALICE, False),
    ],
)
def test_subjects(subject: Subject, user: User, meant: bool) -> None:
    """Users, groups and service accounts, by name or all of them."""
    assert Rule((subject,)).subjects[0].means(user) is meant


def test_order() -> None:
    """The lower precedence first, then the name that comes first."""
    schemas = [FlowSchema(name, "x", precedence, ()) for name, precedence in (("b", 5), ("c", 1), ("a", 5))]
    assert [each.name for each in in_order(schemas)] == ["c", "a", "b"]


def test_without_objects() -> None:
    """A server is never without the two mandatory schemas; one whose level is not there picks nothing. What no schema
    wants goes to `catch-all`."""
    found = Configuration.of([], [FlowSchema("lost", "nowhere", 2, ())])
    assert found.schema_of(ALICE, request_info("GET", PODS, {})).name == "catch-all"
    assert [(each.name, each.level) for each in found.schemas] == [("exempt", "exempt"), ("catch-all", "catch-all")]
    assert found.levels["exempt"].exempt
