"""Choosing a node: filters rule nodes out, scores compare those that are left.

A plugin is a function of a pod and the cluster that prepares a function of a node (a score: of all candidates at once):
what can be worked out once per pod is worked out once. It returns None when it has nothing to say about this pod, and
is then left out of the loop. A filter may return a `Refusal` instead: no node will do, whichever it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kube_actors.plan.scheduling.outcome import Chosen, Refusal, Unschedulable, unschedulable, unschedulable_anywhere
from kube_actors.plan.scheduling.summaries import Cluster, NodeSummary, PodSummary
from kube_actors.records import frozen

NodeFilter = Callable[[NodeSummary], Refusal | None]
FilterPlugin = Callable[[PodSummary, Cluster], NodeFilter | Refusal | None]
NodesScore = Callable[[Sequence[NodeSummary]], list[float]]
Normalize = Callable[[list[float]], list[float]]

FULL_SCORE = 100.0
# Below this many nodes all are looked at, and this many candidates are always looked for.
LEAST_CANDIDATES = 100
LEAST_PERCENTAGE = 5


@frozen
class ScorePlugin:
    """How much better one node is than another: 0 to 100 after `normalize`, times `weight`."""

    name: str
    prepare: Callable[[PodSummary, Cluster], NodesScore | None]
    weight: float = 1.0
    normalize: Normalize | None = None


@frozen
class Framework:
    """The plugins of one scheduler, filters in the order in which they rule nodes out."""

    filters: tuple[FilterPlugin, ...]
    scores: tuple[ScorePlugin, ...]


def candidates_wanted(nodes: int) -> int:
    """How many fitting nodes are enough to choose from.

    Up to 100 nodes: all that fit. Beyond, a share that shrinks as the cluster grows: 50 % less one for every 125 nodes,
    at least 5 %, at least 100 nodes. 5,000 nodes: 10 %, 500.
    """
    if nodes <= LEAST_CANDIDATES:
        return nodes
    percentage = max(LEAST_PERCENTAGE, 50 - nodes // 125)
    return max(LEAST_CANDIDATES, nodes * percentage // 100)


def choose_node(
    framework: Framework, pod: PodSummary, cluster: Cluster, *, start: int = 0, rank: int = 0
) -> Chosen | Unschedulable:
    """The best node for a pod, or why there is none.

    The search begins at node number `start` (pass `Chosen.next_start` on, so that every node gets its turn). Among
    equally good nodes `rank` decides: a random number or a counter, modulo their number. A node that the pod is meant
    for is taken when it fits, however good others are.
    """
    nodes = cluster.order
    if not nodes:
        return Unschedulable("no nodes available to schedule pods")
    filters: list[NodeFilter] = []
    for plugin in framework.filters:
        prepared = plugin(pod, cluster)
        if isinstance(prepared, Refusal):
            return unschedulable_anywhere(prepared, len(nodes))
        if prepared is not None:
            filters.append(prepared)
    start %= len(nodes)
    nominated = cluster.nodes.get(pod.nominated) if pod.nominated else None
    if nominated is not None and all(judge(nominated) is None for judge in filters):
        return Chosen(nominated.name, 1, 1, start)
    fitting, refusals, examined = _search(nodes, start, filters)
    if not fitting:
        return unschedulable(pod, refusals)
    best = fitting if len(fitting) == 1 else _best(framework, pod, cluster, fitting)
    return Chosen(best[rank % len(best)].name, len(fitting), examined, (start + examined) % len(nodes))


def _search(
    nodes: Sequence[NodeSummary], start: int, filters: Sequence[NodeFilter]
) -> tuple[list[NodeSummary], list[tuple[NodeSummary, Refusal]], int]:
    """Fitting nodes from `start` on until there are enough, the refusals met, and how many nodes were looked at."""
    wanted = candidates_wanted(len(nodes))
    fitting: list[NodeSummary] = []
    refusals: list[tuple[NodeSummary, Refusal]] = []
    examined = 0
    for part in (range(start, len(nodes)), range(start)):
        for index in part:
            node = nodes[index]
            examined += 1
            for judge in filters:
                refusal = judge(node)
                if refusal is not None:
                    refusals.append((node, refusal))
                    break
            else:
                fitting.append(node)
                if len(fitting) >= wanted:
                    return fitting, refusals, examined
    return fitting, refusals, examined


def _best(framework: Framework, pod: PodSummary, cluster: Cluster, fitting: list[NodeSummary]) -> list[NodeSummary]:
    """The nodes with the highest total score."""
    totals = [0.0] * len(fitting)
    for plugin in framework.scores:
        score = plugin.prepare(pod, cluster)
        if score is None:
            continue
        values = score(fitting)
        if plugin.normalize is not None:
            values = plugin.normalize(values)
        weight = plugin.weight
        totals = [total + weight * value for total, value in zip(totals, values, strict=True)]
    highest = max(totals)
    return [node for node, total in zip(fitting, totals, strict=True) if total == highest]


def normalized(values: list[float]) -> list[float]:
    """The highest becomes 100, the others in proportion."""
    highest = max(values, default=0.0)
    return [FULL_SCORE * value / highest for value in values] if highest > 0 else values


def normalized_reversed(values: list[float]) -> list[float]:
    """The highest becomes 0, none 100: for counting what is bad."""
    highest = max(values, default=0.0)
    if highest <= 0:
        return [FULL_SCORE] * len(values)
    return [FULL_SCORE - FULL_SCORE * value / highest for value in values]


def normalized_between(values: list[float]) -> list[float]:
    """The lowest becomes 0 and the highest 100: for scores that may be negative."""
    lowest, highest = min(values, default=0.0), max(values, default=0.0)
    if highest == lowest:
        return [0.0] * len(values)
    return [FULL_SCORE * (value - lowest) / (highest - lowest) for value in values]


def simple_filter(judge: Callable[[PodSummary, NodeSummary], str | None]) -> FilterPlugin:
    """A filter from a function that says why a node will not do (`node(s) ...`), or None."""

    def plugin(pod: PodSummary, cluster: Cluster) -> NodeFilter:
        def filter_node(node: NodeSummary) -> Refusal | None:
            reason = judge(pod, node)
            return None if reason is None else Refusal((reason,))

        return filter_node

    return plugin


def simple_score(name: str, judge: Callable[[PodSummary, NodeSummary], float], weight: float = 1.0) -> ScorePlugin:
    """A score from a function that gives a node 0 to 100."""
    return ScorePlugin(name, lambda pod, cluster: each(lambda node: judge(pod, node)), weight)


def each(judge: Callable[[NodeSummary], float]) -> NodesScore:
    """The scores of several nodes from a function that scores one."""
    return lambda nodes: [judge(node) for node in nodes]
