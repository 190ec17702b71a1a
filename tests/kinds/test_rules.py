# ruff: noqa: E501  (expected messages stand unbroken)
"""What each kind refuses: every cause, with its field and Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.api.patches import clone, merge_patch
from kube_actors.api.registry import Registry
from kube_actors.kinds import hooks_for

POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"containers": [{"name": "app", "image": "nginx:1"}]},
}


def _causes(resource: str, new: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    """`field: message` of every cause, after defaulting, as a client would meet them; an old object was a new one once."""
    hooks = hooks_for(resource)
    new, old = clone(new), clone(old)
    for body in (new, old):
        if body is not None:
            assert not [
                each for each in Registry.built_in().by_id(resource).schema.validate(body) if "Invalid" in each.reason
            ]
            hooks.default(body)
            body["metadata"].setdefault("uid", "1")
            hooks.prepare_create(body)
    return [f"{cause.field}: {cause.message}" for cause in hooks.validate(new, old)]


def _pod(**spec: Any) -> dict[str, Any]:
    return {**POD, "spec": {**POD["spec"], **spec}}


def _container(**fields: Any) -> dict[str, Any]:
    return _pod(containers=[{"name": "app", "image": "nginx:1", **fields}])


@pytest.mark.parametrize(
    ("pod", "causes"),
    [
        (POD, []),
        (_pod(containers=[]), ["spec.containers: Required value"]),
        (
            _pod(containers=[{"name": "a", "image": "x"}, {"name": "a", "image": "x"}]),
            ['spec.containers[1].name: Duplicate value: "a"'],
        ),
        (
            _pod(initContainers=[{"name": "app", "image": "x", "readinessProbe": {"exec": {"command": ["a"]}}}]),
            [
                "spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without "
                "restartPolicy=Always",
                'spec.containers[0].name: Duplicate value: "app"',
            ],
        ),
        (
            _container(image=" x"),
            ['spec.containers[0].image: Invalid value: " x": must not have leading or trailing whitespace'],
        ),
        (
            _container(livenessProbe={}, readinessProbe={"exec": {"command": []}, "tcpSocket": {"port": 0}}),
            [
                "spec.containers[0].livenessProbe: Required value: must specify a handler type",
                "spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
                "spec.containers[0].readinessProbe.exec.command: Required value",
            ],
        ),
        (
            _container(
                livenessProbe={"tcpSocket": {"port": 70000}, "successThreshold": 2, "initialDelaySeconds": -1},
                startupProbe={"httpGet": {"port": "not_a_port"}},
            ),
            [
                "spec.containers[0].livenessProbe.tcpSocket.port: Invalid value: 70000: must be between 1 and 65535, inclusive",
                "spec.containers[0].livenessProbe.initialDelaySeconds: Invalid value: -1: must be greater than or equal to 0",
                "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
                'spec.containers[0].startupProbe.httpGet.port: Invalid value: "not_a_port": must contain only alpha-numeric '
                "characters (a-z, 0-9), and hyphens (-)",
            ],
        ),
        (
            _container(lifecycle={"preStop": {"sleep": {"seconds": 60}}, "postStart": {}}),
            [
                "spec.containers[0].lifecycle.postStart: Required value: must specify a handler type",
                "spec.containers[0].lifecycle.preStop.sleep: Invalid value: 60: must be non-negative and less than "
                "terminationGracePeriodSeconds (30)",
            ],
        ),
        (
            _container(
                volumeMounts=[{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/a", "subPath": "../b"}]
            ),
            [
                'spec.containers[0].volumeMounts[0].name: Not found: "v"',
                'spec.containers[0].volumeMounts[1].name: Not found: "v"',
                'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/a": must be unique',
                "spec.containers[0].volumeMounts.subPath: Invalid value: \"../b\": must not contain '..'",
            ],
        ),
        (
            _container(resources={"limits": {"cpu": "1", "gpu": "1"}, "requests": {"cpu": "2", "memory": "-1"}}),
            [
                'spec.containers[0].resources.limits[gpu]: Invalid value: "gpu": must be a standard resource for containers',
                'spec.containers[0].resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0',
                'spec.containers[0].resources.requests[gpu]: Invalid value: "gpu": must be a standard resource for containers',
                'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
            ],
        ),
        (
            _container(
                env=[
                    {"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                    {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "status.phase"}}},
                    {"name": "C", "valueFrom": {}},
                    {"name": "D", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "a/b"}}},
                    {"name": "L", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
                    {"name": "a=b"},
                ]
            ),
            [
                'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
                'spec.containers[0].env[1].valueFrom.fieldRef.fieldPath: Unsupported value: "status.phase": supported values: '
                '"metadata.annotations[\'<KEY>\']", "metadata.labels[\'<KEY>\']", "metadata.name", "metadata.namespace", '
                '"metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", '
                '"status.podIPs"',
                'spec.containers[0].env[2].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, '
                "`configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
                'spec.containers[0].env[3].valueFrom.configMapKeyRef.key: Invalid value: "a/b": a valid config key must consist '
                "of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for "
                "validation is '[-._a-zA-Z0-9]+')",
                'spec.containers[0].env[5].name: Invalid value: "a=b": a valid environment variable name must consist only of '
                "printable ASCII characters other than '='",
            ],
        ),
        (
            _pod(
                hostNetwork=True,
                containers=[
                    {
                        "name": "a",
                        "image": "x",
                        "ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 81, "name": "http"}],
                    },
                    {
                        "name": "b",
                        "image": "x",
                        "ports": [{"containerPort": 80}, {"containerPort": 82, "hostPort": 8082}],
                    },
                ],
            ),
            [
                'spec.containers[0].ports[1].name: Duplicate value: "http"',
                'spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//80"',
                "spec.containers[1].ports[1].hostPort: Invalid value: 8082: must match `containerPort` when `hostNetwork` is true",
            ],
        ),
        (
            _pod(
                volumes=[
                    {"name": "a", "emptyDir": {}, "hostPath": {"path": "/x"}},
                    {"name": "a", "configMap": {}},
                    {"name": "B", "hostPath": {"path": "/a/../b"}},
                    {
                        "name": "c",
                        "secret": {"secretName": "s", "defaultMode": 1000, "items": [{"key": "k", "path": "/abs"}]},
                    },
                ]
            ),
            [
                "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type",
                'spec.volumes[1].name: Duplicate value: "a"',
                "spec.volumes[1].configMap.name: Required value",
                'spec.volumes[2].name: Invalid value: "B": a lowercase RFC 1123 label must consist of lower case alphanumeric '
                "characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex "
                "used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
                "spec.volumes[2].hostPath.path: Invalid value: \"/a/../b\": must not contain '..'",
                "spec.volumes[3].secret.defaultMode: Invalid value: 1000: must be a number between 0 and 0777 (octal), both inclusive",
                'spec.volumes[3].secret.items[0].path: Invalid value: "/abs": must be a relative path',
            ],
        ),
        (
            _pod(terminationGracePeriodSeconds=-1, activeDeadlineSeconds=0, dnsPolicy="None", hostname="a.b"),
            [
                "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive",
                'spec.hostname: Invalid value: "a.b": must not contain dots',
                "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None",
            ],
        ),
        (
            _pod(
                nodeSelector={"a b": "c"},
                tolerations=[
                    {"operator": "Equal", "value": "x"},
                    {"key": "k", "operator": "Exists", "value": "v"},
                    {"key": "k", "effect": "NoSchedule", "tolerationSeconds": 3},
                ],
                affinity={
                    "nodeAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": {
                            "nodeSelectorTerms": [
                                {
                                    "matchExpressions": [
                                        {"key": "a", "operator": "In"},
                                        {"key": "b", "operator": "Gt", "values": []},
                                    ]
                                }
                            ]
                        },
                        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 0, "preference": {}}],
                    },
                    "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": ""}]},
                },
            ),
            [
                "spec.nodeSelector: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and "
                "must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
                "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
                "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0]"
                ".values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
                "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[1]"
                ".values: Required value: must be specified single value when `operator` is 'Lt' or 'Gt'",
                "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 0: must be in "
                "the range 1-100",
                "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value: can "
                "not be empty",
                'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means '
                '"match all values and all keys"',
                "spec.tolerations[1].operator: Invalid value: "
                '{"key":"k","operator":"Exists","value":"v"}: value must be empty when `operator` is \'Exists\'',
                "spec.tolerations[2].effect: Invalid value: \"NoSchedule\": effect must be 'NoExecute' when `tolerationSeconds` is set",
            ],
        ),
        (
            _container(securityContext={"privileged": True, "allowPrivilegeEscalation": False, "runAsUser": -1}),
            [
                "spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
                'spec.containers[0].securityContext: Invalid value: {"allowPrivilegeEscalation":false,"privileged":true,'
                '"runAsUser":-1}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
            ],
        ),
    ],
)
def test_pods(pod: dict[str, Any], causes: list[str]) -> None:
    """A new pod."""
    assert _causes("pods", pod) == causes


@pytest.mark.parametrize(
    ("before", "after", "fields"),
    [
        (POD, _container(image="nginx:2"), []),
        (POD, _pod(tolerations=[{"key": "a", "operator": "Exists"}]), []),
        (POD, _pod(activeDeadlineSeconds=5), []),
        (_pod(activeDeadlineSeconds=5), POD, ["spec.activeDeadlineSeconds"]),
        (_pod(activeDeadlineSeconds=5), _pod(activeDeadlineSeconds=6), ["spec.activeDeadlineSeconds"]),
        (_pod(tolerations=[{"key": "a", "operator": "Exists"}]), POD, ["spec.tolerations"]),
        (POD, _container(command=["x"]), ["spec"]),
        (POD, _container(imagePullPolicy="Always"), ["spec"]),
        (POD, _pod(containers=[*POD["spec"]["containers"], {"name": "b", "image": "x"}]), ["spec.containers"]),
        (POD, _pod(nodeName="n"), ["spec"]),
        (POD, _pod(schedulingGates=[{"name": "a/b"}]), ["spec.schedulingGates"]),
        (_pod(schedulingGates=[{"name": "a/b"}]), POD, []),
    ],
)
def test_pods_hardly_change(before: dict[str, Any], after: dict[str, Any], fields: list[str]) -> None:
    """Images, deadlines, tolerations, gates; nothing else."""
    assert [cause.partition(": ")[0] for cause in _causes("pods", after, before)] == fields


def test_what_was_changed_is_named() -> None:
    """A refused change of a pod says what may be changed, and what was."""
    (cause,) = _causes("pods", _container(command=["x"]), POD)
    assert cause.startswith("spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,")
    assert cause.endswith("changed here: spec.containers")


DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": POD["spec"]},
    },
}


@pytest.mark.parametrize(
    ("change", "causes"),
    [
        ({}, []),
        (
            {"replicas": -1, "minReadySeconds": 700, "revisionHistoryLimit": -2},
            [
                "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
                "spec.revisionHistoryLimit: Invalid value: -2: must be greater than or equal to 0",
                "spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds",
            ],
        ),
        (
            {"selector": {"matchLabels": None}},
            ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
        ),
        (
            {"selector": {"matchLabels": {"app": "api"}}},
            [
                'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`'
            ],
        ),
        (
            {"selector": {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["x"]}]}},
            [
                "spec.selector.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or "
                "'DoesNotExist'"
            ],
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}},
            [
                'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0',
            ],
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": "x", "maxUnavailable": "150%"}}},
            [
                'spec.strategy.rollingUpdate.maxSurge: Invalid value: "x": a valid percent string must be a numeric string '
                "followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
                'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "150%": must not be greater than 100%',
            ],
        ),
        (
            {"strategy": {"type": "Recreate", "rollingUpdate": {}}},
            ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
        ),
        (
            {"template": {"spec": {"restartPolicy": "Never", "activeDeadlineSeconds": 5}}},
            [
                'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
                "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported",
            ],
        ),
    ],
)
def test_deployments(change: dict[str, Any], causes: list[str]) -> None:
    """A new Deployment with one thing changed."""
    assert _causes("deployments.apps", merge_patch(DEPLOYMENT, {"spec": change})) == causes


@pytest.mark.parametrize("resource", ["deployments.apps", "replicasets.apps"])
def test_selectors_are_immutable(resource: str) -> None:
    """Changing the selector would lose the pods."""
    body = clone(DEPLOYMENT)
    body["kind"] = "Deployment" if resource.startswith("dep") else "ReplicaSet"
    labels = {"app": "web", "x": "y"}
    change = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}}
    (cause,) = _causes(resource, merge_patch(body, {"spec": change}), body)
    assert cause == 'spec.selector: Invalid value: {"matchLabels":{"app":"web","x":"y"}}: field is immutable'


SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"ports": [{"port": 80}]},
}


@pytest.mark.parametrize(
    ("spec", "causes"),
    [
        ({"ports": [{"port": 80}]}, []),
        ({}, ["spec.ports: Required value"]),
        ({"clusterIP": "None"}, []),
        (
            {"ports": [{"port": 80}, {"port": 80, "name": "b"}, {"port": 0, "name": "b", "targetPort": "x y"}]},
            [
                "spec.ports[0].name: Required value",
                'spec.ports[1]: Duplicate value: {"port":80,"protocol":"TCP"}',
                'spec.ports[2].name: Duplicate value: "b"',
                "spec.ports[2].port: Invalid value: 0: must be between 1 and 65535, inclusive",
                'spec.ports[2].targetPort: Invalid value: "x y": must contain only alpha-numeric characters (a-z, 0-9), and '
                "hyphens (-)",
            ],
        ),
        (
            {"ports": [{"port": 80, "nodePort": 30000}]},
            ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
        ),
        ({"type": "ExternalName"}, ["spec.externalName: Required value"]),
        (
            {"type": "NodePort", "clusterIP": "None"},
            ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"],
        ),
        (
            {"clusterIP": "nowhere", "ports": [{"port": 1}]},
            [
                'spec.clusterIPs[0]: Invalid value: "nowhere": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
            ],
        ),
        (
            {
                "ports": [{"port": 1}],
                "sessionAffinity": "ClientIP",
                "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 0}},
            },
            [
                "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less than 86400"
            ],
        ),
    ],
)
def test_services(spec: dict[str, Any], causes: list[str]) -> None:
    """A new service."""
    assert _causes("services", {**SERVICE, "spec": spec}) == causes


def test_a_services_address_stays() -> None:
    """Once given, the address is not changed."""
    before = {**SERVICE, "spec": {"ports": [{"port": 80}], "clusterIP": "10.0.0.1"}}
    after = {**SERVICE, "spec": {"ports": [{"port": 80}], "clusterIP": "10.0.0.2"}}
    assert _causes("services", after, before) == [
        'spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set'
    ]


def _data(kind: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x", "namespace": "default"}, **fields}


@pytest.mark.parametrize(
    ("resource", "new", "old", "fields"),
    [
        ("configmaps", _data("ConfigMap", data={"a/b": "", "..": ""}), None, ["data[a/b]", "data[..]"]),
        ("configmaps", _data("ConfigMap", data={"a": ""}, binaryData={"a": ""}), None, ["data[a]"]),
        ("configmaps", _data("ConfigMap", data={"a": "x" * (1 << 20) + "y"}), None, ["[]"]),
        (
            "configmaps",
            _data("ConfigMap", data={"a": "2"}),
            _data("ConfigMap", data={"a": "1"}, immutable=True),
            ["immutable", "data"],
        ),
        ("secrets", _data("Secret", type="kubernetes.io/tls"), None, ["data[tls.crt]", "data[tls.key]"]),
        ("secrets", _data("Secret", type="kubernetes.io/basic-auth", stringData={"username": "a"}), None, []),
        (
            "secrets",
            _data("Secret", type="kubernetes.io/dockerconfigjson", stringData={".dockerconfigjson": "[]"}),
            None,
            ["data[.dockerconfigjson]"],
        ),
        ("secrets", _data("Secret", type="a"), _data("Secret", type="b"), ["type"]),
        ("secrets", _data("Secret", data={"a": "eA=="}, immutable=True), _data("Secret", immutable=True), ["data"]),
        ("events", _data("Event", involvedObject={"namespace": "other"}), None, ["involvedObject.namespace"]),
        ("events", _data("Event", involvedObject={"namespace": "default"}), None, []),
        ("nodes", _data("Node", spec={"taints": [{"key": "a", "effect": "NoSchedule"}] * 2}), None, ["spec.taints[1]"]),
        (
            "endpoints",
            _data("Endpoints", subsets=[{"ports": [{"port": 0}]}]),
            None,
            ["subsets[0]", "subsets[0].ports[0].port"],
        ),
        (
            "endpoints",
            _data("Endpoints", subsets=[{"addresses": [{"ip": "0.0.0.0"}, {"ip": "169.254.1.1"}, {"ip": "x"}]}]),
            None,
            ["subsets[0].addresses[0].ip", "subsets[0].addresses[1].ip", "subsets[0].addresses[2].ip"],
        ),
    ],
)
def test_other_kinds(resource: str, new: dict[str, Any], old: dict[str, Any] | None, fields: list[str]) -> None:
    """Which fields of the smaller kinds are refused."""
    assert [cause.partition(": ")[0] for cause in _causes(resource, new, old)] == fields


def test_leases_and_slices() -> None:
    """Durations are positive; addresses fit their slice's family."""
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "spec": {"leaseDurationSeconds": 0}}
    assert _causes("leases.coordination.k8s.io", {**lease, "metadata": {}}) == [
        "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"
    ]
    api = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {}, "addressType": "IPv4"}
    endpoints = [{"addresses": ["10.0.0.1"]}, {"addresses": ["fd00::1"]}, {"addresses": []}]
    assert _causes("endpointslices.discovery.k8s.io", {**api, "endpoints": endpoints, "ports": [{}, {}]}) == [
        'endpoints[1].addresses[0]: Invalid value: "fd00::1": must be an IPv4 address',
        "endpoints[2].addresses: Required value: must contain at least 1 address",
        'ports[1].name: Duplicate value: ""',
    ]


def test_events_of_the_newer_form() -> None:
    """Who says exactly when it was says who reports it and what was done, again when it is updated."""
    event = {
        "metadata": {"name": "a", "namespace": "default"},
        "involvedObject": {"namespace": "default"},
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingComponent": "not a name",
        "reason": "x" * 129,
        "message": "x" * 1025,
    }
    new = _causes("events", event, None)
    assert [cause.partition(": ")[0] for cause in new] == [
        "reportingController",
        "reportingInstance",
        "action",
        "reason",
        "message",
    ]
    assert _causes("events", event, event) == new
    assert _causes("events", {**event, "eventTime": None}, None) == []
