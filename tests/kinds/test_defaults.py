"""What each kind fills in, and that filling in twice changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.api.patches import clone
from kube_actors.kinds import hooks_for
from kube_actors.kinds.pod_defaults import pull_policy

CONTAINER: dict[str, Any] = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "resources": {},
    "imagePullPolicy": "IfNotPresent",
}
PROBE: dict[str, Any] = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
POD_SPEC: dict[str, Any] = {
    "restartPolicy": "Always",
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "terminationGracePeriodSeconds": 30,
}


def _defaulted(resource: str, body: dict[str, Any]) -> dict[str, Any]:
    body = clone(body)
    hooks_for(resource).default(body)
    once = clone(body)
    hooks_for(resource).default(body)
    assert body == once
    return body


def test_a_small_pod() -> None:
    """Everything Kubernetes fills into a pod of one line."""
    pod = _defaulted("pods", {"metadata": {}, "spec": {"containers": [{"name": "a", "image": "x:1"}]}})
    assert pod["spec"] == {
        **POD_SPEC,
        "enableServiceLinks": True,
        "containers": [{"name": "a", "image": "x:1", **CONTAINER}],
    }


def test_a_negative_grace_of_a_pod_is_a_second() -> None:
    """A template's is kept as it was written: its pods get theirs when they are made."""
    spec = {"containers": [], "terminationGracePeriodSeconds": -1}
    assert _defaulted("pods", {"metadata": {}, "spec": {**spec}})["spec"]["terminationGracePeriodSeconds"] == 1
    template = _defaulted("podtemplates", {"metadata": {}, "template": {"spec": {**spec}}})["template"]
    assert template["spec"]["terminationGracePeriodSeconds"] == -1


def test_a_container_with_everything() -> None:
    """Ports, env, probes, hooks and resources."""
    container = {
        "name": "a",
        "image": "x:1",
        "ports": [{"containerPort": 80}],
        "env": [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "livenessProbe": {"httpGet": {"port": 80}, "periodSeconds": 0, "timeoutSeconds": 7},
        "readinessProbe": {"grpc": {"port": 1}},
        "lifecycle": {"preStop": {"httpGet": {"port": 80, "path": "/bye"}}},
        "resources": {"limits": {"cpu": "0.5", "memory": "1024Mi"}, "requests": {"cpu": "0.25"}},
    }
    pod = _defaulted("pods", {"metadata": {}, "spec": {"containers": [container]}})
    assert pod["spec"]["containers"] == [
        {
            **CONTAINER,
            "name": "a",
            "image": "x:1",
            "ports": [{"containerPort": 80, "protocol": "TCP"}],
            "env": [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP", "apiVersion": "v1"}}}],
            "livenessProbe": {**PROBE, "timeoutSeconds": 7, "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"}},
            "readinessProbe": {**PROBE, "grpc": {"port": 1, "service": ""}},
            "lifecycle": {"preStop": {"httpGet": {"port": 80, "path": "/bye", "scheme": "HTTP"}}},
            "resources": {
                "limits": {"cpu": "500m", "memory": "1Gi"},
                "requests": {"cpu": "250m", "memory": "1Gi"},
            },
        }
    ]


def test_templates_request_nothing_by_themselves() -> None:
    """Requests follow limits in a pod, not in a template."""
    container = {"name": "a", "image": "x:1", "resources": {"limits": {"cpu": "1"}}}
    template = {"spec": {"containers": [container]}}
    body = _defaulted("deployments.apps", {"metadata": {}, "spec": {"template": template}})
    assert body["spec"]["template"]["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "1"}}


def test_volumes() -> None:
    """Files are readable, a volume of nothing is an empty directory."""
    volumes = [
        {"name": "a"},
        {"name": "b", "configMap": {"name": "c"}},
        {"name": "c", "secret": {"secretName": "s", "defaultMode": 256}},
        {"name": "d", "hostPath": {"path": "/x"}},
        {"name": "e", "downwardAPI": {"items": [{"path": "p", "fieldRef": {"fieldPath": "metadata.name"}}]}},
        {"name": "f", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
    ]
    spec = _defaulted("pods", {"metadata": {}, "spec": {"containers": [], "volumes": volumes}})["spec"]
    reference = {"fieldPath": "metadata.name", "apiVersion": "v1"}
    assert spec["volumes"] == [
        {"name": "a", "emptyDir": {}},
        {"name": "b", "configMap": {"name": "c", "defaultMode": 420}},
        {"name": "c", "secret": {"secretName": "s", "defaultMode": 256}},
        {"name": "d", "hostPath": {"path": "/x", "type": ""}},
        {"name": "e", "downwardAPI": {"items": [{"path": "p", "fieldRef": reference}], "defaultMode": 420}},
        {
            "name": "f",
            "projected": {
                "sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 3600}}],
                "defaultMode": 420,
            },
        },
    ]


def test_host_network_takes_host_ports() -> None:
    """A port of a pod in the host's network is the host's."""
    spec = {"hostNetwork": True, "containers": [{"name": "a", "image": "x:1", "ports": [{"containerPort": 80}]}]}
    ports = _defaulted("pods", {"metadata": {}, "spec": spec})["spec"]["containers"][0]["ports"]
    assert ports == [{"containerPort": 80, "hostPort": 80, "protocol": "TCP"}]


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("registry:5000/nginx", "Always"),
        ("registry:5000/nginx:1", "IfNotPresent"),
        ("nginx@sha256:abc", "IfNotPresent"),
        ("", "Always"),
    ],
)
def test_pull_policies(image: str, policy: str) -> None:
    """By the tag: a moving one is pulled again."""
    assert pull_policy(image) == policy


def test_deployments() -> None:
    """A rolling update of a quarter, ten old ReplicaSets, ten minutes."""
    template: dict[str, Any] = {"spec": {"containers": []}}
    spec = _defaulted("deployments.apps", {"metadata": {}, "spec": {"template": template}})["spec"]
    assert spec == {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
        "template": {"metadata": {}, "spec": {"containers": [], **POD_SPEC}},
    }


def test_recreate_needs_no_amounts() -> None:
    """Only rolling updates have them."""
    spec = _defaulted("deployments.apps", {"metadata": {}, "spec": {"strategy": {"type": "Recreate"}}})["spec"]
    assert spec["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            {"ports": [{"port": 80}]},
            {
                "type": "ClusterIP",
                "sessionAffinity": "None",
                "internalTrafficPolicy": "Cluster",
                "ipFamilies": ["IPv4"],
                "ipFamilyPolicy": "SingleStack",
                "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
            },
        ),
        (
            {"type": "ExternalName", "externalName": "a.b", "sessionAffinity": "ClientIP"},
            {
                "type": "ExternalName",
                "externalName": "a.b",
                "sessionAffinity": "ClientIP",
                "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10800}},
            },
        ),
        (
            {"type": "LoadBalancer", "clusterIP": "10.0.0.1"},
            {
                "type": "LoadBalancer",
                "sessionAffinity": "None",
                "internalTrafficPolicy": "Cluster",
                "externalTrafficPolicy": "Cluster",
                "allocateLoadBalancerNodePorts": True,
                "clusterIP": "10.0.0.1",
                "clusterIPs": ["10.0.0.1"],
                "ipFamilies": ["IPv4"],
                "ipFamilyPolicy": "SingleStack",
            },
        ),
    ],
)
def test_services(spec: dict[str, Any], expected: dict[str, Any]) -> None:
    """By type; which families and addresses it has is settled when it is new, and is nobody's."""
    body = _defaulted("services", {"metadata": {}, "spec": spec})
    assert "ipFamilies" not in body["spec"]
    hooks_for("services").prepare_create(body)
    assert body["spec"] == expected


def test_secrets_take_plain_text() -> None:
    """stringData is encoded into data, over what stands there, and is not kept."""
    body = {"metadata": {}, "data": {"a": "eA==", "b": "eA=="}, "stringData": {"b": "y"}}
    assert _defaulted("secrets", body) == {"metadata": {}, "type": "Opaque", "data": {"a": "eA==", "b": "eQ=="}}


def test_endpoint_slices() -> None:
    """Ports are TCP; of whether an endpoint is ready nothing is claimed."""
    body = {"metadata": {}, "ports": [{"port": 80}], "endpoints": [{"addresses": ["10.0.0.1"]}]}
    assert _defaulted("endpointslices.discovery.k8s.io", body) == {
        "metadata": {},
        "ports": [{"port": 80, "name": "", "protocol": "TCP"}],
        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {}}],
    }


def test_namespaces_are_labelled_with_their_name() -> None:
    """So that selectors can name them."""
    body = _defaulted("namespaces", {"metadata": {"name": "team"}})
    assert body["metadata"]["labels"] == {"kubernetes.io/metadata.name": "team"}


containers = st.fixed_dictionaries(
    {"name": st.sampled_from("ab")},
    optional={
        "image": st.sampled_from(["x", "x:1"]),
        "ports": st.just([{"containerPort": 80}]),
        "livenessProbe": st.sampled_from([{}, {"httpGet": {"port": 80}}, {"periodSeconds": 0}]),
        "resources": st.sampled_from([{}, {"limits": {"cpu": "1.5", "memory": "1Gi"}}]),
    },
)


@given(
    st.fixed_dictionaries(
        {"containers": st.lists(containers, max_size=2)},
        optional={"hostNetwork": st.booleans(), "initContainers": st.lists(containers, max_size=1)},
    )
)
def test_defaulting_is_idempotent(spec: dict[str, Any]) -> None:
    """Whatever a pod says, its defaults are stable and take nothing away."""
    pod = _defaulted("pods", {"metadata": {}, "spec": spec})
    for container, given_container in zip(pod["spec"]["containers"], spec["containers"], strict=True):
        assert given_container.keys() <= container.keys()


def test_volume_sources() -> None:
    """What sources of volumes mean when they say no more, in a pod and in a PersistentVolume."""
    sources: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "iscsi": ({"lun": 0}, {"iscsiInterface": "default"}),
        "rbd": ({"image": "i"}, {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"}),
        "azureDisk": (
            {"diskName": "d"},
            {"cachingMode": "ReadWrite", "kind": "Shared", "fsType": "ext4", "readOnly": False},
        ),
        "scaleIO": ({"gateway": "g"}, {"storageMode": "ThinProvisioned", "fsType": "xfs"}),
        "hostPath": ({"path": "/a"}, {"type": ""}),
    }
    for name, (said, meant) in sources.items():
        pod = _defaulted("pods", {"metadata": {}, "spec": {"containers": [], "volumes": [{"name": "v", name: said}]}})
        volume = _defaulted("persistentvolumes", {"metadata": {}, "spec": {name: said}})
        assert pod["spec"]["volumes"][0][name] == volume["spec"][name] == {**said, **meant}


def test_ephemeral_volumes() -> None:
    """Their claims are of file systems."""
    volume = {"name": "v", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}}
    pod = _defaulted("pods", {"metadata": {}, "spec": {"containers": [], "volumes": [volume]}})
    template = {"metadata": {}, "spec": {"volumeMode": "Filesystem"}}
    assert pod["spec"]["volumes"] == [{"name": "v", "ephemeral": {"volumeClaimTemplate": template}}]


def test_templates_of_cron_jobs() -> None:
    """Only the pod of a job template is filled in; the job is when it is made."""
    template = {"spec": {"template": {"spec": {"containers": [], "restartPolicy": "Never"}}}}
    spec = _defaulted("cronjobs.batch", {"metadata": {}, "spec": {"jobTemplate": template}})["spec"]
    assert spec["jobTemplate"]["spec"].keys() == {"template"}
    assert spec["jobTemplate"]["spec"]["template"]["spec"] == {**POD_SPEC, "restartPolicy": "Never", "containers": []}
