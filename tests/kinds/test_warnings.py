# ruff: noqa: E501  (expected messages stand unbroken)
"""What people are warned of, in Kubernetes' words, when they write objects that are valid all the same."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from kube_actors.kinds import hooks_for
from kube_actors.kinds.warnings import warnings_of
from tests.server.kit import ask, json_of, new_session, pod

CONTAINER = {"name": "c", "image": "img"}
ZONE = "failure-domain.beta.kubernetes.io/zone"
ZONE_OLD = 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'


def _pod(annotations: dict[str, str] | None = None, name: str = "web", **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"annotations": annotations} if annotations else {})}
    return {"metadata": metadata, "spec": {"containers": [CONTAINER], **spec}}


def _container(**fields: Any) -> dict[str, Any]:
    return _pod(containers=[{**CONTAINER, **fields}])


def _told(resource: str, new: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    for body in (new, old):
        if body is not None:
            hooks_for(resource).default(body)
    return warnings_of(resource, new, old)


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (_pod(), []),
        (
            _pod(name="web.1"),
            [
                "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]"
            ],
        ),
        (_pod(nodeSelector={ZONE: "a", "zone": "b"}), [f"spec.nodeSelector[{ZONE}]: {ZONE_OLD}"]),
        (
            _pod(topologySpreadConstraints=[{"maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": "DoNotSchedule"}]),
            [
                f"spec.topologySpreadConstraints[0].topologyKey: {ZONE} is {ZONE_OLD}",
                "spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod",
            ],
        ),
        (
            _pod({"scheduler.alpha.kubernetes.io/critical-pod": ""}),
            [
                'metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the "priorityClassName" field instead'
            ],
        ),
        (
            _container(env=[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]),
            ['spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply'],
        ),
        (_container(env=[{"name": "A", "value": "1"}, {"name": "A", "value": "$(A):2"}]), []),
        (
            _container(ports=[{"containerPort": 80}, {"containerPort": 80, "hostPort": 81}]),
            ["spec.containers[0].ports[1]: overlapping port definition with spec.containers[0].ports[0]"],
        ),
        (
            _container(ports=[{"containerPort": 80, "hostIP": "10.0.0.1"}, {"containerPort": 90, "name": "a"}]),
            [
                "spec.containers[0].ports[0]: hostIP set without hostPort: {Name: HostPort:0 ContainerPort:80 Protocol:TCP HostIP:10.0.0.1}"
            ],
        ),
        (
            _pod(
                containers=[
                    {"name": "a", "image": "i", "ports": [{"name": "web", "containerPort": 1}]},
                    {"name": "b", "image": "i", "ports": [{"name": "web", "containerPort": 2}]},
                ]
            ),
            [
                'spec.containers[1].ports[0]: duplicate port name "web" with spec.containers[0].ports[0], services and probes that select ports by name will use spec.containers[0].ports[0]'
            ],
        ),
        (
            _container(resources={"limits": {"memory": "0.5"}}),
            [
                'spec.containers[0].resources.limits[memory]: fractional byte value "500m" is invalid, must be an integer',
                'spec.containers[0].resources.requests[memory]: fractional byte value "500m" is invalid, must be an integer',
            ],
        ),
        (
            _pod(imagePullSecrets=[{"name": "a"}, {"name": "a"}, {}]),
            [
                'spec.imagePullSecrets[1].name: duplicate name "a"',
                'spec.imagePullSecrets[2].name: invalid empty name ""',
            ],
        ),
        (
            _pod(volumes=[{"name": "v", "gitRepo": {"repository": "x"}}]),
            ["spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+"],
        ),
        (
            _pod(
                volumes=[
                    {
                        "name": "v",
                        "projected": {
                            "sources": [
                                {"serviceAccountToken": {"path": "a/token"}},
                                {"configMap": {"name": "m", "items": [{"key": "k", "path": "a"}]}},
                            ]
                        },
                    }
                ]
            ),
            ['volume "v" (Projected): overlapping paths: "a" (ConfigMap "m") with "a/token" (ServiceAccountToken)'],
        ),
        (
            _pod(dnsPolicy="None", dnsConfig={"nameservers": ["2001:DB8::1"]}),
            [
                'spec.dnsConfig.nameservers[0]: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")'
            ],
        ),
        (
            _pod(affinity={"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{}]}}),
            [
                "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector: a null labelSelector results in matching no pod"
            ],
        ),
    ],
)
def test_pods(new: dict[str, Any], told: list[str]) -> None:
    """New pods; changes of pods are not warned of."""
    assert _told("pods", new) == told
    assert warnings_of("pods", new, new) == []


@pytest.mark.parametrize("resource", ["deployments.apps", "replicasets.apps", "daemonsets.apps", "statefulsets.apps"])
def test_templates(resource: str) -> None:
    """Where pods are made of a template the same is told of it, with its place, until the generation is known."""
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {**_pod()["spec"], "terminationGracePeriodSeconds": -1}}
    body = {"metadata": {"name": "web", "generation": 1}, "spec": {"template": template}}
    told = "spec.template.spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1"
    assert _told(resource, body) == [told]
    assert _told(resource, body, body) == []


@pytest.mark.parametrize(
    ("resource", "body", "told"),
    [
        (
            "services",
            {"spec": {"externalIPs": ["192.0.2.1"], "externalName": "a.b"}},
            [
                "spec.externalIPs is deprecated and may no longer be implemented in some clusters",
                'spec.externalName is ignored when spec.type is not "ExternalName"',
            ],
        ),
        (
            "services",
            {"spec": {"clusterIP": "None", "sessionAffinity": "ClientIP", "trafficDistribution": "PreferClose"}},
            [
                "spec.SessionAffinity is ignored for headless services",
                'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"',
            ],
        ),
        (
            "ingresses.networking.k8s.io",
            {"metadata": {"annotations": {"kubernetes.io/ingress.class": "nginx"}}, "spec": {}},
            ["annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead"],
        ),
        (
            "endpointslices.discovery.k8s.io",
            {"metadata": {"name": "a"}, "addressType": "FQDN"},
            ["spec.addressType: FQDN endpoints are deprecated"],
        ),
        (
            "persistentvolumes",
            {"spec": {"persistentVolumeReclaimPolicy": "Recycle", "glusterfs": {}}},
            [
                "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.",
                "spec.glusterfs: deprecated in v1.25, non-functional in v1.26+",
            ],
        ),
        (
            "persistentvolumeclaims",
            {
                "metadata": {"annotations": {"volume.beta.kubernetes.io/storage-class": "a"}},
                "spec": {"resources": {"requests": {"storage": "1500m"}}},
            },
            [
                'metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use "storageClassName" attribute instead',
                'spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer',
            ],
        ),
        (
            "secrets",
            {"type": "kubernetes.io/tls", "data": {"tls.crt": base64.b64encode(b"x").decode(), "tls.key": ""}},
            ["tls: failed to find any PEM data in certificate input"],
        ),
        (
            "serviceaccounts",
            {"metadata": {"annotations": {"kubernetes.io/enforce-mountable-secrets": "true"}}},
            [
                "metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"
            ],
        ),
        (
            "runtimeclasses.node.k8s.io",
            {"scheduling": {"nodeSelector": {ZONE: "a"}}},
            [f"scheduling.nodeSelector: {ZONE_OLD}"],
        ),
    ],
)
def test_other_kinds(resource: str, body: dict[str, Any], told: list[str]) -> None:
    """Fields without an effect, names and forms of old."""
    assert _told(resource, {"metadata": {"name": "a"}, **body}) == told


async def test_clients_hear_of_it() -> None:
    """Warnings come as headers of the answer, and only when the object is accepted."""
    session = await new_session()
    body = pod(nodeSelector={ZONE: "a"})
    answer = await ask(session, "POST", "/api/v1/namespaces/default/pods", body)
    told = [value for name, value in answer.headers if name.lower() == "warning"]
    assert any(f"spec.nodeSelector[{ZONE}]" in each for each in told), told
    body["spec"]["containers"][0]["name"] = "A B"
    refused = await ask(session, "POST", "/api/v1/namespaces/default/pods", body)
    assert json_of(refused)["code"] == 422
    assert [value for name, value in refused.headers if name.lower() == "warning"] == []
