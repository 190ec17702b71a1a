"""Running a pod: init containers in order, sidecars beside them, then the containers; restarts, and stops for them."""

from __future__ import annotations

from kube_actors.api.views.containers import Container
from kube_actors.api.views.pods import PodSpec
from kube_actors.plan.backoff import after_restart, restart_at
from kube_actors.plan.observed import Hook, Observed, PodState, Stage, has_started, is_redefined
from kube_actors.plan.pod_lifecycle.plan import PodAction, PodPlan, RestartAll, StartContainer, StopContainer
from kube_actors.plan.pod_lifecycle.resizing import plan_resizes
from kube_actors.plan.pod_lifecycle.restarts import restart_policy, restarts_all, will_restart
from kube_actors.plan.probes import Verdict, termination_grace
from kube_actors.records import frozen


def plan_running(spec: PodSpec, state: PodState, now: float) -> PodPlan:
    """The next step in a pod whose sandbox is ready: stop what has to be, then start one container.

    Like the kubelet, containers are started one at a time, in order, each only when the postStart of the one before has
    ended; a container that waits for its backoff does not hold up the others.
    """
    if restarts_all(spec, state):
        return _restart_all(spec, state, now)
    resizes, retry_at = plan_resizes(spec, state, now)
    stops = (*_stops(spec, state, now), *resizes)
    if any(one.busy and one.current for one in state.observed.values()):
        return PodPlan(stops, retry_at)
    starts = [_start(spec, one, state, now) for one in _wanted(spec, state)]
    ready = [one for one in starts if isinstance(one, StartContainer)]
    waits = [one for one in (*starts, retry_at) if isinstance(one, float)]
    return PodPlan((*stops, *ready[:1]), min(waits, default=None))


def _restart_all(spec: PodSpec, state: PodState, now: float) -> PodPlan:
    """End whatever runs, without hook or grace as the kubelet does; then everything begins anew."""
    stops: list[PodAction] = []
    alive = False
    for container in (*spec.init_containers, *spec.containers, *spec.debug_containers):
        one = state.observed.get(container.name)
        if one is None or not one.alive:
            continue
        alive = True
        if one.stop is None or one.stop.kill_at > now:
            text, again = f"Stopping container {one.name}", container not in spec.debug_containers
            stops.append(StopContainer(one.name, one.attempt, now, "Killing", text, again))
    return PodPlan(tuple(stops)) if alive else PodPlan((RestartAll(),), wake_at=now)


def initialized(spec: PodSpec, state: PodState) -> bool:
    """Whether the containers may start (or have): every init container has done its part in this sandbox."""
    if any(_present(container, state) for container in spec.containers):
        return True
    return all(_passed(container, _present(container, state)) for container in spec.init_containers)


def _wanted(spec: PodSpec, state: PodState) -> list[Container]:
    """The containers that should run but do not, in the order to start them. People who look for what is wrong wait
    for nothing: ephemeral containers come first, while the pod initializes too."""
    wanted = [one for one in spec.debug_containers if _should_run(spec, one, state.observed.get(one.name))]
    if not initialized(spec, state):
        later_began = _began_later(spec.init_containers, state)
        for container, overtaken in zip(spec.init_containers, later_began, strict=True):
            one = _present(container, state)
            if _startable(container, one):
                wanted.append(container)
            if not overtaken and not _passed(container, one):
                break
        return wanted
    wanted.extend(one for one in spec.init_containers if one.sidecar and _startable(one, _present(one, state)))
    wanted.extend(one for one in spec.containers if _should_run(spec, one, state.observed.get(one.name)))
    return wanted


def _began_later(containers: tuple[Container, ...], state: PodState) -> list[bool]:
    """For each init container, whether a later one has begun: a sidecar that crashes no longer holds up the rest."""
    began = [_present(container, state) is not None for container in containers]
    return [any(began[index + 1 :]) for index in range(len(began))]


def _present(container: Container, state: PodState) -> Observed | None:
    """What is known of a container in the sandbox that stands now."""
    one = state.observed.get(container.name)
    return one if one is not None and one.current else None


def _passed(container: Container, one: Observed | None) -> bool:
    """Whether an init container lets the next one start: ended well, or (sidecar) started."""
    if container.sidecar:
        return has_started(container, one)
    return one is not None and one.exit is not None and one.stage is Stage.EXITED and one.exit.exit_code == 0


def _startable(container: Container, one: Observed | None) -> bool:
    """Whether an init container should be started: never begun here, or ended before its part was done."""
    return one is None or (not one.alive and not _passed(container, one))


def _should_run(spec: PodSpec, container: Container, one: Observed | None) -> bool:
    """Whether a container of the pod should be started: never tried, failed to start, or to be restarted."""
    if one is None or one.stage is Stage.FAILED:
        return True
    return one.stage is Stage.EXITED and will_restart(spec, container, one)


def _start(spec: PodSpec, container: Container, state: PodState, now: float) -> StartContainer | float:
    """The start of a container, or the time its backoff is over."""
    one = state.observed.get(container.name)
    if one is None:
        return StartContainer(container.name, 0)
    if one.stage is Stage.FAILED:
        due = one.retry_at or now
        return StartContainer(one.name, one.attempt, one.backoff) if now >= due else due
    finished_at = one.exit.finished_at if one.exit else now
    backoff = None if is_redefined(container, one) else one.backoff
    due = restart_at(backoff, finished_at)
    if now < due:
        return due
    return StartContainer(one.name, one.attempt + 1, after_restart(backoff, finished_at, now))


@frozen
class _Complaint:
    """Why a running container is to be stopped."""

    reason: str
    message: str
    grace_seconds: int
    restart: bool


def _stops(spec: PodSpec, state: PodState, now: float) -> tuple[PodAction, ...]:
    stops: list[PodAction] = []
    for container in (*spec.init_containers, *spec.containers):
        one = _present(container, state)
        if one is None or one.stage is not Stage.RUNNING or one.stop is not None:
            continue
        why = _complaint(spec, container, one)
        if why is not None:
            kill_at = now + why.grace_seconds
            stops.append(StopContainer(one.name, one.attempt, kill_at, why.reason, why.message, why.restart))
    return tuple(stops)


def _complaint(spec: PodSpec, container: Container, one: Observed) -> _Complaint | None:
    grace = spec.termination_grace_period_seconds
    if is_redefined(container, one) and (container.sidecar or container not in spec.init_containers):
        message = f"Container {one.name} definition changed, will be restarted"
        return _Complaint("Killing", message, grace, True)
    if one.hook is Hook.FAILED:
        return _Complaint("Killing", "FailedPostStartHook", grace, False)
    if container.startup_probe is not None and one.startup is Verdict.FAILURE:
        probe, word = container.startup_probe, "startup"
    elif container.liveness_probe is not None and one.liveness is Verdict.FAILURE:
        probe, word = container.liveness_probe, "liveness"
    else:
        return None
    restart = restart_policy(spec, container) != "Never"
    message = f"Container {one.name} failed {word} probe" + (", will be restarted" if restart else "")
    return _Complaint("Killing", message, termination_grace(probe, grace), restart)
