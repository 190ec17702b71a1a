"""The summaries that deciding code reads instead of the bodies, one per kind; kept beside every stored object."""

from __future__ import annotations

from kube_actors.records import frozen


@frozen(weakref_slot=False)
class PodFacts:
    """A Pod. Times are epoch seconds; `requests` is (cpu in thousandths, memory in bytes), init containers counted in.

    `host_ports` are (protocol, host IP, port). `terminal`: Succeeded or Failed. `started`: status.startTime. `restarts`
    is the highest count among its containers, and the highest among its sidecars.
    `deletion_cost` comes from the annotation `controller.kubernetes.io/pod-deletion-cost`.
    """

    phase: str
    ready: bool
    ready_since: float | None
    node: str
    address: str
    template_hash: str
    requests: tuple[int, int]
    host_ports: tuple[tuple[str, str, int], ...]
    terminal: bool
    restarts: tuple[int, int]
    scheduler_name: str
    priority: int
    scheduled: bool
    started: float | None
    deletion_cost: int = 0


@frozen(weakref_slot=False)
class ReplicaSetFacts:
    """A ReplicaSet: what it should have, what it reported; `revision` is the Deployment's number for it (0: none)."""

    replicas: int
    current: int
    ready: int
    available: int
    observed_generation: int
    template_hash: str
    revision: int


@frozen(weakref_slot=False)
class DeploymentFacts:
    """A Deployment: what it should have and what it reported."""

    replicas: int
    current: int
    updated: int
    ready: int
    available: int
    observed_generation: int
    paused: bool


@frozen(weakref_slot=False)
class ServiceFacts:
    """A Service: `cluster_ips` ("None" when headless), `selector` as sorted pairs.

    `node_ports` are (protocol, port), the port of health checks among them.
    """

    type: str
    cluster_ips: tuple[str, ...]
    selector: tuple[tuple[str, str], ...]
    node_ports: tuple[tuple[str, int], ...]


@frozen(weakref_slot=False)
class NodeFacts:
    """A Node: `allocatable` is (cpu in thousandths, memory in bytes, pods), `taints` are (key, value, effect)."""

    ready: bool
    unschedulable: bool
    allocatable: tuple[int, int, int]
    taints: tuple[tuple[str, str, str], ...]
    address: str


@frozen(weakref_slot=False)
class NamespaceFacts:
    """A Namespace: Active or Terminating, and who still holds it."""

    phase: str
    finalizers: tuple[str, ...]


@frozen(weakref_slot=False)
class EndpointSliceFacts:
    """An EndpointSlice: the service it belongs to, and how many of its endpoints are ready."""

    service: str
    ready: int
    total: int


@frozen(weakref_slot=False)
class ServiceAccountFacts:
    """A ServiceAccount: whether its pods get a token (None: it does not say), and the secrets they pull images with."""

    automount: bool | None
    image_pull_secrets: tuple[str, ...]
