"""Ending a pod: containers together, then sidecars in the reverse of their order, then the sandbox."""

from __future__ import annotations

from collections.abc import Sequence

from kube_actors.api.views.containers import Container
from kube_actors.api.views.pods import PodSpec
from kube_actors.plan.observed import Ending, PodState, SandboxState
from kube_actors.plan.pod_lifecycle.plan import PodAction, PodPlan, RemoveSandbox, StopContainer
from kube_actors.plan.pod_lifecycle.restarts import finished

# A sidecar gets at least this long after the containers before it have ended, as in the kubelet.
LEAST_SIDECAR_GRACE = 2.0

OVERDUE_REASON = "DeadlineExceeded"
OVERDUE_MESSAGE = "Pod was active on the node longer than the specified deadline"


def active_deadline(spec: PodSpec, started_at: float) -> float | None:
    """When `activeDeadlineSeconds` are over; None without them."""
    return None if spec.active_deadline_seconds is None else started_at + spec.active_deadline_seconds


def ending_of(spec: PodSpec, state: PodState, now: float) -> Ending | None:
    """Why the pod is to end, if it is: told so, overdue, or done by itself."""
    if state.ending is not None:
        return state.ending
    deadline = active_deadline(spec, state.started_at)
    if deadline is not None and now >= deadline and not _all_finished(spec, state):
        return Ending(deadline, spec.termination_grace_period_seconds, OVERDUE_REASON, OVERDUE_MESSAGE)
    done_at = done_since(spec, state)
    return None if done_at is None else Ending(done_at, spec.termination_grace_period_seconds)


def done_since(spec: PodSpec, state: PodState) -> float | None:
    """When the pod's work was over by itself: all containers ended for good, or initialization failed for good."""
    for container in spec.init_containers:
        one = state.observed.get(container.name)
        if one and one.exit and not container.sidecar and one.exit.exit_code != 0 and finished(spec, container, one):
            return one.exit.finished_at
    if _all_finished(spec, state):
        exits = [state.observed[container.name].exit for container in spec.containers]
        return max(exit.finished_at for exit in exits if exit)
    if _lost_for_good(spec, state):
        return max((one.exit.finished_at for one in state.observed.values() if one.exit), default=state.started_at)
    return None


def _all_finished(spec: PodSpec, state: PodState) -> bool:
    return all(finished(spec, container, state.observed.get(container.name)) for container in spec.containers)


def _lost_for_good(spec: PodSpec, state: PodState) -> bool:
    """A pod that never restarts gets no second sandbox once anything of it has run."""
    gone = state.sandbox.state is SandboxState.ABSENT and state.sandbox.attempt > 0
    return gone and spec.restart_policy == "Never" and bool(state.observed)


def plan_end(spec: PodSpec, state: PodState, ending: Ending) -> PodPlan:
    """The next step of ending a pod. A shorter grace than ordered before is passed on to what still runs."""
    kill_at = ending.since + ending.grace_seconds
    everything = (*spec.init_containers, *spec.containers, *spec.debug_containers)
    plain = [one for one in everything if not _is_sidecar(spec, one)]
    actions = _stops(plain, state, kill_at)
    if _any_alive(plain, state):
        return PodPlan(actions, ending=ending)
    for sidecar in reversed([one for one in spec.init_containers if one.sidecar]):
        one = state.observed.get(sidecar.name)
        if one is not None and one.alive:
            return PodPlan(_stops((sidecar,), state, _sidecar_kill_at(state, ending)), ending=ending)
    if state.sandbox.state in (SandboxState.READY, SandboxState.CREATING):
        return PodPlan((RemoveSandbox(),), ending=ending)
    return PodPlan(ended=state.sandbox.state is SandboxState.ABSENT, ending=ending)


def _sidecar_kill_at(state: PodState, ending: Ending) -> float:
    """When a sidecar whose turn has come is killed: with the others' grace, but never within two seconds of its turn.

    Its turn came when the last of the others ended. A pod that is to go at once waits for nobody.
    """
    turn = max((one.exit.finished_at for one in state.observed.values() if one.exit), default=ending.since)
    kill_at = ending.since + ending.grace_seconds
    return kill_at if ending.grace_seconds == 0 else max(kill_at, turn + LEAST_SIDECAR_GRACE)


def _is_sidecar(spec: PodSpec, container: Container) -> bool:
    return container.sidecar and container in spec.init_containers


def _any_alive(containers: list[Container], state: PodState) -> bool:
    found = (state.observed.get(container.name) for container in containers)
    return any(one is not None and one.alive for one in found)


def _stops(containers: Sequence[Container], state: PodState, kill_at: float) -> tuple[PodAction, ...]:
    stops: list[PodAction] = []
    for container in containers:
        one = state.observed.get(container.name)
        if one is not None and one.alive and (one.stop is None or one.stop.kill_at > kill_at):
            text = f"Stopping container {one.name}"
            stops.append(StopContainer(one.name, one.attempt, kill_at, "Killing", text))
    return tuple(stops)
