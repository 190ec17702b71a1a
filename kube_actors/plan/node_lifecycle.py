"""What a silent node means: its conditions, its taints, and which of its pods have to go and when. Pure.

Kubernetes' node controller: without a heartbeat for the grace period every condition of the node is Unknown, the node
is tainted, its pods are no longer ready, and each pod is deleted when it has tolerated the taint long enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from kube_actors.api.views.cluster import NodeCondition, NodeView, Taint
from kube_actors.api.views.placement import Toleration

UNREACHABLE = "node.kubernetes.io/unreachable"
NOT_READY = "node.kubernetes.io/not-ready"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
WATCHED = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
OURS = frozenset({(UNREACHABLE, "NoSchedule"), (UNREACHABLE, "NoExecute"), (NOT_READY, "NoSchedule"), (NOT_READY, "NoExecute")})
UNKNOWN_REASON = "NodeStatusUnknown"
UNKNOWN_MESSAGE = "Kubelet stopped posting node status."
NEVER_REASON = "NodeStatusNeverUpdated"
NEVER_MESSAGE = "Kubelet never posted node status."


@attrs.frozen
class NodePlan:
    """The conditions and taints the node should have (None: as they are), and when to look again (epoch seconds).

    `not_ready` says that its pods cannot be counted on: their Ready condition becomes False.
    """

    conditions: tuple[NodeCondition, ...] | None = None
    taints: tuple[Taint, ...] | None = None
    not_ready: bool = False
    wake_at: float | None = None


def plan_node(node: NodeView, renewed_at: float, grace_seconds: float, now: float) -> NodePlan:
    """Judge a node by its last heartbeat: the renewal of its Lease, or its creation while there is none."""
    silent = now - renewed_at > grace_seconds
    conditions = _unknown(node, now) if silent else node.status.conditions
    ready = next((one.status for one in conditions if one.type == "Ready"), "Unknown")
    taints = _taints(node, ready, now)
    return NodePlan(
        conditions=conditions if conditions != node.status.conditions else None,
        taints=taints if taints != node.spec.taints else None,
        not_ready=ready != "True",
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


def _taints(node: NodeView, ready: str, now: float) -> tuple[Taint, ...]:
    """Other people's taints, then ours: for an unreachable, a not ready, and a cordoned node."""
    wanted: list[tuple[str, str]] = []
    if ready == "Unknown":
        wanted = [(UNREACHABLE, "NoSchedule"), (UNREACHABLE, "NoExecute")]
    elif ready == "False":
        wanted = [(NOT_READY, "NoSchedule"), (NOT_READY, "NoExecute")]
    if node.spec.unschedulable:
        wanted.append((UNSCHEDULABLE, "NoSchedule"))
    ours = OURS | {(UNSCHEDULABLE, "NoSchedule")}
    present = {(taint.key, taint.effect): taint for taint in node.spec.taints}
    kept = [taint for taint in node.spec.taints if (taint.key, taint.effect) not in ours or (taint.key, taint.effect) in wanted]
    added = [Taint(key, "", effect, now) for key, effect in wanted if (key, effect) not in present]
    return (*kept, *added)


@attrs.frozen
class Tenant:
    """A pod on a tainted node."""

    name: str
    namespace: str
    uid: str
    tolerations: tuple[Toleration, ...] = ()


def eviction_time(tenant: Tenant, taints: Sequence[Taint]) -> float | None:
    """When a pod has to go from a node with these taints; None when it may stay for good.

    A NoExecute taint that is not tolerated ends the pod at once. One that is tolerated for some seconds ends it that
    long after the taint was added; of several tolerations the shortest counts.
    """
    due: float | None = None
    for taint in taints:
        if taint.effect != "NoExecute":
            continue
        added = taint.time_added or 0.0
        matching = [one for one in tenant.tolerations if tolerates(one, taint)]
        if not matching:
            return added
        seconds = [one.toleration_seconds for one in matching if one.toleration_seconds is not None]
        if seconds:
            end = added + max(0, min(seconds))
            due = end if due is None else min(due, end)
    return due


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Whether a toleration covers a taint: effect and key (empty: any), and the value unless it only has to exist."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    if not toleration.key and toleration.operator != "Exists":
        return False
    return toleration.operator == "Exists" or toleration.value == taint.value


def due_evictions(
    tenants: Iterable[Tenant], taints: Sequence[Taint], now: float
) -> tuple[tuple[Tenant, ...], float | None]:
    """The pods whose time is over, and when the next one's will be."""
    over: list[Tenant] = []
    later: list[float] = []
    for tenant in sorted(tenants, key=lambda one: (one.namespace, one.name)):
        due = eviction_time(tenant, taints)
        if due is None:
            continue
        if due <= now:
            over.append(tenant)
        else:
            later.append(due)
    return tuple(over), min(later, default=None)
