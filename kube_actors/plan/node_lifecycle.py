"""What a silent node means: its conditions, its taints, and which of its pods have to go and when. Pure.

Kubernetes' node controller: without a heartbeat for the grace period every condition of the node is Unknown, the node
is tainted, its pods are no longer ready, and each pod is deleted when it has tolerated the taint long enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from kube_actors.api.views.cluster import NodeCondition, NodeView, Taint
from kube_actors.api.views.placement import Toleration
from kube_actors.plan.scheduling.node_rules import tolerates
from kube_actors.records import frozen

UNREACHABLE = "node.kubernetes.io/unreachable"
NOT_READY = "node.kubernetes.io/not-ready"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
WATCHED = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
# Conditions that keep new pods away while they are true, by the key of the taint that does it.
PRESSURES = {
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
    "NetworkUnavailable": "node.kubernetes.io/network-unavailable",
}
# The taints this plan adds and takes away; all others are other people's.
OURS = frozenset(
    {(key, "NoSchedule") for key in (UNREACHABLE, NOT_READY, UNSCHEDULABLE, *PRESSURES.values())}
    | {(key, "NoExecute") for key in (UNREACHABLE, NOT_READY)}
)
UNKNOWN_REASON = "NodeStatusUnknown"
UNKNOWN_MESSAGE = "Kubelet stopped posting node status."
NEVER_REASON = "NodeStatusNeverUpdated"
NEVER_MESSAGE = "Kubelet never posted node status."


@frozen
class NodePlan:
    """The conditions and taints the node should have (None: as they are), and when to look again (epoch seconds).

    `not_ready` says that its pods cannot be counted on: their Ready condition becomes False.
    """

    conditions: tuple[NodeCondition, ...] | None = None
    taints: tuple[Taint, ...] | None = None
    not_ready: bool = False
    wake_at: float | None = None


def plan_node(node: NodeView, renewed_at: float, grace_seconds: float, now: float, *, evicts: bool = True) -> NodePlan:
    """Judge a node by its last heartbeat: the renewal of its Lease, or its creation while there is none.

    A node that has said nothing yet of its condition is neither ready nor tainted until its grace is over.

    `evicts` False is for when no node at all is ready: then it is rather the observer that is cut off, and Kubernetes
    takes no pod away (no NoExecute taint is set, and those set before are lifted).
    """
    silent = now - renewed_at > grace_seconds
    conditions = _unknown(node, now) if silent else node.status.conditions
    ready = next((one.status for one in conditions if one.type == "Ready"), None)
    taints = _taints(node, _wanted(node, conditions, ready, evicts), now)
    return NodePlan(
        conditions=conditions if conditions != node.status.conditions else None,
        taints=taints if taints != node.spec.taints else None,
        not_ready=ready not in ("True", None),
        wake_at=None if silent else renewed_at + grace_seconds + 0.001,
    )


def _unknown(node: NodeView, now: float) -> tuple[NodeCondition, ...]:
    known = {condition.type: condition for condition in node.status.conditions}
    for type_ in WATCHED:
        before = known.get(type_)
        if before is None:
            known[type_] = NodeCondition(type_, "Unknown", None, now, NEVER_REASON, NEVER_MESSAGE)
        elif before.status != "Unknown":
            known[type_] = attrs.evolve(
                before, status="Unknown", last_transition_time=now, reason=UNKNOWN_REASON, message=UNKNOWN_MESSAGE
            )
    return tuple(known.values())


def _wanted(
    node: NodeView, conditions: Sequence[NodeCondition], ready: str | None, evicts: bool
) -> list[tuple[str, str]]:
    """The taints (key, effect) that should be there: for an unreachable, unready, strained or cordoned node."""
    wanted: list[tuple[str, str]] = []
    state = {"Unknown": UNREACHABLE, "False": NOT_READY}.get(ready or "")
    if state is not None:
        wanted.append((state, "NoSchedule"))
        if evicts:
            wanted.append((state, "NoExecute"))
    strained = (PRESSURES[one.type] for one in conditions if one.type in PRESSURES and one.status == "True")
    wanted.extend((key, "NoSchedule") for key in strained)
    if node.spec.unschedulable:
        wanted.append((UNSCHEDULABLE, "NoSchedule"))
    return wanted


def _taints(node: NodeView, wanted: Sequence[tuple[str, str]], now: float) -> tuple[Taint, ...]:
    """Other people's taints and those of ours that stay, as they are; then the new ones."""
    present = {(taint.key, taint.effect): taint for taint in node.spec.taints}
    kept = [taint for place, taint in present.items() if place not in OURS or place in wanted]
    added = [Taint(key, "", effect, now) for key, effect in wanted if (key, effect) not in present]
    return (*kept, *added)


@frozen
class Tenant:
    """A pod of a node, and when it was first seen under taints that it tolerates for a while only (epoch seconds)."""

    name: str
    namespace: str
    uid: str
    since: float
    tolerations: tuple[Toleration, ...] = ()


@frozen
class Evictions:
    """Which pods have to go now, which ones later, and when the first of those."""

    over: tuple[Tenant, ...] = ()
    waiting: tuple[Tenant, ...] = ()
    wake_at: float | None = None


def eviction_time(tenant: Tenant, taints: Sequence[Taint]) -> float | None:
    """When a pod has to go from a node with these taints; None when it may stay for good.

    A NoExecute taint that is not tolerated ends the pod at once. Others end it when it has been under them for the
    shortest time it tolerates one of them, whenever they were added: a taint says nothing of when the pod came. Of
    several tolerations of one taint the first counts.
    """
    seconds: list[int] = []
    for taint in taints:
        if taint.effect != "NoExecute":
            continue
        toleration = next((one for one in tenant.tolerations if tolerates(one, taint)), None)
        if toleration is None:
            return tenant.since
        if toleration.toleration_seconds is not None:
            seconds.append(max(0, toleration.toleration_seconds))
    return tenant.since + min(seconds) if seconds else None


def plan_evictions(tenants: Iterable[Tenant], taints: Sequence[Taint], now: float) -> Evictions:
    """What becomes of the pods of a node with these taints."""
    over: list[Tenant] = []
    waiting: list[tuple[float, Tenant]] = []
    for tenant in sorted(tenants, key=lambda one: (one.namespace, one.name)):
        due = eviction_time(tenant, taints)
        if due is None:
            continue
        if due <= now:
            over.append(tenant)
        else:
            waiting.append((due, tenant))
    later = tuple(tenant for _, tenant in waiting)
    return Evictions(tuple(over), later, min((due for due, _ in waiting), default=None))
