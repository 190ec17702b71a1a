# ruff: noqa: E501  (expected messages stand unbroken)
"""What the smaller kinds refuse, and the rarer fields of the larger ones, in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.api.patches import clone
from kube_actors.kinds import hooks_for

HTTPS = {"service": {"namespace": "default", "name": "hook"}}
RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
WEBHOOK = {
    "name": "a.b.c",
    "clientConfig": HTTPS,
    "rules": [RULE],
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
}
TEMPLATE = {
    "metadata": {"labels": {"a": "b"}},
    "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]},
}
JOB = {"template": TEMPLATE, "selector": {"matchLabels": {"a": "b"}}}
DAEMON = {"containers": [{"name": "c", "image": "i"}]}
DEBUG = {"name": "d", "image": "i"}
VOLUME = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]}


def _causes(resource: str, new: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    hooks, new, old = hooks_for(resource), clone(new), clone(old)
    for body in (new, old):
        if body is not None:
            body.setdefault("metadata", {"name": "x", "namespace": "default"})
            hooks.default(body)
    return [f"{cause.field}: {cause.message}" for cause in hooks.validate(new, old)]


def _service(**spec: Any) -> dict[str, Any]:
    return {"spec": {"ports": [{"port": 80}], **spec}}


@pytest.mark.parametrize(
    ("resource", "body", "causes"),
    [
        (
            "services",
            _service(type="LoadBalancer", loadBalancerSourceRanges=["10.0.0.1/8"], ports=[{"port": 10250}]),
            [
                'spec.loadBalancerSourceRanges[0]: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length',
                "spec.ports[0]: Invalid value: 10250: may not expose port 10250 externally since it is used by kubelet",
            ],
        ),
        (
            "services",
            _service(trafficDistribution="Odd", externalIPs=["127.0.0.1"]),
            [
                'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
                'spec.trafficDistribution: Unsupported value: "Odd": supported values: "PreferClose", "PreferSameNode", "PreferSameZone"',
            ],
        ),
        (
            "persistentvolumes",
            {"spec": {**VOLUME, "hostPath": {"path": "/"}, "persistentVolumeReclaimPolicy": "Recycle"}},
            ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
        ),
        (
            "persistentvolumes",
            {"spec": {**VOLUME, "csi": {"driver": "d"}, "nodeAffinity": {}}},
            [
                "spec.csi.volumeHandle: Required value",
                "spec.nodeAffinity.required: Required value: must specify required node constraints",
            ],
        ),
        (
            "persistentvolumeclaims",
            {
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": "1Gi"}},
                    "dataSource": {"kind": "Odd", "name": "a"},
                }
            },
            [
                "spec.dataSource: Invalid value: \"Odd\": must be 'PersistentVolumeClaim' when referencing the default apiGroup"
            ],
        ),
        (
            "ingressclasses.networking.k8s.io",
            {"spec": {"controller": "nginx", "parameters": {"kind": "K", "name": "n", "scope": "Namespace"}}},
            [
                'spec.controller: Invalid value: "nginx": must be a domain-prefixed path (such as "acme.io/foo")',
                "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
            ],
        ),
        (
            "networkpolicies.networking.k8s.io",
            {"spec": {"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.1/8"}}]}]}},
            [
                'spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length'
            ],
        ),
        (
            "horizontalpodautoscalers.autoscaling",
            {
                "spec": {
                    "scaleTargetRef": {"kind": "A/B", "name": "a"},
                    "maxReplicas": 2,
                    "metrics": [
                        {"type": "Pods", "pods": {"metric": {"name": "m"}, "target": {"type": "AverageValue"}}}
                    ],
                }
            },
            [
                "spec.scaleTargetRef.kind: Invalid value: \"A/B\": may not contain '/'",
                "spec.metrics[0].pods.target.averageValue: Required value: must specify a positive target averageValue",
            ],
        ),
        (
            "jobs.batch",
            {
                "spec": {
                    **JOB,
                    "podFailurePolicy": {
                        "rules": [
                            {
                                "action": "FailJob",
                                "onExitCodes": {"operator": "In", "values": [2, 0], "containerName": "z"},
                            },
                            {"action": "FailIndex"},
                        ]
                    },
                    "managedBy": "me",
                }
            },
            [
                'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "z": must be one of the container or initContainer names in the pod template',
                "spec.podFailurePolicy.rules[0].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator",
                "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,0]: must be ordered",
                'spec.podFailurePolicy.rules[1].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set',
                "spec.podFailurePolicy.rules[1]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required",
                'spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")',
            ],
        ),
        (
            "jobs.batch",
            {"spec": {**JOB, "successPolicy": {"rules": [{}]}, "completionMode": "Indexed", "completions": 1}},
            [
                "spec.successPolicy.rules[0]: Required value: at least one of succeededCount or succeededIndexes must be specified"
            ],
        ),
        (
            "jobs.batch",
            {
                "metadata": {"name": "x" * 62, "namespace": "d"},
                "spec": {**JOB, "completionMode": "Indexed", "completions": 9},
            },
            [
                f'metadata.name: Invalid value: "{"x" * 62}": will not able to create pod with invalid DNS label: {"x" * 62}-8'
            ],
        ),
        (
            "daemonsets.apps",
            {
                "spec": {
                    "selector": {},
                    "template": {"spec": {**DAEMON, "activeDeadlineSeconds": 5, "ephemeralContainers": [DEBUG]}},
                }
            },
            [
                "spec.selector: Invalid value: {}: empty selector is invalid for daemonset",
                "spec.template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template",
                "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in DaemonSet is not Supported",
            ],
        ),
        (
            "horizontalpodautoscalers.autoscaling",
            {"spec": {"maxReplicas": 0, "scaleTargetRef": {"kind": "Deployment", "name": "web"}}},
            [
                "spec.maxReplicas: Invalid value: 0: must be greater than 0",
                "spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`",
            ],
        ),
        (
            "nodes",
            {"spec": {"podCIDRs": ["10.0.0.0/24", "10.1.0.0/24"], "taints": [{"key": "a", "effect": ""}]}},
            [
                "spec.taints[0].effect: Required value",
                'spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.1.0.0/24"]: may specify no more than one CIDR for each IP family',
            ],
        ),
        (
            "resourcequotas",
            {"spec": {"hard": {"bad": "1", "example.com/x": "1", "requests.example.com/x": "1"}}},
            ['spec.hard[bad]: Invalid value: "bad": must be a standard resource for quota'],
        ),
        (
            "endpointslices.discovery.k8s.io",
            {
                "addressType": "IPv4",
                "endpoints": [{"addresses": ["10.0.0.1"], "hints": {"forZones": [{"name": "a"}, {"name": "a"}]}}],
            },
            ['endpoints[0].hints.forZones[1].name: Duplicate value: "a"'],
        ),
        (
            "runtimeclasses.node.k8s.io",
            {"handler": "runc", "overhead": {"podFixed": {"cpu": "-1"}}},
            ['overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
        ),
        (
            "csidrivers.storage.k8s.io",
            {"spec": {"tokenRequests": [{"audience": "a", "expirationSeconds": 5}, {"audience": "a"}]}},
            [
                "spec.tokenRequests[0].expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes",
                'spec.tokenRequests[1].audience: Duplicate value: "a"',
            ],
        ),
        (
            "csinodes.storage.k8s.io",
            {"spec": {"drivers": [{"name": "d", "nodeID": ""}]}},
            ["spec.drivers[0].nodeID: Required value"],
        ),
        (
            "volumeattachments.storage.k8s.io",
            {"spec": {"attacher": "d", "nodeName": "n", "source": {}}},
            ["spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName"],
        ),
        (
            "validatingadmissionpolicies.admissionregistration.k8s.io",
            {"kind": "ValidatingAdmissionPolicy", "spec": {"matchConstraints": {}}},
            [
                "spec.matchConstraints.resourceRules: Required value",
                "spec.validations: Required value: validations or auditAnnotations must contain at least one item",
                "spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item",
            ],
        ),
        (
            "validatingadmissionpolicybindings.admissionregistration.k8s.io",
            {"kind": "ValidatingAdmissionPolicyBinding", "spec": {"validationActions": ["Deny", "Warn"]}},
            [
                "spec.policyName: Required value",
                'spec.validationActions: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
            ],
        ),
        (
            "volumeattributesclasses.storage.k8s.io",
            {"driverName": "d"},
            ["parameters: Required value: must contain at least one key/value pair"],
        ),
        (
            "csistoragecapacities.storage.k8s.io",
            {"storageClassName": "s", "capacity": "-1"},
            ['capacity: Invalid value: "-1": must be greater than or equal to 0'],
        ),
        ("controllerrevisions.apps", {"revision": 1}, ["data: Required value: data is mandatory"]),
        ("validatingwebhookconfigurations.admissionregistration.k8s.io", {"webhooks": [WEBHOOK]}, []),
        (
            "validatingwebhookconfigurations.admissionregistration.k8s.io",
            {
                "webhooks": [
                    WEBHOOK,
                    {
                        **WEBHOOK,
                        "clientConfig": {"url": "http://a"},
                        "sideEffects": "Some",
                        "timeoutSeconds": 31,
                        "admissionReviewVersions": ["v2"],
                    },
                ]
            },
            [
                'webhooks[1].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"',
                "webhooks[1].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds",
                "webhooks[1].clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: https://host[/path]",
                'webhooks[1].admissionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1',
                'webhooks[1].name: Duplicate value: "a.b.c"',
            ],
        ),
        (
            "servicecidrs.networking.k8s.io",
            {"spec": {"cidrs": ["10.0.0.1/8"]}},
            ['spec.cidrs[0]: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length'],
        ),
        (
            "ipaddresses.networking.k8s.io",
            {"spec": {"parentRef": {"name": "a"}}},
            ["spec.parentRef.resource: Required value"],
        ),
    ],
)
def test_new_objects(resource: str, body: dict[str, Any], causes: list[str]) -> None:
    """Every cause, with its field."""
    assert _causes(resource, body) == causes


@pytest.mark.parametrize(
    ("resource", "old", "new", "causes"),
    [
        (
            "services",
            _service(type="LoadBalancer", loadBalancerClass="a"),
            _service(type="LoadBalancer", loadBalancerClass="b"),
            ['spec.loadBalancerClass: Invalid value: "b": may not change once set'],
        ),
        (
            "servicecidrs.networking.k8s.io",
            {"spec": {"cidrs": ["10.0.0.0/8"]}},
            {"spec": {"cidrs": ["10.0.0.0/8", "10.1.0.0/16"]}},
            [
                'spec.cidrs: Invalid value: {"cidrs":["10.0.0.0/8","10.1.0.0/16"]}: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'
            ],
        ),
        (
            "servicecidrs.networking.k8s.io",
            {"spec": {"cidrs": ["10.0.0.0/8"]}},
            {"spec": {"cidrs": ["10.0.0.0/8", "fd00::/112"]}},
            [],
        ),
        (
            "runtimeclasses.node.k8s.io",
            {"handler": "a"},
            {"handler": "b"},
            ['handler: Invalid value: "b": field is immutable'],
        ),
        (
            "nodes",
            {"spec": {"podCIDR": "10.0.0.0/24", "podCIDRs": ["10.0.0.0/24"]}},
            {"spec": {"podCIDR": "10.1.0.0/24", "podCIDRs": ["10.0.0.0/24"]}},
            ['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'],
        ),
        ("controllerrevisions.apps", {"data": {"a": 1}}, {"data": {}}, ["data: Invalid value: {}: field is immutable"]),
    ],
)
def test_changes(resource: str, old: dict[str, Any], new: dict[str, Any], causes: list[str]) -> None:
    """What stays as it is."""
    assert _causes(resource, new, old) == causes


def test_an_expansion_may_be_taken_back() -> None:
    """Down to what the volume has, not below it."""

    def claim(size: str) -> dict[str, Any]:
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
        return {"spec": spec, "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}}

    assert _causes("persistentvolumeclaims", claim("2Gi"), claim("3Gi")) == []
    why = "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"
    assert _causes("persistentvolumeclaims", claim("512Mi"), claim("3Gi")) == [why]


def test_data_sources_say_the_same() -> None:
    """Of a claim's two fields one is filled from the other; the older one never meant other kinds of things."""
    hooks = hooks_for("persistentvolumeclaims")
    snapshot = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "s"}
    claim: dict[str, Any] = {"spec": {"dataSource": dict(snapshot)}}
    hooks.prepare_create(claim)
    assert claim["spec"]["dataSourceRef"] == snapshot
    other: dict[str, Any] = {"spec": {"dataSource": {"kind": "Pod", "name": "p"}}}
    hooks.prepare_create(other)
    assert other["spec"] == {}
