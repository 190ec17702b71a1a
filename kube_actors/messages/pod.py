"""What a Pod actor is told: by its node (the runtime's facts) and by its own child tasks (work that has ended)."""

from __future__ import annotations

import attrs

from kube_actors.messages.common import Describe
from kube_actors.node.runtime.base import ContainerExited, ContainerId, FoundSandbox, Started


@attrs.frozen
class ContainerEnded:
    """Node → Pod: an attempt ended."""

    exit: ContainerExited


@attrs.frozen
class SandboxFound:
    """Node → Pod: what the runtime has of this pod, after it was out of reach; None is nothing."""

    sandbox: FoundSandbox | None


@attrs.frozen
class SandboxCreated:
    """Own task: the pod's world exists."""

    address: str | None


@attrs.frozen
class SandboxFailed:
    """Own task: the pod's world could not be made."""

    reason: str
    message: str


@attrs.frozen
class ContainerStarted:
    """Own task: an attempt runs."""

    started: Started


@attrs.frozen
class ContainerFailed:
    """Own task: an attempt could not be started; `reason` is the waiting reason Kubernetes shows."""

    container: ContainerId
    reason: str
    message: str


@attrs.frozen
class HookEnded:
    """Own task: the postStart hook of an attempt has run; `error` None is success."""

    container: ContainerId
    error: str | None


@attrs.frozen
class ProbeVerdict:
    """Own task: a probe crossed a threshold."""

    container: ContainerId
    probe: str
    passed: bool
    message: str


@attrs.frozen
class ContainerStopped:
    """Own task: preStop, signal and grace are over and the container's end was seen or forced."""

    container: ContainerId


@attrs.frozen
class PodEnded:
    """Own task: every container has ended and the pod's world is gone."""


PodMessage = (
    ContainerEnded
    | SandboxFound
    | SandboxCreated
    | SandboxFailed
    | ContainerStarted
    | ContainerFailed
    | HookEnded
    | ProbeVerdict
    | ContainerStopped
    | PodEnded
    | Describe
)
