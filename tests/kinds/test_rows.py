"""The rows of kinds that nothing in the cluster acts on, or that are made elsewhere: cells in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.api.registry import Registry
from kube_actors.api.times import parse_rfc3339
from kube_actors.kinds.columns import Row, row_of

NOW = parse_rfc3339("2025-01-01T12:00:00Z")
META = {"name": "x", "creationTimestamp": "2025-01-01T10:00:00Z"}
DELETED = {**META, "deletionTimestamp": "2025-01-01T12:00:00Z"}
AGE = "120m"
TEMPLATE = {"spec": {"nodeSelector": {"b": "2", "a": "1"}, "containers": [{"name": "a", "image": "i"}]}}
SELECTOR = {"matchLabels": {"app": "x"}, "matchExpressions": [{"key": "t", "operator": "In", "values": ["b", "a"]}]}


def shown(resource: str, body: dict[str, Any], row: Row) -> None:
    """Compare a row, which must have as many cells as the registry has columns."""
    assert row_of(resource)({"metadata": META, **body}, NOW) == row
    assert len(row) == len(Registry.built_in().by_id(resource).columns)


@pytest.mark.parametrize(
    ("resource", "body", "row"),
    [
        (
            "statefulsets.apps",
            {"spec": {"replicas": 3, "template": TEMPLATE}, "status": {"readyReplicas": 1}},
            ("x", "1/3", AGE, "a", "i"),
        ),
        (
            "daemonsets.apps",
            {
                "spec": {"selector": SELECTOR, "template": TEMPLATE},
                "status": {
                    "desiredNumberScheduled": 5,
                    "currentNumberScheduled": 4,
                    "numberReady": 3,
                    "updatedNumberScheduled": 2,
                    "numberAvailable": 1,
                },
            },
            ("x", 5, 4, 3, 2, 1, "a=1,b=2", AGE, "a", "i", "app=x,t in (a,b)"),
        ),
        (
            "replicationcontrollers",
            {"spec": {"replicas": 0, "selector": {"b": "2", "a": "1"}, "template": TEMPLATE}},
            ("x", 0, 0, 0, AGE, "a", "i", "a=1,b=2"),
        ),
        ("deployments.apps", {"spec": {"template": TEMPLATE}}, ("x", "0/1", 0, 0, AGE, "a", "i", "")),
        ("podtemplates", {"template": {**TEMPLATE, "metadata": {"labels": {"a": "b"}}}}, ("x", "a", "i", "a=b")),
        (
            "controllerrevisions.apps",
            {
                "metadata": {
                    **META,
                    "ownerReferences": [
                        {"apiVersion": "v1", "kind": "Other", "name": "o"},
                        {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "controller": True},
                    ],
                },
                "revision": 4,
            },
            ("x", "statefulset.apps/db", 4, AGE),
        ),
        ("controllerrevisions.apps", {"revision": 1}, ("x", "<none>", 1, AGE)),
        (
            "poddisruptionbudgets.policy",
            {"spec": {"minAvailable": 0}, "status": {"disruptionsAllowed": 2}},
            ("x", "0", "N/A", 2, AGE),
        ),
        ("poddisruptionbudgets.policy", {"spec": {"maxUnavailable": "30%"}}, ("x", "N/A", "30%", 0, AGE)),
    ],
)
def test_workloads(resource: str, body: dict[str, Any], row: Row) -> None:
    """Counts are numbers; of what is not said the default counts."""
    shown(resource, body, row)


@pytest.mark.parametrize(
    ("metadata", "spec", "status", "cells"),
    [
        (META, {"completions": 3}, {"succeeded": 1, "startTime": "2025-01-01T11:59:00Z"}, ("Running", "1/3", "60s")),
        (META, {"parallelism": 2}, {}, ("Running", "0/1 of 2", "")),
        (META, {}, {"conditions": [{"type": "Suspended", "status": "True"}]}, ("Suspended", "0/1", "")),
        (META, {}, {"conditions": [{"type": "FailureTarget", "status": "True"}]}, ("FailureTarget", "0/1", "")),
        (DELETED, {}, {"conditions": [{"type": "Suspended", "status": "True"}]}, ("Terminating", "0/1", "")),
        (DELETED, {}, {"conditions": [{"type": "Failed", "status": "True"}]}, ("Failed", "0/1", "")),
        (
            META,
            {"completions": 1},
            {
                "succeeded": 1,
                "startTime": "2025-01-01T11:00:00Z",
                "completionTime": "2025-01-01T11:03:05Z",
                "conditions": [{"type": "Complete", "status": "True"}, {"type": "Failed", "status": "False"}],
            },
            ("Complete", "1/1", "3m5s"),
        ),
    ],
)
def test_jobs(metadata: dict[str, Any], spec: dict[str, Any], status: dict[str, Any], cells: tuple[str, ...]) -> None:
    """Status, completions and duration of a job."""
    body = {"metadata": metadata, "spec": {**spec, "template": TEMPLATE}, "status": status}
    assert row_of("jobs.batch")(body, NOW)[1:4] == cells


def test_cron_jobs() -> None:
    """Suspend is a word, the time of the last job an age."""
    spec = {"schedule": "* * * * *", "suspend": True, "jobTemplate": {"spec": {"template": TEMPLATE}}}
    status = {"active": [{}], "lastScheduleTime": "2025-01-01T11:59:50Z"}
    row = ("x", "* * * * *", "<none>", "True", 1, "10s", AGE, "a", "i", "<none>")
    shown("cronjobs.batch", {"spec": spec, "status": status}, row)


RESOURCE = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 80}}}
MEMORY = {"type": "ContainerResource", "containerResource": {"name": "memory", "target": {"averageValue": "1Gi"}}}
EXTERNAL = {"type": "External", "external": {"target": {"averageValue": "3"}}}
OBJECT = {"type": "Object", "object": {"target": {"value": "7"}}}


@pytest.mark.parametrize(
    ("metrics", "current", "targets"),
    [
        ([], [], "<none>"),
        ([RESOURCE], [{"resource": {"current": {"averageUtilization": 12}}}], "cpu: 12%/80%"),
        ([{"type": "Resource", "resource": {"name": "cpu"}}], [], "cpu: <unknown>/<auto>"),
        (
            [MEMORY, EXTERNAL],
            [{}, {"external": {"current": {"averageValue": "2"}}}],
            "memory: <unknown>/1Gi, 2/3 (avg)",
        ),
        ([OBJECT, OBJECT, RESOURCE, MEMORY], [], "<unknown>/7, <unknown>/7 + 2 more..."),
        ([{"type": "Pods", "pods": {"target": {"averageValue": "5"}}}], [], "<unknown>/5"),
        ([{"type": "New"}], [], "<unknown type>"),
    ],
)
def test_autoscalers(metrics: list[Any], current: list[Any], targets: str) -> None:
    """Measured and wanted values, the first two of them."""
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "maxReplicas": 4, "metrics": metrics}
    status = {"currentReplicas": 2, "currentMetrics": current}
    row = ("x", "Deployment/web", targets, "<unset>", 4, 2, AGE)
    shown("horizontalpodautoscalers.autoscaling", {"spec": spec, "status": status}, row)


@pytest.mark.parametrize(
    ("resource", "body", "row"),
    [
        (
            "ingresses.networking.k8s.io",
            {
                "spec": {"rules": [{"host": "a"}, {}, {"host": "b"}, {"host": "c"}, {"host": "d"}]},
                "status": {"loadBalancer": {"ingress": [{"hostname": "lb"}, {"ip": "1.2.3.4"}]}},
            },
            ("x", "<none>", "a,b,c + 2 more...", "1.2.3.4,lb", "80", AGE),
        ),
        (
            "ingresses.networking.k8s.io",
            {"spec": {"ingressClassName": "n", "tls": [{}]}},
            ("x", "n", "*", "", "80, 443", AGE),
        ),
        (
            "ingressclasses.networking.k8s.io",
            {"spec": {"controller": "a/b", "parameters": {"apiGroup": "g.io", "kind": "K", "name": "n"}}},
            ("x", "a/b", "K.g.io/n", AGE),
        ),
        ("ingressclasses.networking.k8s.io", {"spec": {"controller": "a/b"}}, ("x", "a/b", "<none>", AGE)),
        ("networkpolicies.networking.k8s.io", {"spec": {"podSelector": {}}}, ("x", "<none>", AGE)),
        ("networkpolicies.networking.k8s.io", {"spec": {"podSelector": SELECTOR}}, ("x", "app=x,t in (a,b)", AGE)),
        (
            "ipaddresses.networking.k8s.io",
            {"spec": {"parentRef": {"group": "g.io", "resource": "Things", "name": "n"}}},
            ("x", "things.g.io/n"),
        ),
        (
            "servicecidrs.networking.k8s.io",
            {"spec": {"cidrs": ["10.0.0.0/8", "fd00::/64"]}},
            ("x", "10.0.0.0/8,fd00::/64", AGE),
        ),
        (
            "endpoints",
            {"subsets": [{"addresses": [{"ip": "fd00::1"}], "ports": [{"port": 80}]}]},
            ("x", "[fd00::1]:80", AGE),
        ),
        ("endpoints", {"subsets": [{"addresses": [{"ip": "10.0.0.1"}]}]}, ("x", "10.0.0.1", AGE)),
        (
            "endpoints",
            {"subsets": [{"notReadyAddresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 1}]}]},
            ("x", "", AGE),
        ),
        ("endpoints", {}, ("x", "<none>", AGE)),
        (
            "endpointslices.discovery.k8s.io",
            {"addressType": "IPv4", "ports": [{"name": "http"}, {}], "endpoints": []},
            ("x", "IPv4", "http,*", "<unset>", AGE),
        ),
        (
            "services",
            {"spec": {"type": "ExternalName", "externalName": "a.b"}},
            ("x", "ExternalName", "<none>", "a.b", "<none>", AGE, "<none>"),
        ),
    ],
)
def test_networking(resource: str, body: dict[str, Any], row: Row) -> None:
    """Hosts, addresses and ports: the first three, and how many more there are."""
    shown(resource, body, row)


@pytest.mark.parametrize(
    ("resource", "body", "row"),
    [
        (
            "persistentvolumes",
            {
                "spec": {
                    "capacity": {"storage": "5Gi"},
                    "accessModes": ["ReadWriteMany", "ReadWriteOnce", "ReadWriteMany"],
                    "persistentVolumeReclaimPolicy": "Retain",
                    "claimRef": {"namespace": "n", "name": "c"},
                    "storageClassName": "fast",
                    "volumeMode": "Block",
                },
                "status": {"phase": "Bound"},
            },
            ("x", "5Gi", "RWO,RWX", "Retain", "Bound", "n/c", "fast", "<unset>", "", AGE, "Block"),
        ),
        (
            "persistentvolumes",
            {"metadata": DELETED},
            ("x", "0", "", "", "Terminating", "", "", "<unset>", "", AGE, "<unset>"),
        ),
        (
            "persistentvolumeclaims",
            {
                "spec": {"volumeName": "v", "volumeAttributesClassName": "gold"},
                "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOncePod"]},
            },
            ("x", "Bound", "v", "1Gi", "RWOP", "", "gold", AGE, "<unset>"),
        ),
        (
            "persistentvolumeclaims",
            {"status": {"phase": "Pending", "capacity": {"storage": "1Gi"}}},
            ("x", "Pending", "", "", "", "", "<unset>", AGE, "<unset>"),
        ),
        (
            "storageclasses.storage.k8s.io",
            {
                "metadata": {**META, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
                "provisioner": "p",
                "allowVolumeExpansion": True,
            },
            ("x (default)", "p", "Delete", "Immediate", True, AGE),
        ),
        ("volumeattributesclasses.storage.k8s.io", {"driverName": "d"}, ("x", "d", AGE)),
        (
            "csidrivers.storage.k8s.io",
            {
                "spec": {
                    "attachRequired": False,
                    "tokenRequests": [{"audience": "a"}, {"audience": "b"}],
                    "volumeLifecycleModes": ["Ephemeral"],
                }
            },
            ("x", False, False, False, "a,b", False, "Ephemeral", AGE),
        ),
        ("csinodes.storage.k8s.io", {"spec": {"drivers": [{}, {}]}}, ("x", 2, AGE)),
        (
            "volumeattachments.storage.k8s.io",
            {
                "spec": {"attacher": "a", "nodeName": "n", "source": {"persistentVolumeName": "v"}},
                "status": {"attached": True},
            },
            ("x", "a", "v", "n", True, AGE),
        ),
        (
            "resourceclaims.resource.k8s.io",
            {"status": {"allocation": {}, "reservedFor": [{}]}},
            ("x", "allocated,reserved", AGE),
        ),
        ("resourceclaims.resource.k8s.io", {"metadata": DELETED}, ("x", "deleted", AGE)),
        ("resourceslices.resource.k8s.io", {"spec": {"driver": "d", "pool": {"name": "p"}}}, ("x", "", "d", "p", AGE)),
    ],
)
def test_storage_and_devices(resource: str, body: dict[str, Any], row: Row) -> None:
    """Sizes, short access modes, and what is unset."""
    shown(resource, body, row)


@pytest.mark.parametrize(
    ("resource", "body", "row"),
    [
        (
            "rolebindings.rbac.authorization.k8s.io",
            {
                "roleRef": {"kind": "Role", "name": "r"},
                "subjects": [
                    {"kind": "User", "name": "a"},
                    {"kind": "User", "name": "b"},
                    {"kind": "Group", "name": "g"},
                    {"kind": "ServiceAccount", "namespace": "n", "name": "s"},
                ],
            },
            ("x", "Role/r", AGE, "a, b", "g", "n/s"),
        ),
        (
            "clusterrolebindings.rbac.authorization.k8s.io",
            {"roleRef": {"kind": "ClusterRole", "name": "r"}},
            ("x", "ClusterRole/r", AGE, "", "", ""),
        ),
        ("clusterroles.rbac.authorization.k8s.io", {}, ("x", "2025-01-01T10:00:00Z")),
        (
            "certificatesigningrequests.certificates.k8s.io",
            {
                "spec": {"signerName": "s.io/n", "username": "u", "expirationSeconds": 3600},
                "status": {"conditions": [{"type": "Approved"}, {"type": "Failed"}], "certificate": "YQ=="},
            },
            ("x", AGE, "s.io/n", "u", "60m", "Approved,Failed,Issued"),
        ),
        ("certificatesigningrequests.certificates.k8s.io", {"spec": {}}, ("x", AGE, "<none>", "", "<none>", "Pending")),
        (
            "resourcequotas",
            {"status": {"hard": {"pods": "4", "limits.cpu": "2", "requests.cpu": "1"}, "used": {"pods": "1"}}},
            ("x", "pods: 1/4, requests.cpu: 0/1", "limits.cpu: 0/2", AGE),
        ),
        ("priorityclasses.scheduling.k8s.io", {"value": -5}, ("x", -5, False, AGE, "")),
        ("runtimeclasses.node.k8s.io", {"handler": "h"}, ("x", "h", AGE)),
        (
            "componentstatuses",
            {"conditions": [{"type": "Healthy", "status": "False", "message": "m", "error": "e"}]},
            ("x", "Unhealthy", "m", "e"),
        ),
        ("componentstatuses", {}, ("x", "Unknown", "", "")),
        (
            "flowschemas.flowcontrol.apiserver.k8s.io",
            {
                "spec": {"matchingPrecedence": 9, "priorityLevelConfiguration": {"name": "p"}},
                "status": {"conditions": [{"type": "Dangling", "status": "False"}]},
            },
            ("x", "p", 9, "<none>", AGE, "False"),
        ),
        (
            "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
            {"spec": {"type": "Exempt"}},
            ("x", "Exempt", "<none>", "<none>", "<none>", "<none>", AGE),
        ),
        ("validatingwebhookconfigurations.admissionregistration.k8s.io", {"webhooks": [{}]}, ("x", 1, AGE)),
        (
            "mutatingadmissionpolicies.admissionregistration.k8s.io",
            {"spec": {"mutations": [{}]}},
            ("x", 1, "<unset>", AGE),
        ),
        (
            "validatingadmissionpolicybindings.admissionregistration.k8s.io",
            {"spec": {"policyName": "p", "paramRef": {"selector": {"matchLabels": {"a": "b"}}}}},
            (
                "x",
                "p",
                "&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{},}",
                AGE,
            ),
        ),
        (
            "validatingadmissionpolicybindings.admissionregistration.k8s.io",
            {"spec": {"policyName": "p"}},
            ("x", "p", "<unset>", AGE),
        ),
        (
            "apiservices.apiregistration.k8s.io",
            {
                "spec": {"service": {"namespace": "n", "name": "s"}},
                "status": {"conditions": [{"type": "Available", "status": "False", "reason": "Missing"}]},
            },
            ("x", "n/s", "False (Missing)", AGE),
        ),
        ("customresourcedefinitions.apiextensions.k8s.io", {}, ("x", "2025-01-01T10:00:00Z")),
    ],
)
def test_access_and_policies(resource: str, body: dict[str, Any], row: Row) -> None:
    """Who, what and how much."""
    shown(resource, body, row)


def test_a_series_of_events() -> None:
    """Of a repeated event its series says how often and when last."""
    body = {
        "metadata": META,
        "involvedObject": {"kind": "Node"},
        "reportingComponent": "c",
        "eventTime": "2025-01-01T11:00:00.000000Z",
        "series": {"count": 7, "lastObservedTime": "2025-01-01T11:59:30.000000Z"},
    }
    row = row_of("events")(body, NOW)
    assert (row[0], row[3], row[5], row[7], row[8]) == ("30s", "node", "c", "60m", 7)
