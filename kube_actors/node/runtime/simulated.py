"""The runtime with no processes: containers are entries in a table and timers on the cluster's clock.

No task runs per container, so a node can hold tens of thousands. How containers behave is written down in
`simulated_profile`; every chance comes from the given random numbers, mixed with the pod's name, so that one seed gives
the same day whatever order pods start in.

Nothing outlives the runtime: `adopt` finds what this object started, and `aclose(keep=True)` ends everything too.
"""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Iterator
from random import Random
from signal import Signals
from typing import TYPE_CHECKING

import attrs
import trio

from kube_actors.node.agent.logs import LineWriter
from kube_actors.node.runtime.base import (
    ContainerExited,
    ContainerId,
    ContainerSpec,
    FilesVolume,
    FoundContainer,
    FoundSandbox,
    Resources,
    Runtime,
    RuntimeBack,
    RuntimeEvent,
    RuntimeFailure,
    RuntimeGone,
    RuntimeLost,
    SandboxSpec,
    Started,
)
from kube_actors.node.runtime.handlers import ExecAction, HttpGetAction, ProbeHandler, ProbeOutcome, ProbeResult
from kube_actors.node.runtime.simulated_profile import Fate, SimulationProfile, SimulationProfiles, draw_fate
from kube_actors.node.runtime.simulated_streams import SimulatedAttach, SimulatedConnection, SimulatedExec, Surroundings
from kube_actors.node.runtime.simulated_users import user_of
from kube_actors.records import define

if TYPE_CHECKING:
    from kube_actors.kernel import ClusterClock, Timer

_NO_CHANCE = Random(0)
"""What a profile without chances is drawn with: its durations are certain, so nothing is ever taken from it."""

_IGNORED = frozenset({0, Signals.SIGCHLD, Signals.SIGCONT, Signals.SIGURG, Signals.SIGWINCH})


@define(eq=False)
class _Container:
    """One attempt: what it does and will do. `started_at` None is still starting."""

    spec: ContainerSpec
    profile: SimulationProfile
    fate: Fate
    random: Random
    started_at: float | None = None
    timer: Timer | None = None
    exit: ContainerExited | None = None
    sessions: set[SimulatedExec] | None = None
    attached: set[SimulatedAttach] | None = None


@define(eq=False)
class _Sandbox:
    """A pod: its containers by name and attempt."""

    spec: SandboxSpec
    containers: dict[ContainerId, _Container] = attrs.field(factory=dict)


class SimulatedRuntime(Runtime):
    """One node's simulated pods. `lose` and `restore` play a runtime that is out of reach for a while."""

    settling_seconds = 0.0  # a profile says when its container runs

    def __init__(self, *, clock: ClusterClock, random: Random, profiles: SimulationProfiles | None = None) -> None:
        self._clock = clock
        self._seed = random.getrandbits(64)
        self._profiles = profiles or SimulationProfiles()
        self._sandboxes: dict[str, _Sandbox] = {}
        self._report, self._reports = trio.open_memory_channel[RuntimeEvent](math.inf)
        self._unseen: list[ContainerExited] = []
        self._lost: str | None = None

    @property
    def description(self) -> str:
        return "simulated://1"

    def events(self) -> trio.MemoryReceiveChannel[RuntimeEvent]:
        return self._reports

    def lose(self, message: str) -> None:
        """From now on every call raises RuntimeGone; containers go on, and their exits wait for `adopt`."""
        if self._lost is None:
            self._lost = message
            self._report.send_nowait(RuntimeLost(message))

    def restore(self) -> None:
        """The runtime answers again."""
        if self._lost is not None:
            self._lost = None
            self._report.send_nowait(RuntimeBack())

    async def adopt(self) -> tuple[FoundSandbox, ...]:
        await self._reachable()
        for event in self._unseen:
            self._report.send_nowait(event)
        self._unseen.clear()
        return tuple(_found(sandbox) for sandbox in self._sandboxes.values())

    async def create_sandbox(self, spec: SandboxSpec) -> str | None:
        await self._reachable()
        if spec.pod.uid in self._sandboxes:
            raise RuntimeFailure("FailedCreatePodSandBox", f"the pod {spec.pod.uid} has a sandbox already")
        self._sandboxes[spec.pod.uid] = _Sandbox(spec)
        return None if spec.host_network else spec.address

    async def remove_sandbox(self, pod_uid: str) -> None:
        await self._reachable()
        sandbox = self._sandboxes.pop(pod_uid, None)
        for container in sandbox.containers.values() if sandbox else ():
            self._end(container, 137)

    async def run_container(self, spec: ContainerSpec) -> Started:
        await self._reachable()
        sandbox = self._sandboxes.get(spec.id.pod_uid)
        if sandbox is None:
            raise RuntimeFailure("CreateContainerError", f"the pod {spec.id.pod_uid} has no sandbox")
        if spec.id in sandbox.containers:
            raise RuntimeFailure("AlreadyRunning", f"container {spec.id.name} attempt {spec.id.attempt} was started")
        container = self._new_container(sandbox, spec)
        sandbox.containers[spec.id] = container
        try:
            if container.fate.start_seconds:
                await self._clock.sleep(container.fate.start_seconds)
            if self._lost is not None:
                raise RuntimeGone(self._lost)
            if self._find(spec.id) is not container:
                raise RuntimeFailure("RunContainerError", f"container {spec.id.name} was removed while it started")
            if container.fate.start_error is not None:
                raise RuntimeFailure("RunContainerError", container.fate.start_error)
        except BaseException:
            if sandbox.containers.get(spec.id) is container:
                del sandbox.containers[spec.id]
            raise
        return self._start(container)

    def _new_container(self, sandbox: _Sandbox, spec: ContainerSpec) -> _Container:
        annotations = {**sandbox.spec.annotations, **spec.annotations}
        try:
            profile = self._profiles.of(spec.image.name, spec.id.name, annotations)
        except ValueError as error:
            raise RuntimeFailure("CreateContainerConfigError", f"simulation settings: {error}") from None
        pod = sandbox.spec.pod
        random = _NO_CHANCE
        if not profile.certain:
            random = Random(f"{self._seed}/{pod.namespace}/{pod.name}/{pod.uid}/{spec.id.name}/{spec.id.attempt}")
        return _Container(spec, profile, draw_fate(profile, spec.resources.memory_limit, random), random)

    def _start(self, container: _Container) -> Started:
        now = container.started_at = self._clock.now()
        fate = container.fate
        if fate.exit_after is not None:
            self._end_at(container, now + fate.exit_after, fate.exit_code, oom_killed=fate.oom_killed)
        self._log(container, now, f"simulated container {container.spec.id.name} started")
        return Started(container.spec.id, _runtime_id(container.spec.id), 0, now, user_of(container.spec))

    async def update_resources(
        self, container: ContainerId, resources: Resources, pod: Resources | None = None
    ) -> None:
        found = await self._running(container)
        found.spec = attrs.evolve(found.spec, resources=resources)

    async def signal_container(self, container: ContainerId, signal: int, *, everything: bool = False) -> None:
        await self._reachable()
        found = self._find(container)
        if found is None or found.started_at is None or found.exit is not None or signal in _IGNORED:
            return
        profile = found.profile
        if signal == Signals.SIGKILL:
            self._end(found, 137)
        elif not profile.ignore_sigterm:
            own_code = profile.term_exit_code
            code = 128 + signal if own_code is None else own_code
            delay = profile.term_seconds.draw(found.random)
            if delay:
                self._end_at(found, self._clock.now() + delay, code)
            else:
                self._end(found, code)

    async def remove_container(self, container: ContainerId) -> None:
        await self._reachable()
        sandbox = self._sandboxes.get(container.pod_uid)
        found = sandbox.containers.pop(container, None) if sandbox else None
        if found is not None:
            self._end(found, 137)

    async def exec(
        self, container: ContainerId, argv: tuple[str, ...], *, stdin: bool = False, tty: bool = False
    ) -> SimulatedExec:
        found = await self._running(container)
        hostname = self._sandboxes[container.pod_uid].spec.hostname
        session = SimulatedExec(argv, Surroundings(hostname, found.spec.env), self._clock)
        if not session.ended:
            found.sessions = {s for s in found.sessions or () if not s.ended} | {session}
        return session

    async def attach(self, container: ContainerId, *, stdin: bool = False) -> SimulatedAttach:
        found = await self._running(container)
        session = SimulatedAttach()
        found.attached = {s for s in found.attached or () if not s.over} | {session}
        return session

    async def _running(self, container: ContainerId) -> _Container:
        await self._reachable()
        found = self._find(container)
        if found is None or found.started_at is None or found.exit is not None:
            raise RuntimeFailure("ExecError", f"container not found or not running: {container.name}")
        return found

    async def connect(self, pod_uid: str, port: int, *, host: str | None = None) -> SimulatedConnection:
        await self._reachable()
        sandbox = self._sandboxes.get(pod_uid)
        if sandbox is None:
            raise OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH))
        answering = [container for container in sandbox.containers.values() if self._healthy(container)]
        if answering and host in (None, sandbox.spec.address):
            return SimulatedConnection(sandbox.spec.pod.name, lambda: self._healthy(answering[0]))
        raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))

    async def probe(self, container: ContainerId, handler: ProbeHandler, within: float) -> ProbeResult:
        await self._reachable()
        found = self._find(container)
        if found is None:
            return ProbeResult(ProbeOutcome.UNKNOWN, f"container {container.name} is not there")
        takes = found.profile.probe_seconds.draw(found.random)
        if takes:
            await self._clock.sleep(min(takes, within))
        if takes > within:
            return ProbeResult(ProbeOutcome.FAILURE, "context deadline exceeded")
        chance = found.profile.probe_fail_probability
        unlucky = chance > 0 and found.random.random() < chance
        if self._healthy(found) and not unlucky:
            return ProbeResult(ProbeOutcome.SUCCESS)
        return ProbeResult(ProbeOutcome.FAILURE, self._refusal(container, handler))

    def _refusal(self, container: ContainerId, handler: ProbeHandler) -> str:
        """How a failed probe reads in an Event."""
        if isinstance(handler, ExecAction):
            return "simulated: not ready"
        address = self._sandboxes[container.pod_uid].spec.address
        dial = f"dial tcp {address}:{handler.port}: connect: connection refused"
        if isinstance(handler, HttpGetAction):
            return f'Get "{handler.scheme.lower()}://{address}:{handler.port}{handler.path}": {dial}'
        return dial

    async def update_files(self, pod_uid: str, volume: FilesVolume) -> None:
        await self._reachable()

    async def aclose(self, *, keep: bool) -> None:
        for container in self._all_containers():
            if container.timer is not None:
                container.timer.cancel()
        self._sandboxes.clear()
        self._report.close()
        await trio.lowlevel.checkpoint()

    async def _reachable(self) -> None:
        await trio.lowlevel.checkpoint()
        if self._lost is not None:
            raise RuntimeGone(self._lost)

    def _all_containers(self) -> Iterator[_Container]:
        for sandbox in self._sandboxes.values():
            yield from sandbox.containers.values()

    def _find(self, container: ContainerId) -> _Container | None:
        sandbox = self._sandboxes.get(container.pod_uid)
        return sandbox.containers.get(container) if sandbox else None

    def _healthy(self, container: _Container) -> bool:
        """Running, ready by its fate, and not hanging."""
        if container.started_at is None or container.exit is not None:
            return False
        return container.fate.healthy(self._clock.now() - container.started_at)

    def _end_at(self, container: _Container, when: float, code: int, *, oom_killed: bool = False) -> None:
        """End it at a cluster time, unless it ends sooner anyway."""
        if container.timer is not None:
            if container.timer.when <= when:
                return
            container.timer.cancel()
        container.timer = self._clock.call_at(when, lambda: self._end(container, code, oom_killed=oom_killed))

    def _end(self, container: _Container, code: int, *, oom_killed: bool = False) -> None:
        """It has ended: said once, to whoever listens now or to the next `adopt`."""
        if container.started_at is None or container.exit is not None:
            return
        if container.timer is not None:
            container.timer.cancel()
            container.timer = None
        now = self._clock.now()
        container.exit = ContainerExited(container.spec.id, code, oom_killed, now)
        for session in container.sessions or ():
            session.end(137)
        text = f"simulated container {container.spec.id.name} exited with {code}"
        self._log(container, now, text)
        for attached in container.attached or ():
            attached.print(text)
            attached.end()
        if self._lost is None:
            self._report.send_nowait(container.exit)
        else:
            self._unseen.append(container.exit)

    def _log(self, container: _Container, now: float, text: str) -> None:
        """One line of log, where somebody made a directory for logs."""
        path = container.spec.log_path
        if path and os.path.isdir(os.path.dirname(path)):
            with open(path, "ab") as log:
                log.write(LineWriter("stdout", lambda: round(now * 1e9)).feed(f"{text}\n".encode()))


def _runtime_id(container: ContainerId) -> str:
    return f"simulated://{container.pod_uid}/{container.name}/{container.attempt}"


def _found(sandbox: _Sandbox) -> FoundSandbox:
    """What `adopt` says of a pod; containers that are still starting belong to whoever is starting them."""
    containers = tuple(
        FoundContainer(c.spec.id, _runtime_id(c.spec.id), 0, c.started_at, c.spec.image.name, c.exit, user_of(c.spec))
        for c in sandbox.containers.values()
        if c.started_at is not None
    )
    return FoundSandbox(sandbox.spec.pod, None if sandbox.spec.host_network else sandbox.spec.address, containers)
