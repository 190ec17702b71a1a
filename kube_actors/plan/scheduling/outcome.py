"""What comes of looking for a node: one, or the reasons against all of them in Kubernetes' words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from kube_actors.plan.scheduling.summaries import NodeSummary, PodSummary
from kube_actors.records import frozen

_NO_CLAIMS = "no new claims to deallocate"


@frozen
class Refusal:
    """Why one node will not do, or none at all. `resolvable`: it might, if pods of lower priority gave way."""

    reasons: tuple[str, ...]
    resolvable: bool = False


@frozen
class Chosen:
    """The node for a pod; how many fitted of those looked at; where the next search begins."""

    node: str
    feasible: int
    examined: int
    next_start: int


@frozen
class Unschedulable:
    """No node fits; `message` is that of the condition PodScheduled and of the event FailedScheduling.

    `everywhere`: no node was looked at, for something about the pod itself rules out all; no room would help.
    """

    message: str
    everywhere: bool = False


def unschedulable(pod: PodSummary, refusals: Sequence[tuple[NodeSummary, Refusal]]) -> Unschedulable:
    """The message from the refusals of all nodes.

    `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s). no new claims to deallocate,
    preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for
    scheduling.` The claims are those for devices, which might have been taken from nobody's hands first.
    """
    counts = Counter(reason for _, refusal in refusals for reason in refusal.reasons)
    message = f"{_none_of(len(refusals))} {_listed(counts)}"
    preemption = _preemption(pod, refusals)
    return Unschedulable(f"{message} {_NO_CLAIMS}, preemption: {preemption}" if preemption else message)


def unschedulable_anywhere(refusal: Refusal, nodes: int) -> Unschedulable:
    """The message when something about the pod itself rules out all the cluster's `nodes`, which nobody looks at then.

    Kubernetes 1.36 ends it with `not found`: what it tries next, freeing devices, finds none of its notes on the pod.
    """
    return Unschedulable(f"{_none_of(nodes)} {', '.join(refusal.reasons)}. not found", everywhere=True)


def _preemption(pod: PodSummary, refusals: Sequence[tuple[NodeSummary, Refusal]]) -> str:
    """Why no other pod gives way; nothing is said where one of lower priority is in the way, for none is evicted."""
    if pod.spec.preemption_policy == "Never":
        return "not eligible due to preemptionPolicy=Never."
    resolvable = [node for node, refusal in refusals if refusal.resolvable]
    if any(_has_lower(node.pods.values(), pod.priority) for node in resolvable):
        return ""
    counts = Counter(
        {
            "No preemption victims found for incoming pod": len(resolvable),
            "Preemption is not helpful for scheduling": len(refusals) - len(resolvable),
        }
    )
    return f"{_none_of(len(refusals))} {_listed(+counts)}"


def _has_lower(pods: Iterable[PodSummary], priority: int) -> bool:
    return any(one.priority < priority for one in pods)


def _none_of(nodes: int) -> str:
    return f"0/{nodes} nodes are available:"


def _listed(counts: Counter[str]) -> str:
    return ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items())) + "."
