"""The Pod Security Standards, check by check, in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.kinds.pod_security.existing_pods import told_of
from kube_actors.kinds.pod_security.policy import Policy, check_labels, policy_of

CAREFUL = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod(*securities: dict[str, Any], annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A pod with a container for each security context."""
    containers = [{"name": f"c{number}", "securityContext": each} for number, each in enumerate(securities)]
    return {"metadata": {"annotations": annotations or {}}, "spec": {"containers": containers, **spec}}


def found(level: str, body: dict[str, Any], minor: int | None = None) -> list[str]:
    """What is wrong with a pod."""
    policy = Policy(level) if minor is None else Policy(level, f"v1.{minor}")
    return [str(each) for each in policy.violations(body["metadata"], body["spec"])]


def test_levels() -> None:
    """Everything is let through by `privileged`; a careful pod by `restricted` too, an ordinary one by `baseline`."""
    bad = pod({"privileged": True}, hostNetwork=True)
    assert found("privileged", bad) == []
    assert found("restricted", pod(CAREFUL)) == []
    assert found("baseline", pod({})) == []
    assert found("restricted", pod({}, {})) == [
        'allowPrivilegeEscalation != false (containers "c0", "c1" must set '
        "securityContext.allowPrivilegeEscalation=false)",
        'unrestricted capabilities (containers "c0", "c1" must set securityContext.capabilities.drop=["ALL"])',
        'runAsNonRoot != true (pod or containers "c0", "c1" must set securityContext.runAsNonRoot=true)',
        'seccompProfile (pod or containers "c0", "c1" must set securityContext.seccompProfile.type to '
        '"RuntimeDefault" or "Localhost")',
    ]


PORT: dict[str, Any] = {
    "containers": [{"name": "c0", "ports": [{"hostPort": 90}, {"hostPort": 80}, {"containerPort": 1}]}]
}
PROBE: dict[str, Any] = {"containers": [{"name": "c0", "livenessProbe": {"httpGet": {"host": "1.2.3.4", "port": 80}}}]}
HOOK: dict[str, Any] = {
    "initContainers": [{"name": "i", "lifecycle": {"preStop": {"httpGet": {"host": "x", "port": 80}}}}]
}


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (
            pod(annotations={"container.apparmor.security.beta.kubernetes.io/c": "unconfined"}),
            "forbidden AppArmor profile (annotation must not set AppArmor profile type to "
            '"container.apparmor.security.beta.kubernetes.io/c="unconfined"")',
        ),
        (
            pod(
                {"appArmorProfile": {"type": "Unconfined"}},
                annotations={f"container.apparmor.security.beta.kubernetes.io/{name}": "unconfined" for name in "ab"},
            ),
            'forbidden AppArmor profiles (container "c0" and annotations must not set AppArmor profile type to '
            '"Unconfined", "container.apparmor.security.beta.kubernetes.io/a="unconfined"", '
            '"container.apparmor.security.beta.kubernetes.io/b="unconfined"")',
        ),
        (
            pod({}, securityContext={"appArmorProfile": {"type": "Unconfined"}}),
            'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")',
        ),
        (
            pod({"capabilities": {"add": ["NET_ADMIN", "CHOWN", "ALL"]}}),
            'non-default capabilities (container "c0" must not include "ALL", "NET_ADMIN" in '
            "securityContext.capabilities.add)",
        ),
        (pod({}, hostPID=True, hostNetwork=True), "host namespaces (hostNetwork=true, hostPID=true)"),
        (pod({}, volumes=[{"name": "v", "hostPath": {"path": "/"}}]), 'hostPath volumes (volume "v")'),
        (pod(**PORT), 'hostPort (container "c0" uses hostPorts 80, 90)'),
        (pod(**PROBE), 'probe or lifecycle host (container "c0" uses probe or lifecycle host "1.2.3.4")'),
        (pod(**HOOK), 'probe or lifecycle host (container "i" uses probe or lifecycle host "x")'),
        (
            pod({"privileged": True}, {}, {"privileged": True}),
            'privileged (containers "c0", "c2" must not set securityContext.privileged=true)',
        ),
        (
            pod({"procMount": "Unmasked"}),
            'procMount (container "c0" must not set securityContext.procMount to "Unmasked")',
        ),
        (
            pod({"seLinuxOptions": {"type": "spc_t", "user": "u"}}, securityContext={"seLinuxOptions": {"role": "r"}}),
            'seLinuxOptions (pod and container "c0" set forbidden securityContext.seLinuxOptions: type "spc_t"; '
            "user may not be set; role may not be set)",
        ),
        (
            pod({}, securityContext={"seLinuxOptions": {"role": "r"}}),
            "seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: role may not be set)",
        ),
        (
            pod({"seccompProfile": {"type": "Unconfined"}}),
            'seccompProfile (container "c0" must not set securityContext.seccompProfile.type to "Unconfined")',
        ),
        (
            pod({}, securityContext={"sysctls": [{"name": "kernel.msgmax"}, {"name": "net.ipv4.tcp_rmem"}]}),
            "forbidden sysctls (kernel.msgmax)",
        ),
        (
            pod({"windowsOptions": {"hostProcess": True}}),
            'hostProcess (container "c0" must not set securityContext.windowsOptions.hostProcess=true)',
        ),
    ],
)
def test_baseline(body: dict[str, Any], fault: str) -> None:
    """Each way out of the sandbox is named."""
    assert found("baseline", body) == [fault]
    stricter = ("seccompProfile", "non-default capabilities", "hostPath volumes")
    assert (fault in found("restricted", body)) is (not fault.startswith(stricter) or "Unconfined" in fault)


@pytest.mark.parametrize(
    ("changed", "spec", "fault"),
    [
        (
            {"capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}},
            {},
            'unrestricted capabilities (container "c0" must not include "CHOWN" in securityContext.capabilities.add)',
        ),
        (
            {},
            {"volumes": [{"name": "a", "nfs": {}}, {"name": "b", "secret": {}}]},
            'restricted volume types (volume "a" uses restricted volume type "nfs")',
        ),
        (
            {"runAsNonRoot": False},
            {},
            'runAsNonRoot != true (container "c0" must not set securityContext.runAsNonRoot=false)',
        ),
        (
            {"runAsUser": 0},
            {"securityContext": {"runAsUser": 0}},
            'runAsUser=0 (pod and container "c0" must not set runAsUser=0)',
        ),
    ],
)
def test_restricted(changed: dict[str, Any], spec: dict[str, Any], fault: str) -> None:
    """What even a pod that is harmless must not do."""
    assert found("restricted", pod({**CAREFUL, **changed}, **spec)) == [fault]


def test_versions() -> None:
    """A standard stays what it was; pods for Windows and those with users of their own are spared some checks."""
    assert found("restricted", pod({"runAsNonRoot": True}), 7) == []
    assert [each.partition(" (")[0] for each in found("restricted", pod({"capabilities": {"add": ["X"]}}), 18)] == [
        "non-default capabilities",
        "allowPrivilegeEscalation != false",
        "runAsNonRoot != true",
    ]
    assert found("baseline", pod(**PROBE), 33) == []
    annotated = pod({}, annotations={"seccomp.security.alpha.kubernetes.io/pod": "unconfined"})
    assert found("baseline", annotated) == []
    assert found("baseline", annotated, 18) == [
        'seccompProfile (forbidden annotation seccomp.security.alpha.kubernetes.io/pod="unconfined")'
    ]
    windows = pod({"runAsNonRoot": True}, os={"name": "windows"})
    assert (found("restricted", windows), len(found("restricted", windows, 24))) == ([], 3)
    root = pod({**CAREFUL, "runAsNonRoot": False, "runAsUser": 0, "procMount": "Unmasked"}, hostUsers=False)
    assert (found("baseline", root), len(found("baseline", root, 34)), len(found("restricted", root, 34))) == ([], 1, 3)
    assert found("restricted", root) == [
        'procMount (container "c0" must not set securityContext.procMount to "Unmasked")'
    ]


@pytest.mark.parametrize(
    ("security", "since"),
    [
        ({"sysctls": [{"name": "net.ipv4.tcp_syncookies"}]}, 0),
        ({"sysctls": [{"name": "net.ipv4.ip_local_reserved_ports"}]}, 27),
        ({"sysctls": [{"name": "net.ipv4.tcp_keepalive_time"}]}, 29),
        ({"sysctls": [{"name": "net.ipv4.tcp_wmem"}]}, 32),
        ({"seLinuxOptions": {"type": "container_kvm_t"}}, 0),
        ({"seLinuxOptions": {"type": "container_engine_t"}}, 31),
    ],
)
def test_what_came_to_be_allowed(security: dict[str, Any], since: int) -> None:
    """What is harmless now was not known to be so in older versions of the standard."""
    body = pod({}, securityContext=security)
    refused = [minor for minor in (0, 1, 26, 27, 28, 29, 30, 31, 32, 36) if found("baseline", body, minor)]
    assert refused == [minor for minor in (0, 1, 26, 27, 28, 29, 30, 31, 32, 36) if minor < since]
    assert found("baseline", body) == []


def test_labels() -> None:
    """Levels and versions; what cannot be read is enforced in full and not warned of."""
    name = "pod-security.kubernetes.io"
    labels = {f"{name}/enforce": "baseline", f"{name}/enforce-version": "v1.25", f"{name}/warn": "restricted"}
    assert [str(policy_of(labels, mode)) for mode in ("enforce", "warn")] == ["baseline:v1.25", "restricted:latest"]
    assert check_labels(labels) == []
    wrong = {f"{name}/enforce": "none", f"{name}/warn": "none", f"{name}/audit-version": "1.2"}
    assert [str(policy_of(wrong, mode)) for mode in ("enforce", "warn")] == ["restricted:latest", "privileged:latest"]
    level = 'Invalid value: "none": must be one of privileged, baseline, restricted'
    assert [(each.field, each.message) for each in check_labels(wrong)] == [
        (f"metadata.labels[{name}/enforce]", level),
        (f"metadata.labels[{name}/audit-version]", 'Invalid value: "1.2": must be "latest" or "v1.x"'),
        (f"metadata.labels[{name}/warn]", level),
    ]


def test_what_is_enforced_is_warned_of() -> None:
    """Where nothing is said of warnings; a version of their own is kept."""
    name = "pod-security.kubernetes.io"
    enforced = {f"{name}/enforce": "restricted", f"{name}/enforce-version": "v1.30"}
    assert str(policy_of(enforced, "warn")) == "restricted:v1.30"
    assert str(policy_of({**enforced, f"{name}/warn-version": "v1.31"}, "warn")) == "restricted:v1.31"
    assert str(policy_of({**enforced, f"{name}/warn": "privileged"}, "warn")) == "privileged:latest"
    assert str(policy_of(enforced, "audit")) == "privileged:latest"


def test_more_pods_than_are_looked_at() -> None:
    """One pod of each controller is looked at first, and it is told that there are more."""
    owned = {"ownerReferences": [{"uid": "u", "controller": True}]}
    pods: list[dict[str, Any]] = [{"metadata": {"name": name, **owned}, "spec": {}} for name in ("a", "b")]
    pods.append({"metadata": {"name": "c"}, "spec": {"hostPID": True}})
    assert list(told_of(pods, "n", Policy("baseline"), 2)) == [
        "new PodSecurity enforce level only checked against the first 2 of 3 existing pods",
        'existing pods in namespace "n" violate the new PodSecurity enforce level "baseline:latest"',
        "c: host namespaces",
    ]
