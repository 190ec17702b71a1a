"""PodTopologySpread: how evenly pods of one kind stand over the values of a node label."""

from __future__ import annotations

import math
from collections.abc import Callable

from kube_actors.api.views.placement import TopologySpreadConstraint
from kube_actors.plan.scheduling.framework import FULL_SCORE, NodeFilter, NodesScore, ScorePlugin, each
from kube_actors.plan.scheduling.node_rules import node_affinity, taints
from kube_actors.plan.scheduling.outcome import Refusal
from kube_actors.plan.scheduling.summaries import Cluster, NodeSummary, PodSummary
from kube_actors.records import frozen

_UNEVEN = Refusal(("node(s) didn't match pod topology spread constraints",), resolvable=True)
_NO_LABEL = Refusal(("node(s) didn't match pod topology spread constraints (missing required label)",))


@frozen
class _Spread:
    """One constraint with the pods it counts, per value of its node label."""

    key: str
    max_skew: int
    counts: dict[str, int]
    least: int
    own: int


def topology_spread(pod: PodSummary, cluster: Cluster) -> NodeFilter | None:
    """Constraints with DoNotSchedule: after placing the pod no value may have more than `maxSkew` above the least."""
    constraints = _of_kind(pod, "DoNotSchedule")
    if not constraints:
        return None
    keys = {one.topology_key for one in constraints}
    spreads = [_counted(one, pod, cluster, keys) for one in constraints]

    def judge(node: NodeSummary) -> Refusal | None:
        for spread in spreads:
            value = node.labels.get(spread.key)
            if value is None:
                return _NO_LABEL
            if spread.counts.get(value, 0) + spread.own - spread.least > spread.max_skew:
                return _UNEVEN
        return None

    return judge


def _prepare_score(pod: PodSummary, cluster: Cluster) -> NodesScore | None:
    constraints = _of_kind(pod, "ScheduleAnyway")
    if not constraints:
        return None
    keys = {one.topology_key for one in constraints}
    spreads = [_counted(one, pod, cluster, keys) for one in constraints]
    weights = [math.log(len(spread.counts) + 2) for spread in spreads]

    def score(node: NodeSummary) -> float:
        total = 0.0
        for spread, weight in zip(spreads, weights, strict=True):
            value = node.labels.get(spread.key)
            if value is None:
                return math.inf
            total += spread.counts.get(value, 0) * weight + (spread.max_skew - 1)
        return total

    return each(score)


def _normalize(values: list[float]) -> list[float]:
    """Fewest pods 100, the more the less; a node without the label 0. Counts 2, 3 and 6: 100, 83, 33."""
    counted = [value for value in values if value != math.inf]
    lowest, highest = min(counted, default=0.0), max(counted, default=0.0)
    if not highest:
        return [0.0 if value == math.inf else FULL_SCORE for value in values]
    return [0.0 if value == math.inf else FULL_SCORE * (highest + lowest - value) / highest for value in values]


def _of_kind(pod: PodSummary, when: str) -> list[TopologySpreadConstraint]:
    return [one for one in pod.spec.topology_spread_constraints if one.when_unsatisfiable == when]


def _counted(one: TopologySpreadConstraint, pod: PodSummary, cluster: Cluster, keys: set[str]) -> _Spread:
    """Count the constraint's pods on the nodes that take part: those with every label, where the pod may be at all."""
    takes_part = _participation(one, pod, cluster)
    counts: dict[str, int] = {}
    for node in cluster.order:
        if all(key in node.labels for key in keys) and takes_part(node):
            value = node.labels[one.topology_key]
            counts[value] = counts.get(value, 0) + _pods_meant(one, pod, node)
    # With fewer values than `minDomains` the least is taken to be none, so that new values are waited for.
    least = 0 if one.min_domains and len(counts) < one.min_domains else min(counts.values(), default=0)
    return _Spread(one.topology_key, one.max_skew, counts, least, int(_meant(one, pod, pod)))


def _participation(one: TopologySpreadConstraint, pod: PodSummary, cluster: Cluster) -> Callable[[NodeSummary], bool]:
    judges = []
    if one.node_affinity_policy != "Ignore" and (by_affinity := node_affinity(pod, cluster)):
        judges.append(by_affinity)
    if one.node_taints_policy == "Honor" and (by_taints := taints(pod, cluster)):
        judges.append(by_taints)
    return lambda node: all(judge(node) is None for judge in judges)


def _pods_meant(one: TopologySpreadConstraint, pod: PodSummary, node: NodeSummary) -> int:
    return sum(1 for there in node.pods.values() if not there.deleting and _meant(one, pod, there))


def _meant(one: TopologySpreadConstraint, pod: PodSummary, there: PodSummary) -> bool:
    if there.namespace != pod.namespace or not one.label_selector.matches(there.labels):
        return False
    keys = (key for key in one.match_label_keys if key in pod.labels)
    return all(there.labels.get(key) == pod.labels[key] for key in keys)


# PodTopologySpread: constraints with ScheduleAnyway, the emptier neighbourhood the better.
TOPOLOGY_SPREAD = ScorePlugin("PodTopologySpread", _prepare_score, 2.0, _normalize)
