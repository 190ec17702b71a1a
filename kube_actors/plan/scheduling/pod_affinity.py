"""InterPodAffinity: near to some pods, away from others, in neighbourhoods made by a node label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from kube_actors.plan.scheduling.framework import NodeFilter, NodesScore, ScorePlugin, each, normalized_between
from kube_actors.plan.scheduling.outcome import Refusal
from kube_actors.plan.scheduling.summaries import Cluster, NodeSummary, PodSummary
from kube_actors.plan.scheduling.terms import Term

_Places = Counter[tuple[str, str]]

_NOT_NEAR = Refusal(("node(s) didn't match pod affinity rules",))
_NOT_AWAY = Refusal(("node(s) didn't match pod anti-affinity rules",), resolvable=True)
_UNWANTED = Refusal(("node(s) didn't satisfy existing pods anti-affinity rules",), resolvable=True)
# What a pod's required affinity is worth to the score of a pod it would like to have near.
_REQUIRED_WEIGHT = 1


def pod_affinity(pod: PodSummary, cluster: Cluster) -> NodeFilter | None:
    """Required affinity and anti-affinity of the pod, and required anti-affinity of the pods that are there.

    The first pod of a group that wants to be together may go anywhere its neighbourhood label exists.
    """
    unwanted = _forbidding(pod, cluster)
    required, forbidden = pod.terms.required, pod.terms.forbidden
    if not (unwanted or required or forbidden):
        return None
    near = [_matching(term, cluster) for term in required]
    away = [_matching(term, cluster) for term in forbidden]
    first = not any(near) and all(_means(term, pod, cluster) for term in required)

    def judge(node: NodeSummary) -> Refusal | None:
        for term, places in zip(required, near, strict=True):
            value = node.labels.get(term.topology_key)
            if value is None or not (first or places[term.topology_key, value]):
                return _NOT_NEAR
        for term, places in zip(forbidden, away, strict=True):
            value = node.labels.get(term.topology_key)
            if value is not None and places[term.topology_key, value]:
                return _NOT_AWAY
        if unwanted and any(node.labels.get(key) == value for key, value in unwanted):
            return _UNWANTED
        return None

    return judge


def _prepare_score(pod: PodSummary, cluster: Cluster) -> NodesScore | None:
    worth: _Places = Counter()
    own = [(term, term.weight) for term in pod.terms.preferred]
    own.extend((term, -term.weight) for term in pod.terms.avoided)
    for node in cluster.order if own else ():
        for there in node.pods.values():
            _add(worth, node, ((term, weight) for term, weight in own if _means(term, there, cluster)))
    for node in cluster.nodes_with_terms:
        for there in node.pods.values():
            wishes = ((term, weight) for term, weight in _wishes(there) if _means(term, pod, cluster))
            _add(worth, node, wishes)
    if not worth:
        return None
    places = tuple(worth.items())
    return each(lambda node: float(sum(value for (key, place), value in places if node.labels.get(key) == place)))


def _wishes(there: PodSummary) -> Iterator[tuple[Term, int]]:
    """What a pod that is there would like of its neighbours."""
    for term in there.terms.required:
        yield term, _REQUIRED_WEIGHT
    for term in there.terms.preferred:
        yield term, term.weight
    for term in there.terms.avoided:
        yield term, -term.weight


def _add(worth: _Places, node: NodeSummary, wishes: Iterable[tuple[Term, int]]) -> None:
    for term, weight in wishes:
        value = node.labels.get(term.topology_key)
        if value is not None:
            worth[term.topology_key, value] += weight


def _matching(term: Term, cluster: Cluster) -> _Places:
    """How many pods a term means in each neighbourhood; one that is being deleted is there until it has gone."""
    places: _Places = Counter()
    for node in cluster.order:
        value = node.labels.get(term.topology_key)
        if value is not None:
            found = sum(1 for there in node.pods.values() if _means(term, there, cluster))
            if found:
                places[term.topology_key, value] += found
    return places


def _forbidding(pod: PodSummary, cluster: Cluster) -> frozenset[tuple[str, str]]:
    """The neighbourhoods where a pod that is there will not have this one."""
    places = set()
    for node in cluster.nodes_with_terms:
        for there in node.pods.values():
            for term in there.terms.forbidden:
                value = node.labels.get(term.topology_key)
                if value is not None and _means(term, pod, cluster):
                    places.add((term.topology_key, value))
    return frozenset(places)


def _means(term: Term, pod: PodSummary, cluster: Cluster) -> bool:
    return term.matches(pod.namespace, pod.labels, cluster.namespace_labels)


# InterPodAffinity: the weights of preferred terms, the pod's own and those of the pods already there.
POD_AFFINITY = ScorePlugin("InterPodAffinity", _prepare_score, 2.0, normalized_between)
