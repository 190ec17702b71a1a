"""Room on a node: ruling out those without, and preferring the emptiest or the fullest."""

from __future__ import annotations

from collections.abc import Sequence

from kube_actors.plan.scheduling.framework import FULL_SCORE, NodeFilter, NodesScore, ScorePlugin, each
from kube_actors.plan.scheduling.outcome import Refusal
from kube_actors.plan.scheduling.summaries import Cluster, NodeSummary, PodSummary

_ANYTHING = -(1 << 62)


def resources_fit(pod: PodSummary, cluster: Cluster) -> NodeFilter:
    """NodeResourcesFit: cpu, memory, number of pods and extended resources. What is not asked for is not checked."""
    cpu, memory = pod.requests.cpu or _ANYTHING, pod.requests.memory or _ANYTHING
    others = pod.requests.others

    def fits(node: NodeSummary) -> Refusal | None:
        if node.free_pods >= 1 and cpu <= node.free_cpu and memory <= node.free_memory and not others:
            return None
        return _shortage(pod, node)

    return fits


def _shortage(pod: PodSummary, node: NodeSummary) -> Refusal | None:
    """Everything the node is short of; no pod that gives way helps where the whole node is too small."""
    reasons, resolvable = [], True
    if node.free_pods < 1:
        reasons.append("Too many pods")
    asked = [("cpu", pod.requests.cpu, node.free_cpu, node.cpu)]
    asked.append(("memory", pod.requests.memory, node.free_memory, node.memory))
    for name, amount in pod.requests.others:
        whole = node.others.get(name, 0)
        asked.append((name, amount, whole - node.used_others.get(name, 0), whole))
    for name, amount, free, whole in asked:
        if amount and amount > free:
            reasons.append(f"Insufficient {name}")
            resolvable = resolvable and amount <= whole
    return Refusal(tuple(reasons), resolvable) if reasons else None


def _prepare_least(pod: PodSummary, cluster: Cluster) -> NodesScore:
    cpu, memory = pod.requests.scoring_cpu, pod.requests.scoring_memory

    def score(nodes: Sequence[NodeSummary]) -> list[float]:
        scores: list[float] = []
        for node in nodes:
            free_cpu = node.cpu - node.scoring_cpu - cpu
            free_memory = node.memory - node.scoring_memory - memory
            share = free_cpu / node.cpu if free_cpu > 0 else 0.0
            if free_memory > 0:
                share += free_memory / node.memory
            scores.append(FULL_SCORE * share // 2)
        return scores

    return score


def _prepare_most(pod: PodSummary, cluster: Cluster) -> NodesScore:
    cpu, memory = pod.requests.scoring_cpu, pod.requests.scoring_memory

    def score(node: NodeSummary) -> float:
        share = min(1.0, (node.scoring_cpu + cpu) / node.cpu) if node.cpu else 0.0
        share += min(1.0, (node.scoring_memory + memory) / node.memory) if node.memory else 0.0
        return FULL_SCORE * share // 2

    return each(score)


def _prepare_balanced(pod: PodSummary, cluster: Cluster) -> NodesScore:
    cpu, memory = pod.requests.cpu, pod.requests.memory

    def score(nodes: Sequence[NodeSummary]) -> list[float]:
        scores: list[float] = []
        for node in nodes:
            if not node.cpu or not node.memory:
                scores.append(0.0)
                continue
            free_cpu = (node.free_cpu - cpu) / node.cpu
            free_memory = (node.free_memory - memory) / node.memory
            apart = (free_cpu if free_cpu > 0 else 0.0) - (free_memory if free_memory > 0 else 0.0)
            scores.append(FULL_SCORE * (2 - abs(apart)) // 2)
        return scores

    return score


# NodeResourcesFit with strategy LeastAllocated: the node with most room left, on average over cpu and memory.
LEAST_ALLOCATED = ScorePlugin("NodeResourcesFit", _prepare_least)
# The same with MostAllocated: fill nodes up before using the next one.
MOST_ALLOCATED = ScorePlugin("NodeResourcesFit", _prepare_most)
# NodeResourcesBalancedAllocation: nodes where cpu and memory are used to about the same share.
BALANCED = ScorePlugin("NodeResourcesBalancedAllocation", _prepare_balanced)
