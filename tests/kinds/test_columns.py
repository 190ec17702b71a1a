"""What `kubectl get` shows: durations, and the rows of each kind."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.api.registry import Registry
from kube_actors.api.times import parse_rfc3339, rfc3339
from kube_actors.kinds.columns import human_duration, row_of

NOW = parse_rfc3339("2025-01-01T12:00:00Z")
META = {"name": "x", "creationTimestamp": "2025-01-01T10:00:00Z"}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-2, "<invalid>"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (599, "9m59s"),
        (600, "10m"),
        (10799, "179m"),
        (10800, "3h"),
        (3 * 3600 + 720, "3h12m"),
        (8 * 3600 - 1, "7h59m"),
        (8 * 3600 + 60, "8h"),
        (47 * 3600, "47h"),
        (48 * 3600, "2d"),
        (51 * 3600, "2d3h"),
        (8 * 86400, "8d"),
        (729 * 86400, "729d"),
        (730 * 86400, "2y"),
        (738 * 86400, "2y8d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    """The borders of kubectl's human durations."""
    assert human_duration(seconds) == words


def _container(**fields: Any) -> dict[str, Any]:
    return {"name": "a", "ready": False, "restartCount": 0, **fields}


RUNNING = _container(ready=True, state={"running": {}})
WAITING = _container(state={"waiting": {"reason": "ContainerCreating"}})
CRASHING = _container(
    restartCount=4,
    state={"waiting": {"reason": "CrashLoopBackOff"}},
    lastState={"terminated": {"finishedAt": "2025-01-01T11:55:00Z"}},
)
DONE = _container(state={"terminated": {"exitCode": 0, "reason": "Completed"}})
READY = [{"type": "Ready", "status": "True"}, {"type": "Initialized", "status": "True"}]


@pytest.mark.parametrize(
    ("status", "deleted", "shown"),
    [
        ({}, False, ("0/2", "Unknown", "0")),
        ({"phase": "Pending"}, False, ("0/2", "Pending", "0")),
        ({"phase": "Pending", "containerStatuses": [WAITING]}, False, ("0/2", "ContainerCreating", "0")),
        ({"phase": "Running", "containerStatuses": [RUNNING, RUNNING]}, False, ("2/2", "Running", "0")),
        (
            {"phase": "Running", "containerStatuses": [CRASHING, RUNNING]},
            False,
            ("1/2", "CrashLoopBackOff", "4 (5m ago)"),
        ),
        (
            {"phase": "Pending", "containerStatuses": [CRASHING, WAITING]},
            False,
            ("0/2", "CrashLoopBackOff", "4 (5m ago)"),
        ),
        ({"phase": "Running", "containerStatuses": [RUNNING]}, True, ("1/2", "Terminating", "0")),
        ({"phase": "Succeeded", "containerStatuses": [DONE, DONE]}, False, ("0/2", "Completed", "0")),
        ({"phase": "Succeeded", "containerStatuses": [DONE]}, True, ("0/2", "Completed", "0")),
        ({"phase": "Running", "containerStatuses": [DONE, RUNNING]}, False, ("1/2", "NotReady", "0")),
        (
            {"phase": "Running", "containerStatuses": [DONE, RUNNING], "conditions": READY},
            False,
            ("1/2", "Running", "0"),
        ),
        (
            {"phase": "Failed", "containerStatuses": [_container(state={"terminated": {"exitCode": 3}})]},
            False,
            ("0/2", "ExitCode:3", "0"),
        ),
        (
            {
                "phase": "Failed",
                "containerStatuses": [_container(state={"terminated": {"exitCode": 137, "signal": 9}})],
            },
            False,
            ("0/2", "Signal:9", "0"),
        ),
        ({"phase": "Failed", "reason": "Evicted"}, False, ("0/2", "Evicted", "0")),
        ({"phase": "Running", "reason": "NodeLost"}, True, ("0/2", "Unknown", "0")),
        (
            {
                "phase": "Pending",
                "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}],
            },
            False,
            ("0/2", "SchedulingGated", "0"),
        ),
    ],
)
def test_pods(status: dict[str, Any], deleted: bool, shown: tuple[str, str, str]) -> None:
    """Ready, Status and Restarts of a pod with two containers."""
    metadata = {**META, "deletionTimestamp": "2025-01-01T12:00:30Z"} if deleted else META
    pod = {"metadata": metadata, "spec": {"containers": [{"name": "a"}, {"name": "b"}]}, "status": status}
    columns = row_of("pods")
    assert columns(pod, NOW)[1:4] == shown


@pytest.mark.parametrize(
    ("first", "shown"),
    [
        (_container(state={"running": {}}), "Init:0/2"),
        (_container(state={"waiting": {"reason": "PodInitializing"}}), "Init:0/2"),
        (_container(state={"terminated": {"exitCode": 0, "reason": "Completed"}}), "Init:1/2"),
        (_container(state={"terminated": {"exitCode": 1, "reason": "Error"}}), "Init:Error"),
        (_container(state={"terminated": {"exitCode": 2}}), "Init:ExitCode:2"),
        (_container(state={"waiting": {"reason": "CrashLoopBackOff"}}), "Init:CrashLoopBackOff"),
    ],
)
def test_init_containers(first: dict[str, Any], shown: str) -> None:
    """What a pod says while its first init container is at work, or has ended."""
    second = {**_container(state={"waiting": {"reason": "PodInitializing"}}), "name": "b"}
    pod = {
        "metadata": META,
        "spec": {"initContainers": [{"name": "a"}, {"name": "b"}], "containers": [{"name": "c"}]},
        "status": {"phase": "Pending", "initContainerStatuses": [first, second]},
    }
    columns = row_of("pods")
    assert columns(pod, NOW)[1:3] == ("0/1", shown)


def test_sidecars_count() -> None:
    """An init container that keeps running is ready or not like the others."""
    sidecar = {**RUNNING, "name": "proxy", "started": True, "restartCount": 2}
    pod = {
        "metadata": META,
        "spec": {"initContainers": [{"name": "proxy", "restartPolicy": "Always"}], "containers": [{"name": "a"}]},
        "status": {"phase": "Running", "initContainerStatuses": [sidecar], "containerStatuses": [RUNNING]},
    }
    columns = row_of("pods")
    assert columns(pod, NOW)[1:4] == ("2/2", "Running", "2")


TEMPLATE = {"spec": {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]}}


@pytest.mark.parametrize(
    ("resource", "body", "row"),
    [
        ("configmaps", {"data": {"a": "1"}, "binaryData": {"b": ""}}, ("x", 2, "120m")),
        ("secrets", {"type": "Opaque", "data": {"a": ""}}, ("x", "Opaque", 1, "120m")),
        (
            "deployments.apps",
            {
                "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "x"}}, "template": TEMPLATE},
                "status": {"readyReplicas": 2, "updatedReplicas": 1, "availableReplicas": 2},
            },
            ("x", "2/3", 1, 2, "120m", "a,b", "x,y", "app=x"),
        ),
        (
            "replicasets.apps",
            {"spec": {"replicas": 3, "selector": {"matchLabels": {"app": "x"}}, "template": TEMPLATE}},
            ("x", 3, 0, 0, "120m", "a,b", "x,y", "app=x"),
        ),
        (
            "services",
            {"spec": {"type": "NodePort", "clusterIP": "10.0.0.1", "ports": [{"port": 80, "nodePort": 30001}]}},
            ("x", "NodePort", "10.0.0.1", "<none>", "80:30001/TCP", "120m", "<none>"),
        ),
        (
            "services",
            {"spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.1", "selector": {"a": "b"}}},
            ("x", "LoadBalancer", "10.0.0.1", "<pending>", "<none>", "120m", "a=b"),
        ),
        ("namespaces", {"status": {"phase": "Active"}}, ("x", "Active", "120m")),
        (
            "nodes",
            {
                "spec": {"unschedulable": True},
                "status": {
                    "conditions": [{"type": "Ready", "status": "True"}],
                    "nodeInfo": {"kubeletVersion": "v1.36.0"},
                    "addresses": [{"type": "InternalIP", "address": "10.0.0.9"}],
                },
            },
            (
                "x",
                "Ready,SchedulingDisabled",
                "<none>",
                "120m",
                "v1.36.0",
                "10.0.0.9",
                "<none>",
                "<unknown>",
                "<unknown>",
                "<unknown>",
            ),
        ),
        (
            "endpoints",
            {"subsets": [{"addresses": [{"ip": f"10.0.0.{n}"} for n in range(1, 6)], "ports": [{"port": 80}]}]},
            ("x", "10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 2 more...", "120m"),
        ),
        (
            "endpointslices.discovery.k8s.io",
            {"addressType": "IPv4", "ports": [{"port": 80}], "endpoints": [{"addresses": ["10.0.0.1"]}]},
            ("x", "IPv4", "80", "10.0.0.1", "120m"),
        ),
        ("leases.coordination.k8s.io", {"spec": {"holderIdentity": "me"}}, ("x", "me", "120m")),
        (
            "events",
            {
                "type": "Warning",
                "reason": "BackOff",
                "message": "Back-off\n",
                "count": 3,
                "involvedObject": {"kind": "Pod", "name": "web"},
                "source": {"component": "kubelet", "host": "n1"},
                "firstTimestamp": "2025-01-01T11:58:00Z",
                "lastTimestamp": "2025-01-01T11:59:55Z",
            },
            (
                "5s",
                "Warning",
                "BackOff",
                "pod/web",
                "",
                "kubelet, n1",
                "Back-off",
                "2m",
                3,
                "x",
            ),
        ),
    ],
)
def test_rows(resource: str, body: dict[str, Any], row: tuple[str, ...]) -> None:
    """The cells of a kind, as many as the registry has columns."""
    columns = row_of(resource)
    assert columns({"metadata": META, **body}, NOW) == row
    assert len(row) == len(Registry.built_in().by_id(resource).columns)


def test_age_of_something_new() -> None:
    """An object from this second is 0s old; one without a time is of unknown age."""
    columns = row_of("configmaps")
    assert columns({"metadata": {"name": "x", "creationTimestamp": rfc3339(NOW)}}, NOW)[2] == "0s"
    assert columns({"metadata": {"name": "x"}}, NOW)[2] == "<unknown>"
