"""What a node has promised: the shares of its pods, counted so that a second pod cannot be promised the same."""

from __future__ import annotations

import attrs

from kube_actors.api.views import NodeView, PodView
from kube_actors.messages.node import Admission, AdmitPod, Admitted, Refused, ResizeShare
from kube_actors.plan.node_admission import Rejection, predicate_failed, rejection, wrong_system
from kube_actors.records import define, frozen
from kube_actors.store import Revision

HOLD_SECONDS = 30.0


@frozen
class Share:
    """What one pod takes of the node. `until` ends a promise whose binding never came; None is a bound pod."""

    cpu_milli: int
    memory_bytes: int
    host_ports: tuple[tuple[str, str, int], ...]
    until: float | None = None


def _ports_clash(one: tuple[str, str, int], other: tuple[str, str, int]) -> bool:
    """Same protocol and port on addresses that overlap: (protocol, host IP, port); no IP means all of them."""
    same = (one[0], one[2]) == (other[0], other[2])
    return same and (one[1] == other[1] or not {"", "0.0.0.0"}.isdisjoint((one[1], other[1])))


@define
class Tally:
    """The shares given out of `cpu_milli`, `memory_bytes` and `pods`."""

    cpu_milli: int
    memory_bytes: int
    pods: int
    shares: dict[str, Share] = attrs.field(factory=dict)
    cpu_used: int = 0
    memory_used: int = 0

    def admit(self, ask: AdmitPod, now: float) -> Admission:
        """Promise a share, or say in Kubernetes' words what is short."""
        self._forget_stale_promises(now)
        self.release(ask.pod_uid)
        refusal = self._refusal(ask)
        if refusal is not None:
            return refusal
        self.hold(ask.pod_uid, Share(ask.cpu_milli, ask.memory_bytes, ask.host_ports, now + HOLD_SECONDS))
        return Admitted()

    def resize(self, ask: ResizeShare) -> Admission:
        """Count other requests for a pod that is here, or say what is short: now, or for ever."""
        share = self.shares.get(ask.pod_uid)
        if share is None:
            return Admitted()
        for resource, wanted, before, used, capacity in (
            ("cpu", ask.cpu_milli, share.cpu_milli, self.cpu_used, self.cpu_milli),
            ("memory", ask.memory_bytes, share.memory_bytes, self.memory_used, self.memory_bytes),
        ):
            if wanted > capacity:
                text = f"Node didn't have enough capacity: {resource}, requested: {wanted}, capacity: {capacity}"
                return Refused("Infeasible", text)
            if wanted > before and used - before + wanted > capacity:
                text = f"Node didn't have enough resource: {resource}, requested: {wanted}, used: {used - before}"
                return Refused("Deferred", f"{text}, capacity: {capacity}")
        self.hold(ask.pod_uid, attrs.evolve(share, cpu_milli=ask.cpu_milli, memory_bytes=ask.memory_bytes))
        return Admitted()

    def _refusal(self, ask: AdmitPod) -> Refused | None:
        if len(self.shares) >= self.pods:
            text = f"Node didn't have enough resource: pods, requested: 1, used: {len(self.shares)}"
            return Refused("OutOfpods", f"{text}, capacity: {self.pods}")
        for reason, resource, wanted, used, capacity in (
            ("OutOfcpu", "cpu", ask.cpu_milli, self.cpu_used, self.cpu_milli),
            ("OutOfmemory", "memory", ask.memory_bytes, self.memory_used, self.memory_bytes),
        ):
            if wanted and used + wanted > capacity:
                text = f"Node didn't have enough resource: {resource}, requested: {wanted}, used: {used}"
                return Refused(reason, f"{text}, capacity: {capacity}")
        taken = [port for share in self.shares.values() for port in share.host_ports]
        if any(_ports_clash(wanted_port, port) for wanted_port in ask.host_ports for port in taken):
            return Refused("NodePorts", "node(s) didn't have free ports for the requested pod ports")
        return None

    def hold(self, uid: str, share: Share) -> None:
        """Count a share, in place of what this pod had before."""
        self.release(uid)
        self.shares[uid] = share
        self.cpu_used += share.cpu_milli
        self.memory_used += share.memory_bytes

    def release(self, uid: str) -> None:
        """Give a share back; nothing if the pod had none."""
        share = self.shares.pop(uid, None)
        if share is not None:
            self.cpu_used -= share.cpu_milli
            self.memory_used -= share.memory_bytes

    def _forget_stale_promises(self, now: float) -> None:
        stale = [uid for uid, share in self.shares.items() if share.until is not None and share.until <= now]
        for uid in stale:
            self.release(uid)


def rejection_of(revision: Revision, node: NodeView | None, tally: Tally, now: float) -> Rejection | None:
    """Why a pod that was bound to a node cannot run there. `tally` then holds nothing for it.

    Room is asked for only by a pod that names its node itself: for any other the scheduler did.
    """
    pod: PodView = revision.view
    why = wrong_system(pod.spec)
    if why is not None:
        tally.release(revision.uid)
        return why
    facts = revision.projection.facts
    if revision.uid not in tally.shares:
        cpu, memory = facts.requests
        answer = tally.admit(AdmitPod(revision.uid, cpu, memory, facts.host_ports), now)
        if isinstance(answer, Refused):
            said = predicate_failed if answer.reason == "NodePorts" else Rejection
            return said(answer.reason, answer.message)
    why = None if node is None else rejection(pod, node)
    if why is not None:
        tally.release(revision.uid)
    return why
