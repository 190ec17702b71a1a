"""The Pod actor: hears what happened to its pod, asks the plan what is next, and has it done."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Literal, assert_never

import attrs

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.actors.pod.probes import PROBE_WORDS, ProbeKey, ProbeRounds
from kube_actors.actors.pod.reporting import StatusReport, exit_of, found_attempts
from kube_actors.actors.pod.words import RESIZE_RESTARTS, Words, resize_words, start_failure, start_success
from kube_actors.actors.pod.work import PodWork
from kube_actors.actors.pod.world import VOLUMES, PodWorld
from kube_actors.api.views.containers import Container
from kube_actors.api.views.pods import PodView
from kube_actors.errors import ApiError
from kube_actors.kernel import Actor, Ref
from kube_actors.messages import node as node_messages
from kube_actors.messages import pod as messages
from kube_actors.messages.common import Describe, Description
from kube_actors.messages.node import NodeMessage
from kube_actors.messages.pod import PodMessage
from kube_actors.node.runtime.base import ContainerId, FoundSandbox
from kube_actors.node.runtime.handlers import ProbeOutcome, ProbeResult
from kube_actors.plan import pod_lifecycle as steps
from kube_actors.plan.backoff import doubled
from kube_actors.plan.observed import Ending, Exit, Observed, Sandbox, SandboxState, Stage
from kube_actors.plan.pod_adoption import adopt
from kube_actors.plan.pod_lifecycle import plan_pod
from kube_actors.plan.probes import ProbeKind, Verdict
from kube_actors.store import Key, Revision

STATUS = "status"
REPORT_PAUSE = 0.05
"""Cluster seconds a report waits while the pod is in the middle of something, to say all of it at once."""
FIND_DEADLINE = 30.0
FIRST_SANDBOX_RETRY = 0.5
"""Seconds before a failed sandbox or volume is tried again; doubled each time, as a kubelet does for mounts."""
LONGEST_SANDBOX_RETRY = 122.0
LEAST_GRACE_AFTER_HOOK = 2.0
"""Seconds a container gets after preStop even when the hook used up the grace, as from the kubelet."""
TIMESTAMP_SECONDS = 1.0
"""What the times of API objects are cut to."""


class PodActor(Actor[PodMessage]):
    """One pod on its node. `found` is what the runtime had of it; "ask" makes a restarted actor find out itself."""

    def __init__(
        self,
        plane: ControlPlane,
        world: PodWorld,
        node: Ref[NodeMessage],
        key: Key,
        uid: str,
        found: FoundSandbox | Literal["ask"] | None,
    ) -> None:
        self.plane = plane
        self.world = world
        self.node = node
        self.key = key
        self.uid = uid
        self.found = found
        self.gone = False
        self.taken_over = False
        self.kill_at: dict[str, float] = {}
        self.sandbox_failures = 0
        self.report_at: float | None = None
        self.waiting_for_end: list[messages.EndPod] = []

    # -- life

    async def started(self) -> None:
        """Take the pod over, whatever of it runs already."""
        self.found = await self._find() if self.found == "ask" else self.found
        revision = self.plane.find(self.key, self.uid)
        if revision is None:
            await self._remove_unknown()
            return
        self.revision = revision
        self.pod: PodView = revision.view
        self.work = PodWork(self.world, self.plane.clock, self.context.ref, self.node, self.pod, revision)
        self.probes = ProbeRounds(self.context.notify_at)
        self.report = StatusReport(self.world.client, self.key, self.uid)
        found = self.found if isinstance(self.found, FoundSandbox) else None
        address = (found.address if found is not None else None) or ""
        self.state = adopt(
            self.pod,
            None if found is None else found_attempts(found, self.world.runtime),
            address,
            self.world.place.host_ip,
            self.plane.clock.now(),
        )
        self.work.address = address or None
        if found is not None:
            self.context.ref.notify(VOLUMES)  # nobody knows which files it was given last: it is given all of them
        self.world.users.add(self.uid, self.key.namespace, self.work.body)
        self.taken_over = True
        self._see_deletion(revision)
        await self._next()

    async def stopped(self) -> None:
        """Nobody wakes this pod for its ConfigMaps any more."""
        self.world.users.remove(self.uid)

    async def _find(self) -> FoundSandbox | None:
        return await self.node.ask(node_messages.FindSandbox(self.uid), deadline=FIND_DEADLINE)

    async def _remove_unknown(self) -> None:
        """The object went while nobody watched: nothing of it may stay."""
        await self.node.ask(node_messages.RemoveSandbox(self.uid), deadline=FIND_DEADLINE)
        self.node.tell(node_messages.PodGone(self.uid))

    # -- what happened

    async def changed(self, keys: frozenset[Any]) -> None:
        """The object changed, a probe is due, a grace is over, or the plan asked to look again."""
        if not self.taken_over:
            return
        for key in keys:
            if isinstance(key, ProbeKey):
                self._begin_probe(key)
            elif isinstance(key, tuple):  # ("kill", name)
                self._kill_if_due(key[1])
        if VOLUMES in keys:
            await self._update_volumes()
        changed = self._see_object() if self.world.link.connected else False
        if changed or any(not isinstance(key, ProbeKey) and key != self.uid for key in keys):
            await self._next(reporting=STATUS in keys)
        # else its own report came back, or a probe has begun: the plan would say what it said before

    def _see_object(self) -> bool:
        """Take in the newest revision; whether there was anything new."""
        revision = self.plane.find(self.key, self.uid)
        if revision is None:
            # Deleted without waiting for this node (force): end it at once.
            self.gone = True
            self.state = attrs.evolve(self.state, ending=Ending(self.plane.clock.now(), 0))
        elif revision is self.revision:
            return False
        else:
            self.revision, self.pod = revision, revision.view
            self.work.see(revision, self.pod)
            self._see_deletion(revision)
        return True

    def _see_deletion(self, revision: Revision) -> None:
        if revision.projection.deleting is None:
            return
        grace = self.pod.metadata.deletion_grace_period_seconds or 0
        # The grace begins when the node hears of it. deletionTimestamp has whole seconds: taken alone it would cut
        # up to one off; it only keeps a restarted actor from beginning anew.
        since = min(self.plane.clock.now(), revision.projection.deleting - grace + TIMESTAMP_SECONDS)
        self.state = self.state.ending_by(since, grace)

    async def receive(self, message: PodMessage) -> None:
        """Take in a fact, then see what is next."""
        if not self.taken_over:  # there was nothing to take over, and the node is about to let go of this actor
            return
        match message:
            case messages.ContainerEnded(exit):
                self._container_ended(exit_of(exit, self._observed(exit.id.name), self.work.last_words(exit)), exit.id)
            case messages.SandboxFound(found):
                self._sandbox_found(found)
            case messages.SandboxCreated(address):
                self.sandbox_failures = 0
                self.state = self.state.with_sandbox(SandboxState.READY, address or self.world.place.host_ip)
                self.context.notify_at(self.work.tokens.renew_at, VOLUMES)
            case messages.SandboxFailed(reason, text):
                self._sandbox_failed(reason, text)
            case messages.SandboxRemoved():
                self._sandbox_removed()
            case messages.ContainerStarted(started):
                self._container_started(started.id, started.started_at, started.runtime_id)
            case messages.ContainerFailed(id, reason, text):
                self._container_failed(id, reason, text)
            case messages.ContainerResized():
                self._container_resized(message)
            case messages.HookEnded(id, error):
                self._hook_ended(id, error)
            case messages.ProbeEnded(id, kind, result):
                before = self.state
                self._probe_ended(id, kind, result)
                if self.state is before:
                    return
            case messages.StopSignalSent(id):
                self._stop_signal_sent(id)
            case messages.EndPod():
                self._end_with_node(message)
            case Describe():
                self.context.answer(message, self._describe())
                return
            case _:
                assert_never(message)
        await self._next()

    # -- what to do

    async def _next(self, *, reporting: bool = False) -> None:
        """Ask the plan, do what it says, and report; with `reporting` even in the middle of something."""
        now = self.plane.clock.now()
        plan = plan_pod(self.pod, self.state, now)
        if plan.ending is not None and self.state.ending is None:
            self.state = attrs.evolve(self.state, ending=plan.ending)
        for action in plan.actions:
            self._perform(action)
        for container in self._containers():
            observed = self._observed(container.name)
            self.probes.follow(container, observed, now, ending=self.state.ending is not None)
        if plan.wake_at is not None:
            self.context.notify_at(plan.wake_at, "wake")
        if reporting or plan.ended or not self.state.moving:
            await self._report(now)
        elif self.report_at is None:
            self.report_at = now + REPORT_PAUSE
            self.context.notify_at(self.report_at, STATUS)
        if plan.ended:
            await self._ended()

    def _perform(self, action: steps.PodAction) -> None:
        match action:
            case steps.CreateSandbox(attempt):
                self.state = attrs.evolve(self.state, sandbox=Sandbox(SandboxState.CREATING, attempt + 1))
                self.context.start_task(self.work.create_sandbox, self.revision, name="sandbox")
            case steps.StartContainer(name, attempt, backoff):
                before = self._observed(name) or Observed(name)
                self._set(before.starting(attempt, backoff, self._container(name).resources))
                self.kill_at.pop(name, None)
                self.context.start_task(self.work.start_container, self._container(name), attempt, name=f"start {name}")
            case steps.StopContainer():
                self._stop(action)
            case steps.ResizeContainer(name, attempt, restart):
                container = self._container(name)
                self._set(self.state.observed[name].resizing(container.resources, self.plane.clock.now()))
                arguments = (container, ContainerId(self.uid, name, attempt), restart)
                self.context.start_task(self.work.resize_container, *arguments, name=f"resize {name}")
            case steps.RemoveSandbox():
                self.state = self.state.with_sandbox(SandboxState.REMOVING)
                self.context.start_task(self.work.remove_sandbox, name="remove sandbox")
            case _:
                assert_never(action)

    def _stop(self, action: steps.StopContainer) -> None:
        """Begin to stop a container, or shorten the grace of one that is being stopped."""
        name = action.name
        observed = self._observed(name)
        if observed is None:
            return
        first = observed.stop is None
        self._set(observed.stopping(action.kill_at, restart=action.restart))
        self.kill_at[name] = action.kill_at
        self.context.notify_at(action.kill_at, ("kill", name))
        if first:
            self.work.say("Normal", action.reason, action.message, name)
            id = ContainerId(self.uid, name, action.attempt)
            network = self.plane.directory.network if self.state.ending is not None else None
            arguments = (self._container(name), id, action.kill_at, network)
            self.context.start_task(self.work.stop_container, *arguments, name=f"stop {name}")

    def _kill_if_due(self, name: str) -> None:
        observed = self._observed(name)
        due = self.kill_at.get(name)
        if observed is None or not observed.alive or due is None:
            return
        if self.plane.clock.now() < due:
            self.context.notify_at(due, ("kill", name))
            return
        id = ContainerId(self.uid, name, observed.attempt)
        self.context.start_task(self.work.kill, id, name=f"kill {name}")

    def _stop_signal_sent(self, id: ContainerId) -> None:
        """After a hook that took long the container still gets a moment to react to the signal."""
        observed = self._observed(id.name)
        due = self.kill_at.get(id.name)
        if observed is None or not observed.alive or due is None:
            return
        least = self.plane.clock.now() + LEAST_GRACE_AFTER_HOOK
        hooked = (container := self._container(id.name)).lifecycle is not None and container.lifecycle.pre_stop
        if hooked and due < least and self.state.ending is not None and self.state.ending.grace_seconds > 0:
            self.kill_at[id.name] = least
            self.context.notify_at(least, ("kill", id.name))

    # -- facts

    def _container_ended(self, exit: Exit, id: ContainerId) -> None:
        observed = self._observed(id.name)
        if observed is None or observed.attempt != id.attempt or not observed.alive:
            return
        self._set(observed.exited(exit))
        if self.state.ending is None and exit.exit_code != 0 and observed.backoff is not None:
            self.work.say_back_off(id.name)

    def _container_started(self, id: ContainerId, started_at: float, runtime_id: str) -> None:
        observed = self._observed(id.name)
        if observed is None or observed.attempt != id.attempt or observed.stage is not Stage.STARTING:
            return
        container = self._container(id.name)
        hook = container.lifecycle is not None and container.lifecycle.post_start is not None
        image = container.image
        self._set(observed.running(started_at, container_id=runtime_id, image=image, image_id=image, hook=hook))
        self._say(start_success(id.name, image), id.name)

    def _container_failed(self, id: ContainerId, reason: str, text: str) -> None:
        observed = self._observed(id.name)
        if observed is None or observed.attempt != id.attempt or observed.stage is not Stage.STARTING:
            return
        now = self.plane.clock.now()
        again = observed.failure is not None
        # A program that cannot be executed is an attempt that ended; everything else is tried again as the same one.
        self._set(observed.not_executed(text, now) if reason == "StartError" else observed.failed(reason, text, now))
        self._say(start_failure(self._container(id.name).image, reason, text, again=again), id.name)

    def _container_resized(self, fact: messages.ContainerResized) -> None:
        observed = self._observed(fact.container.name)
        if observed is None or observed.attempt != fact.container.attempt or observed.stage is not Stage.RUNNING:
            return
        now = self.plane.clock.now()
        self._set(observed.resized(fact.reason, fact.message, now))
        self._say(resize_words(fact), "")
        if fact.restart:
            due, text = now + self.pod.spec.termination_grace_period_seconds, RESIZE_RESTARTS.format(observed.name)
            self._stop(steps.StopContainer(observed.name, observed.attempt, due, "Killing", text, restart=True))

    def _hook_ended(self, id: ContainerId, error: str | None) -> None:
        observed = self._observed(id.name)
        if observed is None or observed.attempt != id.attempt or observed.stage is not Stage.RUNNING:
            return
        self._set(observed.hooked(error is None))
        if error is not None:
            self.work.say("Warning", "FailedPostStartHook", f"PostStartHook failed: {error}", id.name)

    def _sandbox_failed(self, reason: str, text: str) -> None:
        delay = doubled(FIRST_SANDBOX_RETRY, LONGEST_SANDBOX_RETRY, self.sandbox_failures)
        self.sandbox_failures += 1
        attempt, retry_at = self.state.sandbox.attempt - 1, self.plane.clock.now() + delay
        self.state = attrs.evolve(self.state, sandbox=Sandbox(SandboxState.ABSENT, attempt, retry_at=retry_at))
        self.work.release_address()
        self.work.say("Warning", reason, text)

    def _sandbox_removed(self) -> None:
        self.state = self.state.without_sandbox(self.plane.clock.now())

    def _sandbox_found(self, found: FoundSandbox | None) -> None:
        """The runtime is back: what ended meanwhile was reported by it; a pod that is gone altogether begins anew."""
        if found is None and self.state.sandbox.state is SandboxState.READY:
            self.work.release_address()
            self._sandbox_removed()
            self.work.say("Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")

    def _end_with_node(self, ask: messages.EndPod) -> None:
        self.waiting_for_end.append(ask)
        now = self.plane.clock.now()
        grace = min(float(self.pod.spec.termination_grace_period_seconds), ask.grace_seconds)
        self.state = self.state.ending_by(now, grace)

    # -- probes

    def _begin_probe(self, key: ProbeKey) -> None:
        begun = self.probes.begin(key)
        if begun is None:
            return
        attempt, probe = begun
        id = ContainerId(self.uid, key.container, attempt)
        self.context.start_task(self.work.ask_probe, id, key.kind, probe.timeout_seconds, name=f"probe {key.container}")

    def _probe_ended(self, id: ContainerId, kind: ProbeKind, result: ProbeResult) -> None:
        observed = self._observed(id.name)
        if observed is None or observed.attempt != id.attempt or observed.stage is not Stage.RUNNING:
            return
        passed = None if result.outcome is ProbeOutcome.UNKNOWN else result.succeeded
        key = ProbeKey(id.name, kind)
        verdict = self.probes.observe(key, id.attempt, passed, self.plane.clock.now())
        if not result.succeeded and self.state.ending is None:
            word = "errored and resulted in unknown state" if passed is None else "failed"
            self.work.say("Warning", "Unhealthy", f"{PROBE_WORDS[kind]} probe {word}: {result.message}", id.name)
        if verdict is not None:
            self._set(observed.judged(kind, verdict))
        elif kind is ProbeKind.READINESS and observed.readiness is Verdict.UNKNOWN:
            self._set(observed.judged(kind, Verdict.FAILURE))

    async def _update_volumes(self) -> None:
        """A ConfigMap or Secret changed: what waited for it is tried at once, running containers get its new files."""
        self.state = self.state.retried_at_once("CreateContainerConfigError")
        if self.state.sandbox.state is SandboxState.READY:
            await self.work.update_volumes()
            self.context.notify_at(self.work.tokens.renew_at, VOLUMES)

    # -- reporting

    async def _report(self, now: float) -> None:
        if self.report_at is not None:
            self.report_at = None
            self.context.notify_at(math.inf, STATUS)
        if self.gone or not self.world.link.connected or self.waiting_for_end:
            return
        try:
            seen = await self.report.write(self.pod, self.revision, self.state, now)
        except ApiError as error:
            if error.reason not in ("NotFound", "Conflict"):
                raise
        else:
            self.revision, self.pod = seen

    async def _ended(self) -> None:
        """Nothing of the pod is left here: a deleted pod goes, one that is over stays to be looked at."""
        for ask in self.waiting_for_end:
            self.context.answer(ask, None)
        if self.waiting_for_end:
            return
        if self.gone:
            self.node.tell(node_messages.PodGone(self.uid))
        elif not self.world.link.connected:
            return
        elif self.revision.projection.deleting is not None:
            try:
                await self.world.client.delete(self.key, uid=self.uid, grace_seconds=0)
            except ApiError as error:
                if error.reason != "NotFound":
                    raise
            if self.plane.find(self.key, self.uid) is None:
                self.gone = True
                self.node.tell(node_messages.PodGone(self.uid))
        else:
            self.node.tell(node_messages.PodFinished(self.uid))

    # -- small things

    def _containers(self) -> Iterable[Container]:
        return (*self.pod.spec.init_containers, *self.pod.spec.containers, *self.pod.spec.debug_containers)

    def _container(self, name: str) -> Container:
        return next(one for one in self._containers() if one.name == name)

    def _observed(self, name: str) -> Observed | None:
        return self.state.observed.get(name)

    def _set(self, observed: Observed) -> None:
        self.state = attrs.evolve(self.state, observed={**self.state.observed, observed.name: observed})

    def _say(self, words: Iterable[Words], name: str) -> None:
        for word in words:
            self.work.say(word.type, word.reason, word.message, name)

    def _describe(self) -> Description:
        rows = [("pod", f"{self.key.namespace}/{self.key.name}"), ("sandbox", self.state.sandbox.state.value)]
        rows += [(one.name, f"{one.stage.value}, attempt {one.attempt}") for one in self.state.observed.values()]
        return Description(tuple(rows))
