"""What a node refuses of the pods it is given, as a kubelet does before anything of them is made. Pure.

A pod comes here by the scheduler, who has asked the same questions, or because it names its node itself: then nobody
has. Whether there is room for it is the node's own count.
"""

from __future__ import annotations

from kube_actors.api.sysctls import SAFE_SYSCTLS
from kube_actors.api.views.cluster import NodeView
from kube_actors.api.views.pods import PodSpec, PodView
from kube_actors.plan.scheduling.node_rules import node_affinity, tolerated
from kube_actors.plan.scheduling.summaries import Cluster, NodeSummary, PodSummary
from kube_actors.records import frozen

SYSTEM = "linux"
"""What every node runs."""


@frozen
class Rejection:
    """Why the node does not run a pod, in Kubernetes' words."""

    reason: str
    message: str


def rejection(pod: PodView, node: NodeView) -> Rejection | None:
    """Why this node does not run the pod, room aside; None when it does."""
    return _forbidden_sysctl(pod.spec) or _other_node(pod, node) or _untolerated(pod.spec, node)


def wrong_system(spec: PodSpec) -> Rejection | None:
    """Why a pod with this spec runs on no node: it is made for another operating system."""
    if spec.os is None or spec.os.name == SYSTEM:
        return None
    return Rejection("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS")


def predicate_failed(name: str, why: str) -> Rejection:
    """A rule of the scheduler's that the pod does not meet here."""
    return Rejection(name, f"Predicate {name} failed: {why}")


def _forbidden_sysctl(spec: PodSpec) -> Rejection | None:
    for sysctl in spec.security_context.sysctls if spec.security_context is not None else ():
        name = sysctl.name.replace("/", ".")
        why = ""
        if spec.host_network and name.startswith("net."):
            why = "not allowed with host net enabled"
        elif spec.host_ipc and name.startswith("kernel."):
            why = "not allowed with host ipc enabled"
        elif name not in SAFE_SYSCTLS:
            why = "not allowlisted"
        if why:
            return Rejection("SysctlForbidden", f'forbidden sysctl: "{name}" {why}')
    return None


def _other_node(pod: PodView, node: NodeView) -> Rejection | None:
    fits = node_affinity(PodSummary.of(pod), Cluster())
    if fits is None or fits(NodeSummary(node.metadata.name, node.metadata.labels)) is None:
        return None
    return predicate_failed("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")


def _untolerated(spec: PodSpec, node: NodeView) -> Rejection | None:
    evicting = (taint for taint in node.spec.taints if taint.effect == "NoExecute")
    if all(tolerated(spec.tolerations, taint) for taint in evicting):
        return None
    return predicate_failed("TaintToleration", "node(s) had taints that the pod didn't tolerate")
