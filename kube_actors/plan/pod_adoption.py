"""Taking over a pod that may run already: from what the runtime found and what the status last said. Pure.

A container that runs on keeps its attempt, its start and what its probes last said, so that adopting it neither counts
a restart nor makes it unready.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from kube_actors.api.views.pods import ContainerStateTerminated, ContainerStatus, PodView
from kube_actors.plan.container_user import User
from kube_actors.plan.observed import Ending, Exit, Hook, Observed, PodState, Sandbox, SandboxState, Stage
from kube_actors.plan.probes import Verdict
from kube_actors.records import frozen


@frozen
class FoundAttempt:
    """An attempt the runtime has: running (`exit` None) or ended."""

    name: str
    attempt: int
    started_at: float
    container_id: str
    exit: Exit | None = None
    user: User | None = None


def adopt(pod: PodView, found: Sequence[FoundAttempt] | None, address: str, host_ip: str, now: float) -> PodState:
    """The state to go on from. `found` None: the runtime has nothing of the pod."""
    status = pod.status
    told = (*status.init_container_statuses, *status.container_statuses, *status.ephemeral_container_statuses)
    statuses = {one.name: one for one in told}
    started_at = now if status.start_time is None else status.start_time
    if found is None:
        observed = _remembered(statuses, now)
        sandbox = Sandbox(SandboxState.ABSENT, attempt=1 if observed else 0)
        over = status.phase in ("Succeeded", "Failed")  # also before it began: a pod the node had rejected
        ending = Ending(started_at, 0, status.reason, status.message) if over else None
        return PodState(started_at, sandbox, observed, ending, host_ip)
    latest: dict[str, FoundAttempt] = {}
    for one in found:
        if one.name not in latest or one.attempt > latest[one.name].attempt:
            latest[one.name] = one
    observed = _remembered({name: one for name, one in statuses.items() if name not in latest}, now)
    observed |= {name: _adopted(one, statuses.get(name)).within(pod.spec.resources) for name, one in latest.items()}
    return PodState(started_at, Sandbox(SandboxState.READY, 1, address), observed, host_ip=host_ip)


def _adopted(found: FoundAttempt, status: ContainerStatus | None) -> Observed:
    ready = status is not None and status.ready
    started = status is not None and bool(status.started)
    running = Observed(
        found.name,
        found.attempt,
        Stage.RUNNING,
        container_id=found.container_id,
        image=status.image if status is not None else "",
        image_id=status.image_id if status is not None else "",
        started_at=found.started_at,
        hook=Hook.DONE,
        startup=Verdict.SUCCESS if started else Verdict.UNKNOWN,
        readiness=Verdict.SUCCESS if ready else Verdict.FAILURE,
        last_exit=_exit_of(status.last_state.terminated) if status is not None else None,
        resources=status.resources if status is not None else None,
        user=found.user,
    )
    return running if found.exit is None else running.exited(found.exit)


def _remembered(statuses: Mapping[str, ContainerStatus], now: float) -> dict[str, Observed]:
    """Containers that are only known by their status: those that ran have ended unseen with their sandbox."""
    observed = {}
    for name, status in statuses.items():
        before = Observed(
            name,
            status.restart_count,
            container_id=status.container_id,
            image=status.image,
            image_id=status.image_id,
            last_exit=_exit_of(status.last_state.terminated),
        )
        if status.state.terminated is not None:
            ended = _exit_of(status.state.terminated)
            if ended is not None:
                observed[name] = attrs.evolve(before, started_at=ended.started_at, current=False).exited(ended)
        elif status.state.running is not None:
            started_at = status.state.running.started_at
            observed[name] = attrs.evolve(before, stage=Stage.RUNNING, started_at=started_at).sandbox_gone(now)
        elif before.last_exit is not None:
            # Waiting to be restarted: the attempt before had ended, and its number is the restart count.
            ended_before = attrs.evolve(before, last_exit=None, current=False)
            observed[name] = ended_before.exited(before.last_exit)
    return observed


def _exit_of(state: ContainerStateTerminated | None) -> Exit | None:
    if state is None:
        return None
    return Exit(
        exit_code=state.exit_code,
        finished_at=state.finished_at or 0.0,
        started_at=state.started_at,
        reason=state.reason,
        message=state.message,
        container_id=state.container_id,
    )
