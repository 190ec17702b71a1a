"""A pod's conditions as the kubelet writes them, in its words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kube_actors.api.views.pods import ContainerStatus, PodCondition, PodSpec, PodStatus, PodView
from kube_actors.plan.observed import DEFERRED, INFEASIBLE, PodState, SandboxState, Stage
from kube_actors.plan.pod_lifecycle.restarts import RESTART_ALL, restarts_all
from kube_actors.plan.pod_status.phase import FAILED, SUCCEEDED
from kube_actors.records import frozen

READY_TO_START = "PodReadyToStartContainers"
INITIALIZED = "Initialized"
READY = "Ready"
CONTAINERS_READY = "ContainersReady"
SCHEDULED = "PodScheduled"

RESIZE_PENDING = "PodResizePending"
RESIZE_IN_PROGRESS = "PodResizeInProgress"

ALL_RESTARTING = "AllContainersRestarting"

_SOMETIMES = (RESIZE_PENDING, RESIZE_IN_PROGRESS, ALL_RESTARTING)
_OWN = (READY_TO_START, INITIALIZED, READY, CONTAINERS_READY, SCHEDULED)


@frozen
class Found:
    """What a condition is now, before it is compared with what it was."""

    holds: bool
    reason: str = ""
    message: str = ""


def pod_conditions(pod: PodView, state: PodState, status: PodStatus, now: float) -> tuple[PodCondition, ...]:
    """All conditions of the pod: the node's own, then those others have set.

    A transition time moves only when the status changes.
    """
    containers_ready = _containers_ready(pod.spec, status)
    found = {
        READY_TO_START: Found(state.sandbox.state is SandboxState.READY),
        INITIALIZED: _initialized(pod.spec, status),
        READY: _ready(pod, containers_ready),
        CONTAINERS_READY: containers_ready,
        SCHEDULED: Found(True),
    }
    own = [_settled(pod, kind, found[kind], now) for kind in _OWN]
    sometimes = _resizing(state) | _restarting(pod.spec, state, status)
    own += [_settled(pod, kind, sometimes[kind], now) for kind in _SOMETIMES if kind in sometimes]
    others = (one for one in pod.status.conditions if one.type not in (*_OWN, *_SOMETIMES))
    return (*own, *others)


def _resizing(state: PodState) -> dict[str, Found]:
    """Changes of resources that have to wait, cannot be made, or are being made; nothing once they are."""
    found: dict[str, Found] = {}
    for one in state.observed.values():
        if one.resize is not None and one.stage is Stage.RUNNING:
            waits = one.resize.reason in (INFEASIBLE, DEFERRED)
            kind = RESIZE_PENDING if waits else RESIZE_IN_PROGRESS
            found[kind] = Found(True, one.resize.reason, one.resize.message)
    return found


def _restarting(spec: PodSpec, state: PodState, status: PodStatus) -> dict[str, Found]:
    """Whether all containers are being ended in order to begin anew; told of pods in which that can happen."""
    rules = (rule for one in (*spec.init_containers, *spec.containers) for rule in one.restart_policy_rules)
    if all(rule.action != RESTART_ALL for rule in rules):
        return {}
    if status.phase in (SUCCEEDED, FAILED):
        return {ALL_RESTARTING: Found(False, "PodCompleted" if status.phase == SUCCEEDED else "PodFailed")}
    if state.ending is not None or not restarts_all(spec, state):
        return {ALL_RESTARTING: Found(False)}
    return {ALL_RESTARTING: Found(True, "RestartAllContainersStarted", "container exited with restart policy rule")}


def _settled(pod: PodView, kind: str, found: Found, now: float) -> PodCondition:
    status, before = "True" if found.holds else "False", pod.status.condition(kind)
    since = before.last_transition_time if before is not None and before.status == status else now
    return PodCondition(kind, status, pod.metadata.generation, found.reason, found.message, last_transition_time=since)


def _initialized(spec: PodSpec, status: PodStatus) -> Found:
    if status.phase == SUCCEEDED:
        return Found(True, "PodCompleted")
    if any(_has_run(one) for one in status.container_statuses):
        return Found(True)
    incomplete = [one.name for one in _init_in_progress(spec, status.init_container_statuses)]
    if incomplete:
        return Found(False, "ContainersNotInitialized", f"containers with incomplete status: {_listed(incomplete)}")
    return Found(True)


def _init_in_progress(spec: PodSpec, statuses: Sequence[ContainerStatus]) -> Iterable[ContainerStatus]:
    for container, one in zip(spec.init_containers, statuses, strict=True):
        if not (one.started if container.sidecar else one.ready):
            yield one


def _containers_ready(spec: PodSpec, status: PodStatus) -> Found:
    if status.phase == SUCCEEDED:
        return Found(False, "PodCompleted")
    if status.phase == FAILED:
        return Found(False, "PodFailed")
    paired = zip(spec.init_containers, status.init_container_statuses, strict=True)
    counted = [one for container, one in paired if container.sidecar]
    unready = [one.name for one in (*counted, *status.container_statuses) if not one.ready]
    if unready:
        return Found(False, "ContainersNotReady", f"containers with unready status: {_listed(unready)}")
    return Found(True)


def _ready(pod: PodView, containers_ready: Found) -> Found:
    """Ready when the containers are and every readiness gate is open."""
    if not containers_ready.holds:
        return containers_ready
    closed = []
    for gate in pod.spec.readiness_gates:
        condition = pod.status.condition(gate.condition_type)
        if condition is None:
            closed.append(f'corresponding condition of pod readiness gate "{gate.condition_type}" does not exist.')
        elif condition.status != "True":
            closed.append(
                f'the status of pod readiness gate "{gate.condition_type}" is not "True", but {condition.status}'
            )
    return Found(False, "ReadinessGatesNotReady", ", ".join(closed)) if closed else Found(True)


def _has_run(status: ContainerStatus) -> bool:
    ended = status.state.terminated is not None or status.last_state.terminated is not None
    return status.state.running is not None or ended


def _listed(names: Iterable[str]) -> str:
    return f"[{' '.join(names)}]"
