"""Rules about the node itself: cordons, names, taints, labels, ports and images."""

from __future__ import annotations

from collections.abc import Iterable

from kube_actors.api.views.cluster import Taint
from kube_actors.api.views.placement import NodeSelectorRequirement, NodeSelectorTerm, Toleration
from kube_actors.plan.scheduling.framework import (
    FULL_SCORE,
    NodeFilter,
    NodesScore,
    ScorePlugin,
    each,
    normalized,
    normalized_reversed,
)
from kube_actors.plan.scheduling.outcome import Refusal
from kube_actors.plan.scheduling.summaries import ANY_ADDRESS, Cluster, NodeSummary, PodSummary

REPELLING = frozenset({"NoSchedule", "NoExecute"})
"""The effects of taints that keep pods away."""
UNSCHEDULABLE_TAINT = Taint("node.kubernetes.io/unschedulable", effect="NoSchedule")

_UNSCHEDULABLE = Refusal(("node(s) were unschedulable",))
_OTHER_NAME = Refusal(("node(s) didn't match the requested node name",))
_NO_AFFINITY = Refusal(("node(s) didn't match Pod's node affinity/selector",))
_CONFLICTING = Refusal(("pod affinity terms conflict",))
_NOT_NAMED = Refusal(("node(s) didn't satisfy plugin(s) [NodeAffinity]",))
_UNTOLERATED = Refusal(("node(s) had untolerated taint(s)",))
_PORTS_TAKEN = Refusal(("node(s) didn't have free ports for the requested pod ports",), resolvable=True)


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Whether a toleration puts up with a taint (`tolerationSeconds` aside)."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    return toleration.operator == "Exists" or (toleration.value == taint.value and bool(toleration.key))


def tolerated(tolerations: Iterable[Toleration], taint: Taint) -> bool:
    """Whether any of the tolerations puts up with the taint."""
    return any(tolerates(one, taint) for one in tolerations)


def named_nodes(pod: PodSummary, cluster: Cluster) -> NodeFilter | Refusal | None:
    """NodeAffinity, before anything else is looked at: when every required term names its nodes, only those count."""
    affinity = pod.spec.affinity.node_affinity if pod.spec.affinity else None
    required = affinity.required_during_scheduling_ignored_during_execution if affinity else None
    if required is None or not required.node_selector_terms:
        return None
    allowed: set[str] = set()
    for term in required.node_selector_terms:
        named = [set(one.values) for one in term.match_fields if (one.key, one.operator) == ("metadata.name", "In")]
        if not named:
            return None
        allowed |= set.intersection(*named)
    if not allowed:
        return _CONFLICTING
    return lambda node: None if node.name in allowed else _NOT_NAMED


def node_unschedulable(pod: PodSummary, cluster: Cluster) -> NodeFilter | None:
    """NodeUnschedulable: cordoned nodes, unless the pod tolerates the taint that stands for it."""
    if not cluster.any_marked or tolerated(pod.spec.tolerations, UNSCHEDULABLE_TAINT):
        return None
    return lambda node: _UNSCHEDULABLE if node.unschedulable else None


def node_name(pod: PodSummary, cluster: Cluster) -> NodeFilter | None:
    """NodeName: a pod that names its node fits there only."""
    wanted = pod.spec.node_name
    return (lambda node: None if node.name == wanted else _OTHER_NAME) if wanted else None


def taints(pod: PodSummary, cluster: Cluster) -> NodeFilter | None:
    """TaintToleration: a NoSchedule or NoExecute taint the pod does not tolerate rules the node out."""
    if not cluster.any_marked:
        return None
    tolerations = pod.spec.tolerations

    def judge(node: NodeSummary) -> Refusal | None:
        for taint in node.taints:
            if taint.effect in REPELLING and not tolerated(tolerations, taint):
                return _UNTOLERATED
        return None

    return judge


def _prepare_taint_score(pod: PodSummary, cluster: Cluster) -> NodesScore | None:
    if not cluster.any_marked:
        return None
    concerned = [one for one in pod.spec.tolerations if one.effect in ("", "PreferNoSchedule")]

    def score(node: NodeSummary) -> float:
        wishes = (taint for taint in node.taints if taint.effect == "PreferNoSchedule")
        return float(sum(1 for taint in wishes if not tolerated(concerned, taint)))

    return each(score)


def node_affinity(pod: PodSummary, cluster: Cluster) -> NodeFilter | None:
    """NodeAffinity: `nodeSelector` and required node affinity together."""
    selector = tuple(pod.spec.node_selector.items())
    affinity = pod.spec.affinity.node_affinity if pod.spec.affinity else None
    required = affinity.required_during_scheduling_ignored_during_execution if affinity else None
    if not selector and required is None:
        return None
    terms = required.node_selector_terms if required else ()

    def judge(node: NodeSummary) -> Refusal | None:
        labels = node.labels
        if any(labels.get(key) != value for key, value in selector):
            return _NO_AFFINITY
        fits = required is None or any(term_matches(term, node) for term in terms)
        return None if fits else _NO_AFFINITY

    return judge


def _prepare_affinity_score(pod: PodSummary, cluster: Cluster) -> NodesScore | None:
    affinity = pod.spec.affinity.node_affinity if pod.spec.affinity else None
    wishes = affinity.preferred_during_scheduling_ignored_during_execution if affinity else ()
    if not wishes:
        return None
    return each(lambda node: float(sum(wish.weight for wish in wishes if term_matches(wish.preference, node))))


def term_matches(term: NodeSelectorTerm, node: NodeSummary) -> bool:
    """Whether a node meets all of a term's requirements; an empty term is met by none."""
    if not term.match_expressions and not term.match_fields:
        return False
    if any(one.key != "metadata.name" or not _value_meets(one, node.name) for one in term.match_fields):
        return False
    return all(_value_meets(one, node.labels.get(one.key)) for one in term.match_expressions)


def _value_meets(requirement: NodeSelectorRequirement, value: str | None) -> bool:
    match requirement.operator:
        case "In":
            return value is not None and value in requirement.values
        case "NotIn":
            return value is None or value not in requirement.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt":
            return _compares(requirement, value)
        case _:
            return False


def _compares(requirement: NodeSelectorRequirement, value: str | None) -> bool:
    """Gt and Lt compare whole numbers; what is none meets neither."""
    try:
        have, bound = int(value or ""), int(requirement.values[0])
    except (ValueError, IndexError):
        return False
    return have > bound if requirement.operator == "Gt" else have < bound


def node_ports(pod: PodSummary, cluster: Cluster) -> NodeFilter | None:
    """NodePorts: none of the pod's host ports may be taken."""
    wanted = pod.host_ports
    if not wanted:
        return None

    def judge(node: NodeSummary) -> Refusal | None:
        for port in wanted:
            taken = node.ports.get((port.protocol, port.port))
            if taken and (port.address == ANY_ADDRESS or port.address in taken or ANY_ADDRESS in taken):
                return _PORTS_TAKEN
        return None

    return judge


# Smaller images are not worth a detour, larger ones count no more (bytes, the latter for each container).
_LEAST_IMAGE, _MOST_IMAGE = 23 * 1024 * 1024, 1000 * 1024 * 1024


def _prepare_image_score(pod: PodSummary, cluster: Cluster) -> NodesScore | None:
    """Nodes that have the pod's images already: larger ones count more, rare ones less, so that not all go there."""
    images = [container.image for container in (*pod.spec.init_containers, *pod.spec.containers)]
    spread = {image: cluster.images[image] / len(cluster.order) for image in images if image in cluster.images}
    if not spread:
        return None

    def score(node: NodeSummary) -> float:
        size = sum(node.images[image] * spread[image] for image in images if image in node.images)
        within = min(max(size, _LEAST_IMAGE), _MOST_IMAGE * len(images))
        return FULL_SCORE * (within - _LEAST_IMAGE) / (_MOST_IMAGE * len(images) - _LEAST_IMAGE)

    return each(score)


# TaintToleration: the fewer PreferNoSchedule taints it would have to put up with, the better.
TAINTS = ScorePlugin("TaintToleration", _prepare_taint_score, 3.0, normalized_reversed)
# NodeAffinity: the weights of the preferred terms a node meets.
NODE_AFFINITY = ScorePlugin("NodeAffinity", _prepare_affinity_score, 2.0, normalized)
# ImageLocality: nodes that need not fetch the pod's images.
IMAGE_LOCALITY = ScorePlugin("ImageLocality", _prepare_image_score)
