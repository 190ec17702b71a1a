"""What a scheduler keeps of the cluster: pods and nodes as small summaries, updated as things change.

The scheduler's actor owns one `Cluster` and tells it of every node and of every pod that has one (bound, or just
assumed to be); no plan changes it. Keeping sums up to date per pod is what makes looking at a node cheap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import attrs

from kube_actors.api.views.cluster import NodeView, Taint
from kube_actors.api.views.pods import PodSpec, PodView
from kube_actors.plan.scheduling.claims import NothingStored, PodClaim, StoredObjects, pod_claims
from kube_actors.plan.scheduling.requests import NO_REQUESTS, Requests, pod_requests
from kube_actors.plan.scheduling.terms import NO_TERMS, AffinityTerms, affinity_terms
from kube_actors.records import define, frozen

Labels = Mapping[str, str]
ANY_ADDRESS = "0.0.0.0"


@frozen
class HostPort:
    """A port of the node that a pod takes; without an address it takes it on all."""

    protocol: str
    address: str
    port: int


@frozen(eq=False)
class PodSummary:
    """A pod as a scheduler sees it. `spec` is kept for pods that are still to be placed only.

    `nominated` is the node that somebody means it for: the first to be looked at.
    """

    uid: str
    namespace: str
    name: str
    labels: Labels = attrs.field(factory=dict)
    priority: int = 0
    requests: Requests = NO_REQUESTS
    host_ports: tuple[HostPort, ...] = ()
    terms: AffinityTerms = NO_TERMS
    deleting: bool = False
    spec: PodSpec = attrs.field(factory=PodSpec)
    claims: tuple[PodClaim, ...] = ()
    nominated: str = ""

    @classmethod
    def of(cls, pod: PodView, *, placed: bool = False) -> PodSummary:
        """The summary of a pod; with `placed` without what only placing it needs."""
        metadata, spec = pod.metadata, pod.spec
        return cls(
            metadata.uid,
            metadata.namespace,
            metadata.name,
            metadata.labels,
            spec.priority,
            pod_requests(spec),
            host_ports(spec),
            affinity_terms(pod),
            metadata.deleting,
            PodSpec() if placed else spec,
            pod_claims(pod),
            pod.status.nominated_node_name,
        )


def host_ports(spec: PodSpec) -> tuple[HostPort, ...]:
    """The node's ports a pod takes."""
    every = (port for one in (*spec.init_containers, *spec.containers) for port in one.ports if port.host_port)
    return tuple(HostPort(port.protocol, port.host_ip or ANY_ADDRESS, port.host_port) for port in every)


@define(eq=False)
class NodeSummary:
    """A node and the sums over its pods. `free_*` may be negative on an overcommitted node."""

    name: str
    labels: Labels = attrs.field(factory=dict)
    taints: tuple[Taint, ...] = ()
    unschedulable: bool = False
    cpu: int = 0
    memory: int = 0
    most_pods: int = 0
    others: Mapping[str, int] = attrs.field(factory=dict)
    images: Mapping[str, int] = attrs.field(factory=dict)
    pods: dict[str, PodSummary] = attrs.field(factory=dict)
    free_cpu: int = 0
    free_memory: int = 0
    free_pods: int = 0
    used_others: dict[str, int] = attrs.field(factory=dict)
    scoring_cpu: int = 0
    scoring_memory: int = 0
    ports: dict[tuple[str, int], list[str]] = attrs.field(factory=dict)

    def describe(self, node: NodeView) -> None:
        """Take over what the node's object says; its pods stay."""
        amounts = dict(node.status.allocatable)
        cpu, memory, pods = (amounts.pop(name, None) for name in ("cpu", "memory", "pods"))
        self.labels, self.taints = node.metadata.labels, node.spec.taints
        self.unschedulable = node.spec.unschedulable
        used_cpu, used_memory = self.cpu - self.free_cpu, self.memory - self.free_memory
        self.cpu, self.memory = cpu.milli if cpu else 0, memory.value if memory else 0
        self.most_pods = pods.value if pods else 0
        self.others = {name: amount.value for name, amount in amounts.items()}
        self.images = {name: image.size_bytes for image in node.status.images for name in image.names}
        self.free_cpu, self.free_memory = self.cpu - used_cpu, self.memory - used_memory
        self.free_pods = self.most_pods - len(self.pods)

    @property
    def offer(self) -> tuple[object, ...]:
        """What the node itself has that decides whether a pod may go there."""
        return (self.labels, self.taints, self.unschedulable, self.cpu, self.memory, self.most_pods, self.others)

    def add(self, pod: PodSummary) -> None:
        """A pod is here (or assumed to be); one that already was is counted anew."""
        self.remove(pod.uid)
        self.pods[pod.uid] = pod
        self._count(pod, 1)
        for port in pod.host_ports:
            self.ports.setdefault((port.protocol, port.port), []).append(port.address)

    def remove(self, uid: str) -> None:
        """A pod has gone or ended; nothing happens when it was not here."""
        pod = self.pods.pop(uid, None)
        if pod is None:
            return
        self._count(pod, -1)
        for port in pod.host_ports:
            addresses = self.ports[port.protocol, port.port]
            addresses.remove(port.address)
            if not addresses:
                del self.ports[port.protocol, port.port]

    def _count(self, pod: PodSummary, times: int) -> None:
        requests = pod.requests
        self.free_cpu -= times * requests.cpu
        self.free_memory -= times * requests.memory
        self.free_pods -= times
        self.scoring_cpu += times * requests.scoring_cpu
        self.scoring_memory += times * requests.scoring_memory
        for name, amount in requests.others:
            self.used_others[name] = self.used_others.get(name, 0) + times * amount


class Cluster:
    """All nodes with their pods, looked at in `order`; `images` counts the nodes that have each.

    Pods that are told of before their node are to be told again when it appears. What pods' claims are about is looked
    up in `stored` when such a pod is to be placed.
    """

    def __init__(self, stored: StoredObjects | None = None) -> None:
        self.stored: StoredObjects = stored if stored is not None else NothingStored()
        self.nodes: dict[str, NodeSummary] = {}
        self.order: list[NodeSummary] = []
        self.namespace_labels: dict[str, Labels] = {}
        self.images: Counter[str] = Counter()
        self._places: dict[str, str] = {}
        self._with_terms: dict[str, set[str]] = {}
        self._marked: set[str] = set()

    def set_node(self, node: NodeView) -> bool:
        """A node appeared or changed; whether a pod that found no node may find one now."""
        name = node.metadata.name
        summary = self.nodes.get(name)
        before = summary.offer if summary is not None else None
        if summary is None:
            summary = self.nodes[name] = NodeSummary(name)
            self.order.append(summary)
        self.images -= Counter(summary.images.keys())
        summary.describe(node)
        self.images += Counter(summary.images.keys())
        if summary.taints or summary.unschedulable:
            self._marked.add(name)
        else:
            self._marked.discard(name)
        return summary.offer != before

    def remove_node(self, name: str) -> None:
        """A node is gone, with what was counted on it."""
        summary = self.nodes.pop(name, None)
        if summary is None:
            return
        self.order.remove(summary)
        self.images -= Counter(summary.images.keys())
        self._marked.discard(name)
        self._with_terms.pop(name, None)
        for uid in summary.pods:
            del self._places[uid]

    def place(self, pod: PodSummary, node: str) -> None:
        """The pod is on that node, bound or assumed. Of a node that is not known nothing is kept."""
        if self._places.get(pod.uid) not in (None, node):
            self.forget(pod.uid)
        summary = self.nodes.get(node)
        if summary is None:
            return
        summary.add(pod)
        self._places[pod.uid] = node
        if pod.terms:
            self._with_terms.setdefault(node, set()).add(pod.uid)

    def forget(self, uid: str) -> None:
        """The pod has ended, is gone, or was not bound after all."""
        node = self._places.pop(uid, None)
        if node is None:
            return
        self.nodes[node].remove(uid)
        terms = self._with_terms.get(node)
        if terms is not None:
            terms.discard(uid)
            if not terms:
                del self._with_terms[node]

    @property
    def any_marked(self) -> bool:
        """Whether any node has a taint or is cordoned."""
        return bool(self._marked)

    @property
    def nodes_with_terms(self) -> list[NodeSummary]:
        """Nodes with pods that have pod affinity terms."""
        return [self.nodes[name] for name in sorted(self._with_terms)]
