"""What a Pod actor is told: by its node (the runtime's facts) and by its own child tasks (work that has ended)."""

from __future__ import annotations

from kube_actors.kernel import Ask
from kube_actors.messages.common import Describe
from kube_actors.node.runtime.base import ContainerExited, ContainerId, FoundSandbox, Started
from kube_actors.node.runtime.handlers import ProbeResult
from kube_actors.plan.probes import ProbeKind
from kube_actors.records import frozen


@frozen
class ContainerEnded:
    """Node → Pod: an attempt ended."""

    exit: ContainerExited


@frozen
class SandboxFound:
    """Node → Pod: what the runtime has of this pod, after it was out of reach; None is nothing."""

    sandbox: FoundSandbox | None


@frozen
class SandboxCreated:
    """Own task: the pod's world exists."""

    address: str | None


@frozen
class SandboxFailed:
    """Own task: the pod's world could not be made."""

    reason: str
    message: str


@frozen
class ContainerStarted:
    """Own task: an attempt runs."""

    started: Started


@frozen
class ContainerFailed:
    """Own task: an attempt could not be started; `reason` is the waiting reason Kubernetes shows."""

    container: ContainerId
    reason: str
    message: str


@frozen
class ContainerResized:
    """Own task: a running attempt has its new resources, or (`reason` Infeasible, Deferred, Error) has not."""

    container: ContainerId
    reason: str = ""
    message: str = ""
    restart: bool = False


@frozen
class HookEnded:
    """Own task: the postStart hook of an attempt has run; `error` None is success."""

    container: ContainerId
    error: str | None


@frozen
class ProbeEnded:
    """Own task: a probe has been made."""

    container: ContainerId
    kind: ProbeKind
    result: ProbeResult


@frozen
class StopSignalSent:
    """Own task: preStop is over and the stop signal is out; now the grace runs."""

    container: ContainerId


@frozen
class SandboxRemoved:
    """Own task: nothing of the pod is left in the runtime."""


@frozen(eq=False)
class EndPod(Ask[None]):
    """Node → Pod: the node shuts down: end in order within `grace_seconds`; answered when nothing is left."""

    grace_seconds: float


PodMessage = (
    ContainerEnded
    | SandboxFound
    | SandboxCreated
    | SandboxFailed
    | ContainerStarted
    | ContainerFailed
    | ContainerResized
    | HookEnded
    | ProbeEnded
    | StopSignalSent
    | SandboxRemoved
    | EndPod
    | Describe
)
