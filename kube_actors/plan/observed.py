"""What a node knows of a pod it runs: its sandbox, the latest attempt at each container, and whether it is to end.

`Observed` moves only through its methods, one for each thing that can happen, so that the actor reports facts and the
plans read them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum

import attrs

from kube_actors.api.views.containers import Container, ResourceRequirements
from kube_actors.api.views.pods import PodResources, PodSpec
from kube_actors.plan.backoff import Backoff, after_failure, retry_at
from kube_actors.plan.container_user import User
from kube_actors.plan.probes import ProbeKind, Verdict
from kube_actors.records import frozen


class Stage(Enum):
    """How far the latest attempt at a container got."""

    STARTING = "starting"
    RUNNING = "running"
    EXITED = "exited"
    FAILED = "failed"


class Hook(Enum):
    """How far postStart got."""

    NONE = "none"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@frozen
class Exit:
    """How an attempt ended. Times are epoch seconds; `reason` is Completed, Error, OOMKilled, StartError, …"""

    exit_code: int
    finished_at: float
    started_at: float | None = None
    reason: str = ""
    message: str = ""
    container_id: str = ""


@frozen
class StartFailure:
    """Why an attempt never ran: `reason` is the waiting reason Kubernetes shows."""

    reason: str
    message: str
    at: float


@frozen
class Stop:
    """An ordered stop: killed at `kill_at`; with `restart` it is to run again whatever its exit code."""

    kill_at: float
    restart: bool = False


RESTARTING_ALL = "RestartingAllContainers"
REMOVED = "The container is removed because RestartAllContainers in place"
RESTART_ALL_PAUSE = 1.0
"""Seconds until containers that were ended together begin anew: a kubelet takes about as long, and needs no backoff."""

INFEASIBLE = "Infeasible"
DEFERRED = "Deferred"
RESIZE_ERROR = "Error"


@frozen
class Resize:
    """A change of resources under way, or (`reason` Infeasible, Deferred or Error) one that could not be made.

    `wanted` are the container's, `whole` those of its pod as a whole.
    """

    wanted: ResourceRequirements
    at: float
    reason: str = ""
    message: str = ""
    whole: PodResources | None = None


@frozen
class Observed:
    """The latest attempt at one container.

    `current` is False when it belonged to a sandbox that is gone; `last_exit` is the end of the attempt before.
    `backoff` grows from attempt to attempt, `failure_backoff` while it cannot even be started. `container_id` is as
    status shows it (`process://…`). `resources` and `user` are those it runs with; None where that is not known.
    `whole` are the resources of its pod as a whole that it runs within; None where the pod has none.
    """

    name: str
    attempt: int = 0
    stage: Stage = Stage.STARTING
    container_id: str = ""
    image: str = ""
    image_id: str = ""
    started_at: float | None = None
    hook: Hook = Hook.NONE
    startup: Verdict = Verdict.UNKNOWN
    liveness: Verdict = Verdict.SUCCESS
    readiness: Verdict = Verdict.FAILURE
    exit: Exit | None = None
    last_exit: Exit | None = None
    failure: StartFailure | None = None
    backoff: Backoff | None = None
    failure_backoff: Backoff | None = None
    stop: Stop | None = None
    resources: ResourceRequirements | None = None
    resize: Resize | None = None
    whole: PodResources | None = None
    user: User | None = None
    current: bool = True

    @property
    def alive(self) -> bool:
        """Whether it runs or is about to."""
        return self.stage in (Stage.STARTING, Stage.RUNNING)

    @property
    def busy(self) -> bool:
        """Whether it is in the middle of its start: the kubelet starts no other container meanwhile."""
        return self.stage is Stage.STARTING or (self.stage is Stage.RUNNING and self.hook is Hook.RUNNING)

    @property
    def in_hook(self) -> bool:
        """Whether its program runs and its postStart has not ended well: to Kubernetes it does not run yet."""
        return self.stage is Stage.RUNNING and self.hook in (Hook.RUNNING, Hook.FAILED)

    @property
    def retry_at(self) -> float | None:
        """When to try again to start it after a failure to; None when there was none."""
        return retry_at(self.failure_backoff) if self.stage is Stage.FAILED and self.failure_backoff else None

    def starting(
        self,
        attempt: int,
        backoff: Backoff | None,
        resources: ResourceRequirements | None = None,
        whole: PodResources | None = None,
    ) -> Observed:
        """A new attempt begins with these resources (perform `StartContainer`)."""
        last_exit = self.exit or self.last_exit
        fresh = Observed(self.name, attempt, last_exit=last_exit, backoff=backoff, resources=resources, whole=whole)
        if self.stage is not Stage.FAILED:
            return fresh
        return attrs.evolve(fresh, failure=self.failure, failure_backoff=self.failure_backoff)

    def running(
        self, started_at: float, *, container_id: str = "", image: str = "", image_id: str = "", hook: bool = False
    ) -> Observed:
        """The program runs; with `hook` its postStart has begun."""
        return attrs.evolve(
            self,
            stage=Stage.RUNNING,
            started_at=started_at,
            container_id=container_id,
            image=image,
            image_id=image_id,
            hook=Hook.RUNNING if hook else Hook.NONE,
            failure=None,
            failure_backoff=None,
        )

    def run_by(self, user: User | None) -> Observed:
        """Who its first process is."""
        return attrs.evolve(self, user=user)

    def within(self, whole: PodResources | None) -> Observed:
        """These are the resources of its pod as a whole."""
        return attrs.evolve(self, whole=whole)

    def hooked(self, succeeded: bool) -> Observed:
        """PostStart has ended."""
        return attrs.evolve(self, hook=Hook.DONE if succeeded else Hook.FAILED)

    def judged(self, kind: ProbeKind, verdict: Verdict) -> Observed:
        """A probe changed its mind."""
        match kind:
            case ProbeKind.STARTUP:
                return attrs.evolve(self, startup=verdict)
            case ProbeKind.LIVENESS:
                return attrs.evolve(self, liveness=verdict)
            case ProbeKind.READINESS:
                return attrs.evolve(self, readiness=verdict)

    def stopping(self, kill_at: float, *, restart: bool = False) -> Observed:
        """A stop was ordered (perform `StopContainer`)."""
        return attrs.evolve(self, stop=Stop(kill_at, restart or (self.stop is not None and self.stop.restart)))

    def resizing(self, wanted: ResourceRequirements, now: float, whole: PodResources | None = None) -> Observed:
        """A change of resources begins (perform `ResizeContainer`)."""
        return attrs.evolve(self, resize=Resize(wanted, now, whole=whole))

    def resized(self, reason: str, message: str, now: float) -> Observed:
        """The change under way is done, or (with a reason) could not be made."""
        if self.resize is None:
            return self
        if reason:
            return attrs.evolve(self, resize=attrs.evolve(self.resize, at=now, reason=reason, message=message))
        return attrs.evolve(self, resources=self.resize.wanted, whole=self.resize.whole, resize=None)

    def exited(self, exit: Exit) -> Observed:
        """The attempt ended."""
        return attrs.evolve(self, stage=Stage.EXITED, exit=exit)

    def failed(self, reason: str, message: str, now: float) -> Observed:
        """It could not be started at all (no image, bad configuration); it is tried again with the same number."""
        failure, backoff = StartFailure(reason, message, now), after_failure(self.failure_backoff, now)
        return attrs.evolve(self, stage=Stage.FAILED, failure=failure, failure_backoff=backoff)

    def removed(self, now: float) -> Observed:
        """It is taken away so that all containers of its pod begin anew: its next attempt comes whatever its policy.

        One that could not be started yet is tried again as it was.
        """
        if self.stage is Stage.FAILED:
            return attrs.evolve(self, current=False)
        ended = Exit(137, now, self.started_at, reason=RESTARTING_ALL, message=REMOVED, container_id=self.container_id)
        failure, pause = StartFailure(RESTARTING_ALL, REMOVED, now), Backoff(RESTART_ALL_PAUSE, now)
        return Observed(
            self.name,
            self.attempt + 1,
            Stage.FAILED,
            last_exit=ended,
            failure=failure,
            failure_backoff=pause,
            current=False,
        )

    def not_executed(self, message: str, now: float) -> Observed:
        """The container was made but its program could not be run: an end like any other, with exit code 128."""
        return self.exited(Exit(128, now, reason="StartError", message=message))

    def sandbox_gone(self, now: float) -> Observed:
        """Its sandbox is gone and itself with it; nobody saw how it ended."""
        if not self.alive:
            return attrs.evolve(self, current=False)
        message = "The container could not be located when the pod was terminated"
        unseen = Exit(137, now, self.started_at, reason="ContainerStatusUnknown", message=message)
        return attrs.evolve(self.exited(unseen), current=False)


class SandboxState(Enum):
    """How far the pod's shared world got."""

    ABSENT = "absent"
    CREATING = "creating"
    READY = "ready"
    REMOVING = "removing"


@frozen
class Sandbox:
    """The pod's shared world. `attempt` counts those made so far; `retry_at` is when to try again after a failure."""

    state: SandboxState = SandboxState.ABSENT
    attempt: int = 0
    address: str = ""
    retry_at: float | None = None


@frozen
class Ending:
    """Why and since when (epoch seconds) the pod is to end.

    A deleted pod has no `reason`; an evicted or overdue one has, and ends in phase Failed with it.
    """

    since: float
    grace_seconds: int
    reason: str = ""
    message: str = ""


@frozen
class PodState:
    """Everything a node knows of a pod it runs. `started_at` is when it took it on (`status.startTime`)."""

    started_at: float
    sandbox: Sandbox = Sandbox()
    observed: Mapping[str, Observed] = attrs.field(factory=dict)
    ending: Ending | None = None
    host_ip: str = ""

    def with_sandbox(self, state: SandboxState, address: str = "") -> PodState:
        """The same sandbox, further on its way; with an address once it has one."""
        known = address or self.sandbox.address
        return attrs.evolve(self, sandbox=attrs.evolve(self.sandbox, state=state, address=known))

    def without_sandbox(self, now: float) -> PodState:
        """The sandbox is gone, and what ran in it; which address it had is told until there is another."""
        observed = {name: one.sandbox_gone(now) for name, one in self.observed.items()}
        sandbox = Sandbox(SandboxState.ABSENT, self.sandbox.attempt, self.sandbox.address)
        return attrs.evolve(self, sandbox=sandbox, observed=observed)

    def ending_by(self, since: float, grace_seconds: float) -> PodState:
        """It is to end within this grace; a shorter one ordered before stays."""
        before = self.ending
        if before is not None and before.since + before.grace_seconds <= since + grace_seconds:
            return self
        return attrs.evolve(self, ending=Ending(since, int(grace_seconds)))

    def begun_anew(self, now: float, names: Collection[str]) -> PodState:
        """These containers, all of which have ended, are to begin anew."""
        observed = {name: one.removed(now) if name in names else one for name, one in self.observed.items()}
        return attrs.evolve(self, observed=observed)

    def retried_at_once(self, reason: str) -> PodState:
        """What waits after a failure with this reason, and a sandbox that waits, need wait no longer."""
        observed = {
            name: attrs.evolve(one, failure_backoff=None)
            if one.failure is not None and one.failure.reason == reason
            else one
            for name, one in self.observed.items()
        }
        return attrs.evolve(self, sandbox=attrs.evolve(self.sandbox, retry_at=None), observed=observed)

    @property
    def moving(self) -> bool:
        """Whether it is on its way up or down: more will be known in a moment."""
        if self.sandbox.state in (SandboxState.CREATING, SandboxState.REMOVING):
            return True
        if self.ending is not None and self.sandbox.state is SandboxState.READY:
            return True
        return any(one.stage is Stage.STARTING for one in self.observed.values())

    def settles_at(self, pod: PodSpec, seconds: float) -> float:
        """When each container has run for so long, of those that no probe tells of; 0.0 if none has to."""
        if not seconds:
            return 0.0
        running = (
            self.observed.get(one.name) for one in pod.containers if not (one.readiness_probe or one.startup_probe)
        )
        since = [one.started_at for one in running if one is not None and one.stage is Stage.RUNNING and one.started_at]
        return max(since) + seconds if since else 0.0


def has_started(container: Container, observed: Observed | None) -> bool:
    """Whether it runs, its postStart has ended, and its startup probe (if any) has succeeded."""
    if observed is None or observed.stage is not Stage.RUNNING or observed.in_hook or not observed.current:
        return False
    return container.startup_probe is None or observed.startup is Verdict.SUCCESS


def is_redefined(container: Container, observed: Observed) -> bool:
    """Whether the latest attempt ran another image than the container is to have now."""
    return observed.image not in ("", container.image)


def is_ready(container: Container, observed: Observed | None) -> bool:
    """Whether it has started and its readiness probe (if any) says so."""
    if observed is None or not has_started(container, observed):
        return False
    return container.readiness_probe is None or observed.readiness is Verdict.SUCCESS
