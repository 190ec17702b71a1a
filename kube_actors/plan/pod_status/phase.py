"""A pod's phase, from its container statuses."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from kube_actors.api.views.containers import Container
from kube_actors.api.views.pods import ContainerStatus, PodSpec
from kube_actors.plan.pod_lifecycle.restarts import restart_policy

PENDING = "Pending"
RUNNING = "Running"
SUCCEEDED = "Succeeded"
FAILED = "Failed"


def pod_phase(
    spec: PodSpec, init: Sequence[ContainerStatus], regular: Sequence[ContainerStatus], again: Collection[str] | None
) -> str:
    """Pending, Running, Succeeded or Failed.

    `again` names the containers that do not run and will be started again, as their policies and rules say; None says
    that nothing will (the pod is deleted, evicted, overdue).
    """
    plain = [one for container, one in zip(spec.init_containers, init, strict=True) if not container.sidecar]
    sidecars = [one for container, one in zip(spec.init_containers, init, strict=True) if container.sidecar]
    for container, one in zip(spec.init_containers, init, strict=True):
        stays = restart_policy(spec, container) == "Never" if again is None else container.name not in again
        if not container.sidecar and _failed(one) and stays:
            return FAILED
    begun = any(_begun(one) for one in regular)
    if any(_pending(one) for one in plain) or (not begun and any(_sidecar_pending(one) for one in sidecars)):
        return PENDING
    stopped = [one for one in regular if _stopped(one)]
    running = sum(1 for one in (*sidecars, *regular) if one.state.running is not None)
    if any(one.state.waiting is not None and not _stopped(one) for one in regular):
        return PENDING
    if running:
        return RUNNING
    if not stopped:
        return PENDING
    # All containers have ended: for good, or in the middle of a restart.
    if again and any(one.name in again for one in (*init, *regular)):
        return RUNNING
    return SUCCEEDED if all(map(_succeeded, stopped)) else FAILED


def initialized(spec: PodSpec, init: Sequence[ContainerStatus], regular: Sequence[ContainerStatus]) -> bool:
    """Whether initialization is over, or was before (a sidecar that restarts does not undo it)."""
    return any(_begun(one) for one in regular) or all(map(_init_done, spec.init_containers, init))


def _init_done(container: Container, status: ContainerStatus) -> bool:
    return bool(status.started) if container.sidecar else status.ready


def _succeeded(status: ContainerStatus) -> bool:
    return status.state.terminated is not None and status.state.terminated.exit_code == 0


def _stopped(status: ContainerStatus) -> bool:
    """Ended, or waiting to run again."""
    waits_again = status.state.waiting is not None and status.last_state.terminated is not None
    return status.state.terminated is not None or waits_again


def _begun(status: ContainerStatus) -> bool:
    return status.state.running is not None or _stopped(status)


def _failed(status: ContainerStatus) -> bool:
    ended = status.state.terminated or (status.last_state.terminated if status.state.waiting else None)
    return ended is not None and ended.exit_code != 0


def _pending(status: ContainerStatus) -> bool:
    """Whether a plain init container still has to do its part."""
    return status.state.terminated is None and not (status.state.waiting and status.last_state.terminated)


def _sidecar_pending(status: ContainerStatus) -> bool:
    if status.state.running is not None:
        return not status.started
    return status.state.waiting is not None and status.last_state.terminated is None
