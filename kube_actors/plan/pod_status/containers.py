"""Container statuses: the state, the one before it, and the words for waiting."""

from __future__ import annotations

from typing import Any

import attrs

from kube_actors.api.views.containers import Container
from kube_actors.api.views.pods import (
    ContainerState,
    ContainerStateRunning,
    ContainerStateTerminated,
    ContainerStateWaiting,
    ContainerStatus,
    PodView,
    VolumeMountStatus,
)
from kube_actors.plan.backoff import FIRST_DELAY, duration_text, restart_at
from kube_actors.plan.container_user import User
from kube_actors.plan.observed import Exit, Observed, PodState, Stage, has_started, is_ready
from kube_actors.plan.pod_lifecycle import will_restart

STATUSES = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")


def user_body(user: User) -> dict[str, Any]:
    """A container's `user`, as its status shows it."""
    return {"linux": {"uid": user.uid, "gid": user.gid, "supplementalGroups": list(user.groups)}}


def container_status(pod: PodView, container: Container, state: PodState, now: float, *, init: bool) -> ContainerStatus:
    """The status of one container."""
    one = state.observed.get(container.name)
    if one is None:
        waiting = ContainerState(waiting=_first_wait(pod, state))
        mounts = _mounts(container)
        return ContainerStatus(container.name, waiting, image=container.image, started=False, volume_mounts=mounts)
    shown, last = _states(pod, container, one, state, now, init=init)
    started = shown.running is not None and has_started(container, one)
    done = shown.terminated is not None and shown.terminated.exit_code == 0
    ready = done if init and not container.sidecar else started and is_ready(container, one)
    return ContainerStatus(
        name=container.name,
        state=shown,
        last_state=last,
        ready=ready,
        restart_count=one.attempt,
        image=one.image or container.image,
        image_id=one.image_id,
        container_id=one.container_id or (one.exit.container_id if one.exit else ""),
        started=started,
        resources=one.resources if shown.running is not None else None,
        allocated_resources=one.resources.requests if one.resources is not None else {},
        volume_mounts=_mounts(container),
    )


def debug_status(pod: PodView, container: Container, state: PodState, now: float) -> ContainerStatus:
    """The status of an ephemeral container: nothing waits for it, so it is never ready nor said to have started."""
    status = container_status(pod, container, state, now, init=False)
    return attrs.evolve(status, ready=False, started=None)


def _mounts(container: Container) -> tuple[VolumeMountStatus, ...]:
    """The container's mounts; of a read-only one only the mount itself is, not what lies mounted below it."""
    return tuple(
        VolumeMountStatus(one.name, one.mount_path, one.read_only, "Disabled" if one.read_only else "")
        for one in container.volume_mounts
    )


def _first_wait(pod: PodView, state: PodState) -> ContainerStateWaiting:
    """Why a container that was never tried waits: for init containers where there are any, else for its making."""
    return ContainerStateWaiting("PodInitializing" if pod.spec.init_containers else "ContainerCreating")


def _states(
    pod: PodView, container: Container, one: Observed, state: PodState, now: float, *, init: bool
) -> tuple[ContainerState, ContainerState]:
    """The state and last state of a container that was tried at least once.

    Like the kubelet, it is said to run when its postStart has ended; of a pod that ends, whatever runs is said to.
    """
    last = ContainerState(terminated=terminated(one.last_exit)) if one.last_exit else ContainerState()
    match one.stage:
        case Stage.RUNNING if one.in_hook and state.ending is None:
            return ContainerState(waiting=_first_wait(pod, state)), last
        case Stage.RUNNING:
            return ContainerState(running=ContainerStateRunning(one.started_at)), last
        case Stage.STARTING | Stage.FAILED:
            waiting = _failure_wait(container, one) if one.failure else _first_wait(pod, state)
            return ContainerState(waiting=waiting), last
        case Stage.EXITED:
            assert one.exit is not None
            ended = ContainerState(terminated=terminated(one.exit))
            waiting_again = None if state.ending else _restart_wait(pod, container, one, now, init=init)
            return (ended, last) if waiting_again is None else (ContainerState(waiting=waiting_again), ended)


def terminated(exit: Exit) -> ContainerStateTerminated:
    """An end as status shows it; without a reason of its own it is Completed or Error.

    A signal stands in the exit code alone, as kubelets have it: 137 is 128 and SIGKILL's 9.
    """
    reason = exit.reason or ("Completed" if exit.exit_code == 0 else "Error")
    return ContainerStateTerminated(
        exit_code=exit.exit_code,
        reason=reason,
        message=exit.message,
        started_at=exit.started_at,
        finished_at=exit.finished_at,
        container_id=exit.container_id,
    )


def _failure_wait(container: Container, one: Observed) -> ContainerStateWaiting:
    """Why it could not be started; an image that could not be had twice is shown as the wait for the next attempt."""
    assert one.failure is not None
    reason, message = one.failure.reason, one.failure.message
    repeated = one.failure_backoff is not None and one.failure_backoff.delay > FIRST_DELAY
    if reason == "ErrImagePull" and repeated:
        text = f'Back-off pulling image "{container.image}": {reason}: {message}'
        return ContainerStateWaiting("ImagePullBackOff", text)
    return ContainerStateWaiting(reason, message)


def _restart_wait(
    pod: PodView, container: Container, one: Observed, now: float, *, init: bool
) -> ContainerStateWaiting | None:
    """Why a container that ended waits before it runs again; None when it does not run again, or runs at once."""
    assert one.exit is not None
    if init and not container.sidecar and one.exit.exit_code == 0:
        return None
    if not will_restart(pod.spec, container, one):
        return None
    if now < restart_at(one.backoff, one.exit.finished_at) and one.backoff is not None:
        delay = duration_text(one.backoff.delay)
        name = f"{pod.metadata.name}_{pod.metadata.namespace}({pod.metadata.uid})"
        message = f"back-off {delay} restarting failed container={container.name} pod={name}"
        return ContainerStateWaiting("CrashLoopBackOff", message)
    if one.exit.reason == "StartError":
        return ContainerStateWaiting("RunContainerError", one.exit.message)
    return None


def statuses(
    pod: PodView, state: PodState, now: float
) -> tuple[tuple[ContainerStatus, ...], tuple[ContainerStatus, ...]]:
    """Of the init containers and of the containers, in the order of the spec."""
    init = tuple(container_status(pod, one, state, now, init=True) for one in pod.spec.init_containers)
    regular = tuple(container_status(pod, one, state, now, init=False) for one in pod.spec.containers)
    return init, regular
