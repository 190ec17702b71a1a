"""What a node refuses of the pods that were bound to it."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.api.views import NodeView, structure
from kube_actors.api.views.pods import PodView
from kube_actors.plan.node_admission import Rejection, rejection

NODE = structure(
    NodeView,
    {
        "metadata": {"name": "n", "labels": {"disk": "ssd"}},
        "spec": {
            "taints": [{"key": "busy", "effect": "NoSchedule"}, {"key": "out", "value": "yes", "effect": "NoExecute"}]
        },
    },
)
STAYS = {"key": "out", "operator": "Exists"}


def why(tolerations: tuple[dict[str, Any], ...] = (STAYS,), **spec: Any) -> Rejection | None:
    """Why the node rejects a pod with this spec."""
    spec |= {"containers": [{"name": "a"}], "tolerations": list(tolerations)}
    body = {"metadata": {"name": "p"}, "spec": spec}
    return rejection(structure(PodView, body), NODE)


def sysctl(name: str) -> dict[str, Any]:
    """A security context that sets a kernel parameter."""
    return {"sysctls": [{"name": name, "value": "1"}]}


def test_a_pod_that_fits() -> None:
    """Also one the scheduler would not have sent here: NoSchedule is the scheduler's alone."""
    assert why(nodeSelector={"disk": "ssd"}, securityContext=sysctl("net/ipv4/tcp_syncookies")) is None


def test_a_pod_of_other_nodes() -> None:
    """By its node selector or affinity; and by a taint that would evict it at once."""
    other = Rejection(
        "NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
    )
    terms = [{"matchExpressions": [{"key": "disk", "operator": "NotIn", "values": ["ssd"]}]}]
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}
    assert why(nodeSelector={"disk": "hdd"}) == other
    assert why(affinity=affinity) == other
    evicted = "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate"
    assert why(()) == Rejection("TaintToleration", evicted)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"securityContext": sysctl("kernel.msgmax")}, 'forbidden sysctl: "kernel.msgmax" not allowlisted'),
        ({"securityContext": sysctl("vm/swappiness")}, 'forbidden sysctl: "vm.swappiness" not allowlisted'),
        (
            {"hostNetwork": True, "securityContext": sysctl("net.ipv4.tcp_syncookies")},
            'forbidden sysctl: "net.ipv4.tcp_syncookies" not allowed with host net enabled',
        ),
        (
            {"hostIPC": True, "securityContext": sysctl("kernel.shm_rmid_forced")},
            'forbidden sysctl: "kernel.shm_rmid_forced" not allowed with host ipc enabled',
        ),
    ],
)
def test_kernel_parameters_that_are_not_the_pods_own(spec: dict[str, Any], message: str) -> None:
    """Those that reach beyond its namespaces, or whose namespaces are the node's."""
    assert why(**spec) == Rejection("SysctlForbidden", message)
