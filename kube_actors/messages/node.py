"""What a Node actor is told: by the scheduler (admission), by its own pods (the runtime), and by people (faults)."""

from __future__ import annotations

import trio

from kube_actors.kernel import Ask
from kube_actors.messages.common import Describe
from kube_actors.node.runtime.base import (
    ContainerId,
    ContainerSpec,
    FoundSandbox,
    Resources,
    RuntimeEvent,
    SandboxSpec,
    Started,
)
from kube_actors.node.runtime.sessions import AttachSession, ExecSession
from kube_actors.records import frozen


@frozen
class Admitted:
    """The node holds the pod's share for it until the binding arrives or `AdmitPod.hold_seconds` pass."""


@frozen
class Refused:
    """The node will not take the pod; `reason` and `message` in Kubernetes' words (`OutOfcpu`, `NodePorts`)."""

    reason: str
    message: str


Admission = Admitted | Refused


@frozen(eq=False)
class AdmitPod(Ask[Admission]):
    """Scheduler → Node, before the binding is written: the node may refuse (capacity, ports, closing)."""

    pod_uid: str
    cpu_milli: int
    memory_bytes: int
    host_ports: tuple[tuple[str, str, int], ...] = ()


@frozen(eq=False)
class CreateSandbox(Ask[str | None]):
    """Pod → Node: make the pod's world; answered with its address."""

    spec: SandboxSpec


@frozen(eq=False)
class RunContainer(Ask[Started]):
    """Pod → Node: create and start one attempt; refused with the runtime's failure."""

    spec: ContainerSpec


@frozen(eq=False)
class ResizeShare(Ask[Admission]):
    """Pod → Node: count these requests for the pod instead of what it had; refused as Infeasible or Deferred."""

    pod_uid: str
    cpu_milli: int
    memory_bytes: int


@frozen(eq=False)
class UpdateResources(Ask[None]):
    """Pod → Node: give a running attempt, and its pod as a whole, other limits and shares; refused with the runtime's
    failure."""

    container: ContainerId
    resources: Resources
    pod: Resources


@frozen(eq=False)
class StopContainer(Ask[None]):
    """Pod → Node: send a signal, or with `everything` kill all the container started."""

    container: ContainerId
    signal: int
    everything: bool = False


@frozen(eq=False)
class RemoveContainer(Ask[None]):
    """Pod → Node: forget an ended attempt."""

    container: ContainerId


@frozen(eq=False)
class RemoveSandbox(Ask[None]):
    """Pod → Node: end and take away everything the pod has here."""

    pod_uid: str


@frozen(eq=False)
class Exec(Ask[ExecSession]):
    """Anyone → Node: a command in a running container."""

    container: ContainerId
    argv: tuple[str, ...]
    stdin: bool = False
    tty: bool = False


@frozen(eq=False)
class Attach(Ask[AttachSession]):
    """Anyone → Node: the streams of a running container itself."""

    container: ContainerId
    stdin: bool = False


@frozen(eq=False)
class ConnectPod(Ask[trio.abc.HalfCloseableStream]):
    """Anyone → Node: a TCP connection to a port of a pod, for port-forward (`inside`: to its own loopback, where the
    runtime can) and the proxies; refused with the OSError of connect(2)."""

    pod_uid: str
    port: int
    inside: bool = False


@frozen
class RuntimeReported:
    """Runtime → Node: a container ended, or the runtime was lost or is back."""

    event: RuntimeEvent


@frozen(eq=False)
class FindSandbox(Ask[FoundSandbox | None]):
    """A restarted Pod → Node: what already runs of me?"""

    pod_uid: str


@frozen
class PodGone:
    """Pod → Node: the pod has ended here and its actor may be released."""

    pod_uid: str


@frozen
class PodFinished:
    """Pod → Node: the pod is over (Succeeded or Failed): its share is free, its actor stays until it is deleted."""

    pod_uid: str


@frozen(eq=False)
class ShutDown(Ask[None]):
    """Composition root → Node: end every pod in order, each within `grace_seconds`; answered when all have ended."""

    grace_seconds: float


@frozen(eq=False)
class StopNode(Ask[None]):
    """A person → Node: the machine fails: pods die at once, heartbeats stop."""


@frozen(eq=False)
class PartitionNode(Ask[None]):
    """A person → Node: the node is cut off: heartbeats and status writes stop, pods run on."""


@frozen(eq=False)
class StartNode(Ask[None]):
    """A person → Node: the machine or its network is back."""


NodeMessage = (
    AdmitPod
    | CreateSandbox
    | RunContainer
    | ResizeShare
    | UpdateResources
    | StopContainer
    | RemoveContainer
    | RemoveSandbox
    | Exec
    | Attach
    | ConnectPod
    | RuntimeReported
    | FindSandbox
    | PodGone
    | PodFinished
    | ShutDown
    | StopNode
    | PartitionNode
    | StartNode
    | Describe
)
