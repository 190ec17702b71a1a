"""The summaries of each kind."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.api.times import parse_rfc3339
from kube_actors.kinds import hooks_for, project, project_status
from kube_actors.kinds.facts import (
    DeploymentFacts,
    EndpointSliceFacts,
    NamespaceFacts,
    NodeFacts,
    PodFacts,
    ReplicaSetFacts,
    ServiceFacts,
)
from kube_actors.kinds.pod_facts import pod_requests
from kube_actors.kinds.pod_qos import qos_class

SINCE = "2025-01-01T00:00:05Z"


def test_a_running_pod() -> None:
    """Everything the scheduler and the controllers ask of a pod."""
    ports = [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 81}]
    requests = {"requests": {"cpu": "250m", "memory": "1Mi"}}
    pod = {
        "metadata": {"labels": {"pod-template-hash": "abc"}},
        "spec": {
            "nodeName": "n1",
            "priority": 7,
            "schedulerName": "s",
            "containers": [{"name": "a", "ports": ports, "resources": requests}, {"name": "b", "resources": requests}],
            "initContainers": [{"name": "once"}, {"name": "beside", "restartPolicy": "Always"}],
        },
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.1",
            "initContainerStatuses": [{"name": "once", "restartCount": 9}, {"name": "beside", "restartCount": 4}],
            "startTime": "2025-01-01T00:00:00Z",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": SINCE}],
            "containerStatuses": [{"restartCount": 2}, {"restartCount": 1}],
        },
    }
    assert project("pods", pod).facts == PodFacts(
        phase="Running",
        ready=True,
        ready_since=parse_rfc3339(SINCE),
        node="n1",
        address="10.0.0.1",
        template_hash="abc",
        requests=(500, 2 << 20),
        host_ports=(("TCP", "0.0.0.0", 8080),),
        terminal=False,
        restarts=(2, 4),
        scheduler_name="s",
        priority=7,
        scheduled=True,
        started=parse_rfc3339("2025-01-01T00:00:00Z"),
    )


@pytest.mark.parametrize(("text", "cost"), [("5", 5), ("-7", -7), ("", 0), ("1.5", 0), ("99999999999", 0), ("0", 0)])
def test_deletion_costs(text: str, cost: int) -> None:
    """A readable 32-bit number counts, anything else is 0; and so it stays when the status changes."""
    metadata = {"annotations": {"controller.kubernetes.io/pod-deletion-cost": text}}
    pod: dict[str, Any] = {"metadata": metadata, "spec": {}, "status": {"phase": "Running"}}
    first = project("pods", pod)
    assert first.facts.deletion_cost == cost
    assert project_status("pods", pod, first).facts.deletion_cost == cost


def test_a_pod_nobody_has_seen() -> None:
    """Without spec or status it is pending and asks for nothing."""
    facts = project("pods", {"metadata": {}}).facts
    assert (facts.phase, facts.ready, facts.ready_since, facts.requests, facts.scheduled) == (
        "Pending",
        False,
        None,
        (0, 0),
        False,
    )


def _cpu(amount: str, **fields: Any) -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": amount}}, **fields}


@pytest.mark.parametrize(
    ("spec", "cpu"),
    [
        ({"containers": [_cpu("100m"), _cpu("200m")]}, 300),
        ({"containers": [_cpu("100m"), _cpu("200m")], "initContainers": [_cpu("250m")]}, 300),
        ({"containers": [_cpu("100m")], "initContainers": [_cpu("400m"), _cpu("300m")]}, 400),
        ({"containers": [_cpu("100m")], "initContainers": [_cpu("50m", restartPolicy="Always"), _cpu("400m")]}, 450),
        ({"containers": [_cpu("100m")], "initContainers": [_cpu("400m"), _cpu("50m", restartPolicy="Always")]}, 400),
        ({"containers": [_cpu("100m")], "initContainers": [_cpu("300m", restartPolicy="Always")]}, 400),
        ({"containers": [_cpu("0.1")], "overhead": {"cpu": "10m"}}, 110),
        ({"containers": [_cpu("100m")], **_cpu("250m"), "overhead": {"cpu": "10m"}}, 260),
        ({"containers": [_cpu("100m")], "resources": {"requests": {"memory": "1Gi"}}}, 100),
    ],
)
def test_requests_at_the_hungriest_moment(spec: dict[str, Any], cpu: int) -> None:
    """Containers add up, init containers run alone, sidecars beside everything that comes after them."""
    assert pod_requests(spec)[0] == cpu


@pytest.mark.parametrize(
    ("resources", "qos"),
    [
        ([{}], "BestEffort"),
        ([{"requests": {"cpu": "1"}}], "Burstable"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}}], "Guaranteed"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}}], "Guaranteed"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}], "Burstable"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}}, {}], "Burstable"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m", "memory": "1024Mi"}}], "Guaranteed"),
        ([{"limits": {"cpu": "0"}, "requests": {"cpu": "0"}}], "BestEffort"),
    ],
)
def test_quality_of_service(resources: list[dict[str, Any]], qos: str) -> None:
    """By what the containers limit and request."""
    assert qos_class({"containers": [{"resources": each} for each in resources]}) == qos


def test_quality_of_service_of_the_whole() -> None:
    """What a pod asks for as a whole stands for its containers."""
    whole = {"limits": {"cpu": "1", "memory": "1Gi"}}
    assert qos_class({"resources": whole, "containers": [{"resources": {"requests": {"cpu": "1m"}}}]}) == "Guaranteed"
    assert qos_class({"resources": {}, "containers": [{"resources": {"requests": {"cpu": "1m"}}}]}) == "Burstable"
    pages = {"requests": {"hugepages-2Mi": "2Mi"}}
    assert qos_class({"resources": pages, "containers": [{"resources": {"requests": {"cpu": "1m"}}}]}) == "BestEffort"


@pytest.mark.parametrize(
    ("resource", "body", "facts"),
    [
        (
            "deployments.apps",
            {
                "spec": {"replicas": 3, "paused": True},
                "status": {"replicas": 2, "updatedReplicas": 1, "readyReplicas": 1},
            },
            DeploymentFacts(3, 2, 1, 1, 0, 0, True),
        ),
        (
            "replicasets.apps",
            {
                "metadata": {
                    "labels": {"pod-template-hash": "h"},
                    "annotations": {"deployment.kubernetes.io/revision": "4"},
                },
                "spec": {"replicas": 0},
                "status": {"observedGeneration": 2},
            },
            ReplicaSetFacts(0, 0, 0, 0, 2, "h", 4),
        ),
        (
            "services",
            {"spec": {"clusterIPs": ["10.0.0.1"], "selector": {"b": "1", "a": "2"}, "ports": [{"nodePort": 30000}]}},
            ServiceFacts("ClusterIP", ("10.0.0.1",), (("a", "2"), ("b", "1")), (("TCP", 30000),)),
        ),
        (
            "nodes",
            {
                "spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]},
                "status": {
                    "allocatable": {"cpu": "1500m", "memory": "1Ki", "pods": "110"},
                    "conditions": [{"type": "Ready", "status": "True"}],
                    "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
                },
            },
            NodeFacts(True, False, (1500, 1024, 110), (("k", "", "NoSchedule"),), "10.0.0.1"),
        ),
        ("namespaces", {"spec": {"finalizers": ["kubernetes"]}}, NamespaceFacts("Active", ("kubernetes",))),
        (
            "endpointslices.discovery.k8s.io",
            {
                "metadata": {"labels": {"kubernetes.io/service-name": "web"}},
                "endpoints": [{"conditions": {"ready": False}}, {}],
            },
            EndpointSliceFacts("web", 1, 2),
        ),
        ("configmaps", {}, None),
    ],
)
def test_other_kinds(resource: str, body: dict[str, Any], facts: Any) -> None:
    """What plans read of the other kinds."""
    assert project(resource, {"metadata": {}, **body}).facts == facts


@pytest.mark.parametrize(
    ("spec", "status", "seconds"),
    [
        ({}, {}, 0),
        ({"nodeName": "n"}, {}, 30),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 0}, {}, 0),
        ({"nodeName": "n", "terminationGracePeriodSeconds": -5}, {}, 1),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 9}, {"phase": "Failed"}, 0),
    ],
)
def test_grace(spec: dict[str, Any], status: dict[str, Any], seconds: int) -> None:
    """How long a pod may take to end when nobody says."""
    grace = hooks_for("pods").default_grace
    assert grace is not None
    assert grace({"spec": spec, "status": status}) == seconds
