"""What a pod's Events say, in the kubelet's words. Pure."""

from __future__ import annotations

from typing import NamedTuple

from kube_actors.messages.pod import ContainerResized
from kube_actors.node.runtime.handlers import ProbeOutcome, ProbeResult
from kube_actors.plan.probes import ProbeKind


class Words(NamedTuple):
    """One Event about a container."""

    type: str
    reason: str
    message: str


def start_success(image: str) -> tuple[Words, ...]:
    """A container runs."""
    return (
        Words(
            "Normal", "Pulled", f'Container image "{image}" already present on machine and can be accessed by the pod'
        ),
        Words("Normal", "Created", "Container created"),
        Words("Normal", "Started", "Container started"),
    )


def start_failure(image: str, reason: str, text: str, *, again: bool) -> tuple[Words, ...]:
    """A container could not be started: first what went wrong, then that it keeps the container from starting.

    `again`: it was not the first time in a row, and the next try waits.
    """
    match reason:
        case "ErrImagePull":
            begin = f'Failed to pull image "{image}": '
            cause = text.removeprefix(f'failed to pull image "{image}": ')
            pull = (
                Words("Normal", "Pulling", f'Pulling image "{image}"'),
                Words("Warning", "Failed", begin + cause),
                Words("Warning", "Failed", "Error: ErrImagePull"),
            )
            wait = Words("Normal", "BackOff", f'Back-off pulling image "{image}"')
            return (*pull, wait, Words("Warning", "Failed", "Error: ImagePullBackOff")) if again else pull
        case "ErrImageNeverPull":
            return Words("Warning", reason, text), Words("Warning", "Failed", f"Error: {reason}")
        case "InvalidImageName":
            return Words("Warning", "InspectFailed", text), Words("Warning", "Failed", f"Error: {reason}")
        case _:
            return (Words("Warning", "Failed", f"Error: {text}"),)


def probe_words(kind: ProbeKind, result: ProbeResult) -> Words | None:
    """What a probe's result has to be told of; nothing where all is well."""
    probe = f"{kind.value.capitalize()} probe"
    match result.outcome:
        case ProbeOutcome.SUCCESS:
            return None
        case ProbeOutcome.WARNING:
            return Words("Warning", "ProbeWarning", f"{probe} warning: {result.message}")
        case ProbeOutcome.FAILURE:
            return Words("Warning", "Unhealthy", f"{probe} failed: {result.message}")
        case ProbeOutcome.UNKNOWN:
            unknown = "errored and resulted in unknown state"
            return Words("Warning", "Unhealthy", f"{probe} {unknown}: {result.message}")


RESIZE_RESTARTS = "Container {} resize requires restart"


def resize_words(fact: ContainerResized) -> tuple[Words, ...]:
    """How a change of resources went. One that needs a new start is told when the container is stopped for it."""
    if fact.reason:
        return (Words("Warning", f"Resize{fact.reason}", f"Pod resize {fact.reason}: {fact.message}"),)
    if fact.restart:
        return ()
    return (Words("Normal", "ResizeCompleted", f"Pod resize completed: container {fact.container.name}"),)
