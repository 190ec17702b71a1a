# ruff: noqa: E501  (expected messages stand unbroken)
"""What pods may not be: volumes, mounts, security, resources and placement, in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.api.patches import clone
from kube_actors.kinds import hooks_for

META = {"name": "p", "namespace": "default"}


def _pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": dict(META), "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}


def _container(**fields: Any) -> dict[str, Any]:
    return _pod(containers=[{"name": "c", "image": "i", **fields}])


def _volume(**source: Any) -> dict[str, Any]:
    return _pod(volumes=[{"name": "v", **source}])


def _mount(**mount: Any) -> dict[str, Any]:
    mounts = [{"name": "v", "mountPath": "/m", **mount}]
    return _pod(
        volumes=[{"name": "v", "emptyDir": {}}], containers=[{"name": "c", "image": "i", "volumeMounts": mounts}]
    )


def _term(**term: Any) -> dict[str, Any]:
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    return _pod(affinity={"podAffinity": {required: [{"topologyKey": "z", **term}]}})


def _causes(new: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    hooks, new, old = hooks_for("pods"), clone(new), clone(old)
    for body in (new, old):
        if body is not None:
            hooks.default(body)
    return [f"{cause.field}: {cause.message}" for cause in hooks.validate(new, old)]


@pytest.mark.parametrize(
    ("pod", "causes"),
    [
        (
            _volume(nfs={"server": "", "path": "rel"}),
            [
                "spec.volumes[0].nfs.server: Required value",
                'spec.volumes[0].nfs.path: Invalid value: "rel": must be an absolute path',
            ],
        ),
        (
            _volume(iscsi={"targetPortal": "a", "iqn": "x", "lun": 300}),
            [
                'spec.volumes[0].iscsi.iqn: Invalid value: "x": must be valid format starting with iqn, eui, or naa',
                "spec.volumes[0].iscsi.lun: Invalid value: 300: must be between 0 and 255, inclusive",
            ],
        ),
        (_volume(csi={"driver": "x.example.com"}), []),
        (_volume(ephemeral={}), ["spec.volumes[0].ephemeral.volumeClaimTemplate: Required value"]),
        (
            _volume(
                ephemeral={
                    "volumeClaimTemplate": {"metadata": {"name": "x"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
                }
            ),
            [
                "spec.volumes[0].ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set for an ephemeral volume",
                "spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources[storage]: Required value",
            ],
        ),
        (
            _mount(mountPropagation="Bidirectional"),
            [
                "spec.containers[0].volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers"
            ],
        ),
        (
            _mount(recursiveReadOnly="Enabled"),
            [
                "spec.containers[0].volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true"
            ],
        ),
        (
            _pod(
                volumes=[{"name": "v", "emptyDir": {}}],
                containers=[{"name": "c", "image": "i", "volumeDevices": [{"name": "v", "devicePath": "/dev/../x"}]}],
            ),
            [
                'spec.containers[0].volumeDevices[0].name: Invalid value: "v": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
                "spec.containers[0].volumeDevices[0].devicePath: Invalid value: \"/dev/../x\": can not contain backsteps ('..')",
            ],
        ),
        (
            _pod(shareProcessNamespace=True, hostPID=True, hostUsers=False),
            [
                "spec.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled",
                "spec.hostPID: Forbidden: when `hostUsers` is false",
            ],
        ),
        (
            _pod(hostNetwork=True, securityContext={"sysctls": [{"name": "net.core.somaxconn", "value": "1"}]}),
            [
                "spec.securityContext.sysctls[0].name: Invalid value: \"net.core.somaxconn\": may not be specified when 'hostNetwork' is true"
            ],
        ),
        (
            _pod(securityContext={"seccompProfile": {"type": "Localhost"}}),
            [
                "spec.securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost"
            ],
        ),
        (
            _pod(os={"name": "linux"}, securityContext={"windowsOptions": {}}),
            ["spec.securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod"],
        ),
        (
            _container(securityContext={"procMount": "Unmasked"}),
            [
                'spec.containers[0].securityContext.procMount: Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`'
            ],
        ),
        (
            _container(resources={"limits": {"example.com/gpu": "2"}, "requests": {"example.com/gpu": "1"}}),
            ['spec.containers[0].resources.requests: Invalid value: "1": must be equal to example.com/gpu limit of 2'],
        ),
        (
            _container(resources={"limits": {"hugepages-2Mi": "2Mi"}}),
            ["spec.containers[0].resources: Forbidden: HugePages require cpu or memory"],
        ),
        (
            _container(resizePolicy=[{"resourceName": "gpu", "restartPolicy": "NotRequired"}]),
            ['spec.containers[0].resizePolicy: Unsupported value: "gpu": supported values: "cpu", "memory"'],
        ),
        (
            _container(
                env=[{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "3"}}}]
            ),
            [
                'spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "cpu": only divisor\'s values 1m and 1 are supported with the cpu resource'
            ],
        ),
        (
            _container(envFrom=[{"configMapRef": {}}]),
            ["spec.containers[0].envFrom[0].configMapRef.name: Required value"],
        ),
        (_container(ports=[{"containerPort": 0}]), ["spec.containers[0].ports[0].containerPort: Required value"]),
        (
            _pod(
                resources={"requests": {"cpu": "1"}},
                containers=[{"name": "c", "image": "i", "resources": {"requests": {"cpu": "2"}}}],
            ),
            [
                'spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 2'
            ],
        ),
        (
            _pod(
                resources={"limits": {"memory": "1Gi"}, "requests": {"memory": "1Gi"}},
                containers=[
                    {
                        "name": "c",
                        "image": "i",
                        "resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "2Gi", "cpu": "2"}},
                    }
                ],
            ),
            [
                'spec.resources.containers[0][memory].limits: Invalid value: "2Gi": must be less than or equal to pod limits of 1Gi'
            ],
        ),
        (
            _pod(hostnameOverride="a.b", hostNetwork=True, setHostnameAsFQDN=True),
            [
                "spec.hostnameOverride: Forbidden: may not be specified when `hostNetwork` is true",
                "spec.hostnameOverride: Forbidden: may not be specified when `setHostnameAsFQDN` is true",
            ],
        ),
        (
            _container(
                env=[{"name": "A", "valueFrom": {"fileKeyRef": {"volumeName": "v", "path": "../x", "key": "A=B"}}}]
            ),
            [
                "spec.containers[0].env[0].valueFrom.fileKeyRef.key: Invalid value: \"A=B\": a valid environment variable name must consist only of printable ASCII characters other than '='",
                "spec.containers[0].env[0].valueFrom.fileKeyRef.path: Invalid value: \"../x\": must not contain '..'",
                'spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName: Not found: "v"',
            ],
        ),
        (
            _pod(
                volumes=[{"name": "v", "configMap": {"name": "c"}}],
                containers=[
                    {
                        "name": "c",
                        "image": "i",
                        "env": [
                            {"name": "A", "valueFrom": {"fileKeyRef": {"volumeName": "v", "path": "x", "key": "A"}}}
                        ],
                    }
                ],
            ),
            [
                'spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName: Invalid value: "v": referenced volume must be of type emptyDir'
            ],
        ),
        (
            _pod(resourceClaims=[{"name": "a"}]),
            [
                'spec.resourceClaims[0]: Invalid value: {"name":"a"}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'
            ],
        ),
        (
            _pod(
                topologySpreadConstraints=[
                    {"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "ScheduleAnyway", "minDomains": 3}
                ]
            ),
            [
                "spec.topologySpreadConstraints[0].minDomains: Invalid value: 3: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway"
            ],
        ),
        (
            _term(matchLabelKeys=["a"]),
            [
                "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set"
            ],
        ),
        (_pod(terminationGracePeriodSeconds=-1), []),
        (
            _pod(dnsPolicy="None"),
            ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"],
        ),
        (_pod(dnsConfig={"options": [{}]}), ["spec.dnsConfig.options[0]: Required value: must not be empty"]),
        (_pod(dnsConfig={"searches": ["my_domain.example.com.", "."]}), []),
        (
            _pod(hostAliases=[{"ip": "010.0.0.1"}]),
            ['spec.hostAliases[0].ip: Invalid value: "010.0.0.1": must not have leading 0s'],
        ),
    ],
)
def test_new_pods(pod: dict[str, Any], causes: list[str]) -> None:
    """Every cause, with its field."""
    assert _causes(pod) == causes


def test_restart_rules() -> None:
    """Each needs a known action and exit codes, beside a policy of the container's own."""
    right = {"action": "RestartAllContainers", "exitCodes": {"operator": "NotIn", "values": [0]}}
    assert _causes(_container(restartPolicy="Never", restartPolicyRules=[right])) == []
    wrong = [
        {"action": "Sleep", "exitCodes": {"values": [1]}},
        {"action": "Restart"},
        {"action": "Restart", "exitCodes": {"operator": "In", "values": list(range(256))}},
    ]
    place = "spec.containers[0].restartPolicyRules"
    assert _causes(_container(restartPolicyRules=wrong)) == [
        "spec.containers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used",
        f'{place}[0].action: Unsupported value: "Sleep": supported values: "Restart", "RestartAllContainers"',
        f'{place}[0].exitCodes.operator: Unsupported value: "": supported values: "In", "NotIn"',
        f"{place}[1].exitCodes: Required value: must be specified",
        f"{place}[2].exitCodes.values: Too long: may not be more than 255 bytes",
    ]


def test_annotations_of_pods() -> None:
    """Some annotations mean something: their values are looked at, and that of static pods stays as it is."""
    cost, mirror = "controller.kubernetes.io/pod-deletion-cost", "kubernetes.io/config.mirror"
    pod = _pod()
    pod["metadata"]["annotations"] = {cost: "many", mirror: "x"}
    assert _causes(pod) == [
        f'metadata.annotations[{mirror}]: Invalid value: "x": must set spec.nodeName if mirror pod annotation is set',
        f'metadata.annotations[{cost}]: Invalid value: "many": must be a 32bit integer',
    ]
    old = _pod(nodeName="n")
    new = clone(old)
    new["metadata"]["annotations"] = {mirror: "x"}
    assert _causes(new, old) == [f"metadata.annotations[{mirror}]: Forbidden: may not add mirror pod annotation"]


def test_a_pod_behind_gates_may_ask_for_more() -> None:
    """Until it is scheduled, selectors and affinity may be tightened, not loosened."""
    zones = {"key": "zone", "operator": "In", "values": ["a"]}
    affinity = {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [zones]}]}
        }
    }
    old = _pod(schedulingGates=[{"name": "g"}], nodeSelector={"disk": "ssd"})
    assert (
        _causes(_pod(schedulingGates=[{"name": "g"}], nodeSelector={"disk": "ssd", "x": "y"}, affinity=affinity), old)
        == []
    )
    loose = _causes(_pod(schedulingGates=[{"name": "g"}], nodeSelector={"x": "y"}), old)
    assert loose == [
        'spec.nodeSelector: Invalid value: {"x":"y"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)'
    ]
    free = _pod(nodeSelector={"disk": "ssd"})
    assert _causes(_pod(nodeSelector={"disk": "ssd", "x": "y"}), free)[0].startswith(
        "spec: Forbidden: pod updates may not change"
    )


def test_keys_of_the_pods_own_labels() -> None:
    """`matchLabelKeys` become part of the selector when the pod is made."""
    selector = {"matchLabels": {"app": "web"}}
    pod = _term(labelSelector=clone(selector), matchLabelKeys=["hash"], mismatchLabelKeys=["tenant"])
    spread = {"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule", "matchLabelKeys": ["hash"]}
    pod["spec"]["topologySpreadConstraints"] = [{**spread, "labelSelector": clone(selector)}]
    pod["metadata"]["labels"] = {"hash": "1", "tenant": "t"}
    hooks_for("pods").prepare_create(pod)
    hash_is = {"key": "hash", "operator": "In", "values": ["1"]}
    term = pod["spec"]["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][0]
    other_tenant = {"key": "tenant", "operator": "NotIn", "values": ["t"]}
    assert term["labelSelector"] == {**selector, "matchExpressions": [hash_is, other_tenant]}
    assert pod["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchExpressions"] == [hash_is]
    assert _causes(pod) == []


def test_requests_of_a_pod_as_a_whole() -> None:
    """They follow from what its containers request, else from its limits."""
    resources = {"limits": {"cpu": "2", "memory": "0.5Gi"}}
    pod = _pod(
        resources=resources, containers=[{"name": "c", "image": "i", "resources": {"requests": {"cpu": "500m"}}}]
    )
    hooks_for("pods").default(pod)
    assert pod["spec"]["resources"] == {
        "limits": {"cpu": "2", "memory": "512Mi"},
        "requests": {"cpu": "500m", "memory": "512Mi"},
    }
