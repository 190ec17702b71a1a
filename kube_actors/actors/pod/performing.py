"""Doing what the plan says: each action changes what is known at once, and begins the work that takes long."""

from __future__ import annotations

from typing import assert_never

import attrs

from kube_actors.actors.control_plane import Directory
from kube_actors.actors.pod.known import Known
from kube_actors.actors.pod.probes import ProbeKey, ProbeRounds
from kube_actors.actors.pod.stopping import Stopping
from kube_actors.actors.pod.work import PodWork
from kube_actors.kernel import Context
from kube_actors.messages.pod import PodMessage
from kube_actors.node.runtime.base import ContainerId
from kube_actors.plan import pod_lifecycle as steps
from kube_actors.plan.observed import Observed, Sandbox, SandboxState


class Performing:
    """The hands of a Pod actor. The network in `directory` is asked to withdraw a pod that ends."""

    def __init__(self, context: Context[PodMessage], known: Known, work: PodWork, directory: Directory) -> None:
        self._context = context
        self._known = known
        self._work = work
        self._directory = directory
        self.stopping = Stopping(context, work, context.clock.now)
        self.probes = ProbeRounds(context.notify_at)

    def perform(self, action: steps.PodAction) -> None:
        """Begin one action of the plan."""
        known = self._known
        match action:
            case steps.CreateSandbox(attempt):
                known.state = attrs.evolve(known.state, sandbox=Sandbox(SandboxState.CREATING, attempt + 1))
                self._context.start_task(self._work.create_sandbox, known.revision, name="sandbox")
            case steps.StartContainer():
                self._start(action)
            case steps.StopContainer():
                self.stop(action)
            case steps.ResizeContainer(name, attempt, restart):
                container = known.container(name)
                wanted, now = container.resources, self._context.clock.now()
                known.put(known.state.observed[name].resizing(wanted, now, known.pod.spec.resources))
                arguments = (container, self._id(name, attempt), restart)
                self._context.start_task(self._work.resize_container, *arguments, name=f"resize {name}")
            case steps.RestartAll():
                spec = known.pod.spec
                names = {one.name for one in (*spec.init_containers, *spec.containers)}
                known.state = known.state.begun_anew(self._context.clock.now(), names)
            case steps.RemoveSandbox():
                known.state = known.state.with_sandbox(SandboxState.REMOVING)
                self._context.start_task(self._work.remove_sandbox, name="remove sandbox")
            case _:
                assert_never(action)

    def _start(self, action: steps.StartContainer) -> None:
        name, container = action.name, self._known.container(action.name)
        before = self._known.observed(name) or Observed(name)
        whole = self._known.pod.spec.resources
        self._known.put(before.starting(action.attempt, action.backoff, container.resources, whole))
        self.stopping.forget(name)
        self._context.start_task(self._work.start_container, container, action.attempt, name=f"start {name}")

    def stop(self, action: steps.StopContainer) -> None:
        """Begin to stop a container, or shorten the grace of one that is being stopped."""
        observed = self._known.observed(action.name)
        if observed is None:
            return
        self._known.put(observed.stopping(action.kill_at, restart=action.restart))
        if observed.stop is not None:
            self.stopping.shorten(action)
            return
        network = self._directory.network if self._known.state.ending is not None else None
        self.stopping.begin(action, self._known.container(action.name), network)

    def follow_probes(self, now: float) -> None:
        """Begin and end probes as containers run and end."""
        ending = self._known.state.ending is not None
        for container in self._known.containers:
            self.probes.follow(container, self._known.observed(container.name), now, ending=ending)

    def begin_probe(self, key: ProbeKey) -> None:
        """The time of a probe has come."""
        begun = self.probes.begin(key)
        if begun is None:
            return
        attempt, probe = begun
        arguments = (self._id(key.container, attempt), key.kind, probe.timeout_seconds)
        self._context.start_task(self._work.ask_probe, *arguments, name=f"probe {key.container}")

    def _id(self, name: str, attempt: int) -> ContainerId:
        return ContainerId(self._known.revision.uid, name, attempt)
