"""Scheduling: which node a pod goes to, and the reasons when there is none.

A scheduler keeps a `Cluster` up to date and asks `choose_node(framework, PodSummary.of(pod), cluster, ...)`.
`default_framework()` has Kubernetes' plugins. A scheduler of one's own is a `Framework` with further plugins
(`simple_filter`, `simple_score` make one from a plain function), or none of these.
"""

from __future__ import annotations

from kube_actors.plan.scheduling.framework import (
    Framework,
    NodeFilter,
    ScorePlugin,
    candidates_wanted,
    choose_node,
    simple_filter,
    simple_score,
)
from kube_actors.plan.scheduling.node_rules import (
    IMAGE_LOCALITY,
    NODE_AFFINITY,
    TAINTS,
    named_nodes,
    node_affinity,
    node_name,
    node_ports,
    node_unschedulable,
    taints,
    tolerated,
    tolerates,
)
from kube_actors.plan.scheduling.outcome import Chosen, Refusal, Unschedulable
from kube_actors.plan.scheduling.pod_affinity import POD_AFFINITY, pod_affinity
from kube_actors.plan.scheduling.requests import Requests, pod_requests
from kube_actors.plan.scheduling.resources import BALANCED, LEAST_ALLOCATED, MOST_ALLOCATED, resources_fit
from kube_actors.plan.scheduling.summaries import Cluster, HostPort, NodeSummary, PodSummary, host_ports
from kube_actors.plan.scheduling.topology_spread import TOPOLOGY_SPREAD, topology_spread

__all__ = [
    "Chosen",
    "Cluster",
    "Framework",
    "HostPort",
    "NodeSummary",
    "PodSummary",
    "Refusal",
    "Requests",
    "ScorePlugin",
    "Unschedulable",
    "candidates_wanted",
    "choose_node",
    "default_framework",
    "host_ports",
    "pod_requests",
    "simple_filter",
    "simple_score",
    "tolerated",
    "tolerates",
]


def volumes(pod: PodSummary, cluster: Cluster) -> NodeFilter | Refusal | None:
    """The rules for volumes, for pods with claims; others do not even load them."""
    if not pod.claims:
        return None
    from kube_actors.plan.scheduling.volume_rules import usable_volumes

    return usable_volumes(pod, cluster)


def default_framework(policy: str = "LeastAllocated") -> Framework:
    """Kubernetes' default plugins, weights and order; `policy` MostAllocated packs instead of spreading."""
    return Framework(
        filters=(
            named_nodes,
            node_unschedulable,
            node_name,
            taints,
            node_affinity,
            node_ports,
            resources_fit,
            volumes,
            topology_spread,
            pod_affinity,
        ),
        scores=(
            MOST_ALLOCATED if policy == "MostAllocated" else LEAST_ALLOCATED,
            BALANCED,
            TAINTS,
            NODE_AFFINITY,
            TOPOLOGY_SPREAD,
            POD_AFFINITY,
            IMAGE_LOCALITY,
        ),
    )
