# ruff: noqa: E501  (expected messages stand unbroken)
"""A text that is empty was given all the same: what that means for each field, in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kinds.judge import causes_of, short

Body = dict[str, Any]
NETWORKING, STORAGE = "networking.k8s.io", "storage.k8s.io"
PATH = {"path": "/", "pathType": "Exact", "backend": {"service": {"name": "s", "port": {"number": 80}}}}
VOLUME = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]}
ENDPOINT = {"addresses": ["10.1.2.3"]}


def _ingress(*paths: Body, **spec: Any) -> Body:
    return {"spec": {"rules": [{"http": {"paths": list(paths)}}], **spec}} if paths else {"spec": spec}


def _volume(**source: Any) -> Body:
    return {"spec": {**VOLUME, **source}}


def _pod(**spec: Any) -> Body:
    return {"spec": {"containers": [{"name": "a", "image": "i"}], **spec}}


def _projected(**source: Any) -> Body:
    return _pod(volumes=[{"name": "v", "projected": {"sources": [source]}}])


@pytest.mark.parametrize(
    ("resource", "body", "causes"),
    [
        (
            "ingresses",
            _ingress({**PATH, "backend": {}}, {**PATH, "pathType": None, "backend": {}}, {**PATH, "path": "a//b"}),
            [
                'spec.rules[0].http.paths[0].backend: Invalid value: "": resource or service backend is required',
                "spec.rules[0].http.paths[1].pathType: Required value: pathType must be specified",
                'spec.rules[0].http.paths[2].path: Invalid value: "a//b": must be an absolute path',
                "spec.rules[0].http.paths[2].path: Invalid value: \"a//b\": must not contain '//'",
            ],
        ),
        (
            "ingresses",
            _ingress(defaultBackend={"resource": {"apiGroup": ""}}, tls=[{"hosts": ["10.0.0.1"]}], rules=[{"host": "::1"}]),
            [
                'spec.defaultBackend.resource.apiGroup: Invalid value: ""',
                "spec.defaultBackend.resource.kind: Required value",
                "spec.defaultBackend.resource.name: Required value",
                'spec.rules[0].host: Invalid value: "::1": must be a DNS name, not an IP address',
                'spec.rules[0].host: Invalid value: "::1"',
            ],
        ),
        (
            "ingressclasses",
            {"spec": {"controller": "a.b/c", "parameters": {"apiGroup": "", "kind": "a/b", "name": "n", "scope": "Namespace", "namespace": ""}}},
            [
                'spec.parameters.apiGroup: Invalid value: ""',
                "spec.parameters.kind: Invalid value: \"a/b\": may not contain '/'",
                'spec.parameters.namespace: Invalid value: ""',
            ],
        ),
        (
            "networkpolicies",
            {"spec": {"policyTypes": ["Ingress", "Egress", "Odd"]}},
            ['spec.policyTypes: Invalid value: ["Ingress","Egress","Odd"]: may not specify more than two policyTypes'],
        ),
        (
            "csidrivers",
            {"metadata": {"name": "d"}, "spec": {"fsGroupPolicy": "", "nodeAllocatableUpdatePeriodSeconds": 5, "tokenRequests": [{"audience": "", "expirationSeconds": 1 << 33}]}},
            [
                'spec.fsGroupPolicy: Unsupported value: "": supported values: "File", "None", "ReadWriteOnceWithFSType"',
                "spec.tokenRequests[0].expirationSeconds: Invalid value: 8589934592: may not specify a duration larger than 2^32 seconds",
                "spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 5: must be greater than or equal to 10 seconds",
            ],
        ),
        (
            "storageclasses",
            {"provisioner": "p", "reclaimPolicy": "", "parameters": {"a": "b" * (256 << 10)}, "allowedTopologies": [{"matchLabelExpressions": [{"key": "z", "values": ["a", "a"]}, {"key": "z"}]}]},
            [
                "parameters: Too long: may not be more than 262144 bytes",
                'allowedTopologies[0].matchLabelExpressions[0].values[1]: Duplicate value: "a"',
                "allowedTopologies[0].matchLabelExpressions[1].values: Required value",
                'allowedTopologies[0].matchLabelExpressions[1].key: Duplicate value: "z"',
            ],
        ),
        (
            "volumeattachments",
            {"spec": {"attacher": "a", "source": {"persistentVolumeName": "No", "inlineVolumeSpec": {}}}},
            [
                "spec.source: Forbidden: must specify exactly one of inlineVolumeSpec and persistentVolumeName",
                'spec.nodeName: Invalid value: ""',
                'spec.source.persistentVolumeName: Invalid value: "No"',
            ],
        ),
    ],
)  # fmt: skip
def test_networking_and_storage(resource: str, body: Body, causes: list[str]) -> None:
    """Ingresses, their classes, and what volumes are made by."""
    group = NETWORKING if resource in ("ingresses", "ingressclasses", "networkpolicies") else STORAGE
    assert short(causes_of(f"{resource}.{group}", body)) == causes


@pytest.mark.parametrize(
    ("source", "causes"),
    [
        (
            {"csi": {"driver": "d", "volumeHandle": "h", "controllerPublishSecretRef": {}, "nodePublishSecretRef": {"name": "s"}}},
            [
                "spec.csi.controllerPublishSecretRef.name: Required value",
                "spec.csi.controllerPublishSecretRef.namespace: Required value",
                "spec.csi.nodePublishSecretRef.namespace: Required value",
            ],
        ),
        ({"azureFile": {"secretName": "s", "shareName": "h", "secretNamespace": ""}}, ["spec.azureFile.secretNamespace: Required value"]),
        (
            {"iscsi": {"targetPortal": "p", "iqn": "eui.1", "lun": 0, "initiatorName": "x", "secretRef": {}}},
            [
                'spec.iscsi.iqn: Invalid value: "eui.1": must be valid format',
                'spec.iscsi.initiatorname: Invalid value: "x": must be valid format starting with iqn, eui, or naa',
                "spec.iscsi.secretRef.name: Required value",
            ],
        ),
        ({"flocker": {"datasetName": "a/b", "datasetUUID": "u"}},
         ['spec.flocker: Invalid value: "resource": datasetName and datasetUUID can not be specified simultaneously',
          "spec.flocker.datasetName: Invalid value: \"a/b\": must not contain '/'"]),
        ({"storageos": {"secretRef": {}}}, ["spec.storageos.volumeName: Required value", "spec.storageos.secretRef.name: Required value"]),
        (
            {"hostPath": {"path": "/x"}, "volumeAttributesClassName": ""},
            [
                "spec.volumeAttributesClassName: Required value: an empty string is disallowed",
                "spec.csi: Required value: has to be specified when using volumeAttributesClassName",
            ],
        ),
    ],
)  # fmt: skip
def test_sources_of_volumes(source: Body, causes: list[str]) -> None:
    """Secrets in namespaces of their own, names of targets, classes of attributes."""
    assert causes_of("persistentvolumes", _volume(**source)) == causes


def test_a_volume_without_a_spec() -> None:
    """It misses what every volume has to say."""
    assert [cause.split(":")[0] for cause in causes_of("persistentvolumes", {})] == [
        "spec.accessModes", "spec.capacity", "spec", "spec.persistentVolumeReclaimPolicy", "spec.volumeMode",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("pod", "causes"),
    [
        (_pod(os={}), ["spec.os.name: Required value"]),
        (
            _projected(clusterTrustBundle={"name": "", "labelSelector": {}}),
            [
                "spec.volumes[0].projected.sources[0].clusterTrustBundle.name: Required value: must be a valid object name",
                "spec.volumes[0].projected.sources[0].clusterTrustBundle.labelSelector: Invalid value: {}: labelSelector must be unset if name is specified",
                "spec.volumes[0].projected.sources[0].clusterTrustBundle.path: Required value",
            ],
        ),
        (
            _projected(clusterTrustBundle={"path": "../a"}),
            [
                "spec.volumes[0].projected.sources[0].clusterTrustBundle: Required value: either name or signerName must be specified",
                "spec.volumes[0].projected.sources[0].clusterTrustBundle.path: Invalid value: \"../a\": must not contain '..'",
            ],
        ),
        (
            _projected(podCertificate={"keyType": "", "signerName": "a"}),
            [
                'spec.volumes[0].projected.sources[0].podCertificate.keyType: Unsupported value: "": supported values: "RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"',
                "spec.volumes[0].projected.sources[0].podCertificate.signerName: Invalid value: \"a\": must be a fully qualified domain and path of the form 'example.com/signer-name'",
                "spec.volumes[0].projected.sources[0].podCertificate: Required value: specify at least one of credentialBundlePath, keyPath, and certificateChainPath",
            ],
        ),
        (
            _pod(volumes=[{"name": "v", "downwardAPI": {"items": [{"path": "p", "resourceFieldRef": {"containerName": "a"}}]}}]),
            ["spec.volumes[0].downwardAPI.items[0].resourceFieldRef.resource: Required value"],
        ),
    ],
)  # fmt: skip
def test_pods(pod: Body, causes: list[str]) -> None:
    """The operating system, and what is projected into a volume."""
    assert causes_of("pods", pod) == causes


def test_services() -> None:
    """The policies of a Service are words of Kubernetes' own."""
    spec = {"ports": [{"port": 80}], "internalTrafficPolicy": "", "ipFamilyPolicy": ""}
    assert sorted(causes_of("services", {"spec": spec})) == [
        'spec.internalTrafficPolicy: Unsupported value: "": supported values: "Cluster", "Local"',
        'spec.ipFamilyPolicy: Unsupported value: "": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
    ]


def test_hints_of_endpoints() -> None:
    """Zones are values of labels, nodes have names, and there are not more than eight of either."""
    hints = {"forZones": [{"name": "a"}] * 9, "forNodes": [{"name": ""}]}
    topology = {f"k{n}": "v" for n in range(17)}
    body = {"addressType": "IPv4", "endpoints": [{**ENDPOINT, "hints": hints, "deprecatedTopology": topology}]}
    assert short(causes_of("endpointslices.discovery.k8s.io", body)) == [
        "endpoints[0].deprecatedTopology: Too many: 17: must have at most 16 items",
        "endpoints[0].hints.forZones: Too many: 9: must have at most 8 items",
        'endpoints[0].hints.forNodes[0].name: Invalid value: ""',
    ]


def test_the_class_of_an_ingress() -> None:
    """It may be named twice, in the old way and the new, if the same."""
    body = {"metadata": {"name": "x", "annotations": {"kubernetes.io/ingress.class": "a"}}, **_ingress(PATH)}
    body["spec"]["ingressClassName"] = "a"
    assert causes_of(f"ingresses.{NETWORKING}", body) == []
    body["spec"]["ingressClassName"] = "b"
    assert causes_of(f"ingresses.{NETWORKING}", body) == [
        'annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` when both are specified'
    ]


def test_classes_of_storage_stay() -> None:
    """Each field in its own words."""
    old = {"provisioner": "p", "parameters": {}}
    new = {"provisioner": "q", "parameters": {"a": "b"}, "volumeBindingMode": "WaitForFirstConsumer"}
    assert causes_of(f"storageclasses.{STORAGE}", new, old) == [
        "parameters: Forbidden: updates to parameters are forbidden.",
        "provisioner: Forbidden: updates to provisioner are forbidden.",
        'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
    ]


def _job(**spec: Any) -> Body:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"restartPolicy": "Never", **_pod()["spec"]}}
    selector = {"matchLabels": {"a": "b"}}
    return {"spec": {"template": template, "selector": selector, "manualSelector": True, **spec}}


@pytest.mark.parametrize(
    ("indexes", "why"),
    [
        ("0-1,3", None),
        ("", None),
        ("a", 'cannot convert string to integer for index: "a"'),
        ("0-1-2", "the fragment \"0-1-2\" violates the requirement that an index interval can have at most two parts separated by '-'"),
        ("0-7", 'too large index: "7"'),
        ("3-1", "non-increasing order, previous: 3, current: 1"),
        ("2,1", "non-increasing order, previous: 2, current: 1"),
    ],
)  # fmt: skip
def test_indexes_of_a_success(indexes: str, why: str | None) -> None:
    """They are the Job's, in order."""
    spec = {"completionMode": "Indexed", "completions": 5, "successPolicy": {"rules": [{"succeededIndexes": indexes}]}}
    place = f'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "{indexes}": error parsing succeededIndexes'
    assert causes_of("jobs.batch", _job(**spec)) == ([] if why is None else [f"{place}: {why}"])


def test_policies_of_jobs() -> None:
    """No more may succeed than there are; conditions are true, false or not known."""
    policy = {"rules": [{"succeededIndexes": "0-1", "succeededCount": 3}]}
    failure = {"rules": [{"action": "Ignore", "onPodConditions": [{"type": "a", "status": "Maybe"}]}]}
    spec = {"completionMode": "Indexed", "completions": 5, "successPolicy": policy, "podFailurePolicy": failure}
    assert causes_of("jobs.batch", _job(**spec)) == [
        'spec.podFailurePolicy.rules[0].onPodConditions[0].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"',
        "spec.successPolicy.rules[0].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)",
    ]


def test_a_lease_that_is_given_back() -> None:
    """Nobody holds it: who gives up leading writes an empty name."""
    assert causes_of("leases.coordination.k8s.io", {"spec": {"holderIdentity": "", "leaseDurationSeconds": 1}}) == []


@pytest.mark.parametrize(
    ("resource", "body", "causes"),
    [
        (
            "endpointslices.discovery.k8s.io",
            {"addressType": "IP"},
            ['addressType: Unsupported value: "IP": supported values: "FQDN", "IPv4", "IPv6"'],
        ),
        (
            f"csinodes.{STORAGE}",
            {"spec": {"drivers": [{"name": "d", "nodeID": "n", "allocatable": {"count": -1}}]}},
            ["spec.drivers[0].allocatable.count: Invalid value: -1: must be greater than or equal to 0"],
        ),
        (
            "persistentvolumes",
            _volume(nfs={"server": "s", "path": "/"}, nodeAffinity={"required": {"nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["No"]}, {"key": "a", "operator": "Gt"}]}]}}),
            [
                'spec.nodeAffinity.required.nodeSelectorTerms[0].matchFields[0].values[0]: Invalid value: "No"',
                'spec.nodeAffinity.required.nodeSelectorTerms[0].matchFields[1].operator: Invalid value: "Gt": not a valid selector operator',
                'spec.nodeAffinity.required.nodeSelectorTerms[0].matchFields[1].key: Invalid value: "a": not a valid field selector key',
            ],
        ),
        (
            "pods",
            {"spec": {"containers": [{"name": "a", "image": "i", "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "Often"}]}]}},
            ['spec.containers[0].resizePolicy: Unsupported value: "Often": supported values: "NotRequired", "RestartContainer"'],
        ),
        (
            "pods",
            _pod(volumes=[{"name": "v", "ephemeral": {"volumeClaimTemplate": {"metadata": {"labels": {"a": "-"}}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1"}}}}}}]),
            ['spec.volumes[0].ephemeral.volumeClaimTemplate.metadata.labels: Invalid value: "-"'],
        ),
        (
            "resourceclaimtemplates.resource.k8s.io",
            {"kind": "ResourceClaimTemplate", "spec": {"metadata": {"labels": {"a": "-"}}, "spec": {}}},
            ['spec.metadata.labels: Invalid value: "-"'],
        ),
    ],
)  # fmt: skip
def test_words_that_do_not_fit(resource: str, body: Body, causes: list[str]) -> None:
    """Types, counts, names and labels."""
    assert short(causes_of(resource, body)) == causes


@pytest.mark.parametrize(
    ("resource", "body", "cause"),
    [
        (
            f"networkpolicies.{NETWORKING}",
            {"spec": {"ingress": [{"ports": [{"protocol": "ICMP"}]}]}},
            'spec.ingress[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "TCP", "UDP", "SCTP"',
        ),
        (
            "priorityclasses.scheduling.k8s.io",
            {"value": 1, "preemptionPolicy": "Always"},
            'preemptionPolicy: Unsupported value: "Always": supported values: "PreemptLowerPriority", "Never"',
        ),
        ("priorityclasses.scheduling.k8s.io", {"value": 1, "preemptionPolicy": ""}, "preemptionPolicy: Required value"),
        (
            "jobs.batch",
            _job(completionMode="Odd"),
            'spec.completionMode: Unsupported value: "Odd": supported values: "NonIndexed", "Indexed"',
        ),
        (
            "persistentvolumeclaims",
            {"spec": {"accessModes": ["Odd"], "resources": {"requests": {"storage": "1"}}}},
            'spec.accessModes: Unsupported value: "Odd": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", '
            '"ReadWriteOncePod"',
        ),
    ],
)  # fmt: skip
def test_what_there_is_to_choose_from(resource: str, body: Body, cause: str) -> None:
    """Most choices are told in the order of the alphabet, some in Kubernetes' own."""
    assert causes_of(resource, body) == [cause]
