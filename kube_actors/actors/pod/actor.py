"""The Pod actor: hears what happened to its pod, asks the plan what is next, and has it done."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, assert_never

import attrs

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.actors.pod import facts
from kube_actors.actors.pod.probes import ProbeKey, ProbeRounds
from kube_actors.actors.pod.reporting import STATUS, StatusReport, exit_of, found_attempts
from kube_actors.actors.pod.stopping import Stopping
from kube_actors.actors.pod.words import RESIZE_RESTARTS, probe_words
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
from kube_actors.plan.observed import Ending, Observed, Sandbox, SandboxState, Stage
from kube_actors.plan.pod_adoption import adopt
from kube_actors.plan.pod_lifecycle import plan_pod
from kube_actors.plan.probes import ProbeKind, Verdict
from kube_actors.store import Key, Revision

FIND_DEADLINE = 30.0
FIRST_SANDBOX_RETRY = 0.5
"""Seconds before a failed sandbox or volume is tried again; doubled each time, as a kubelet does for mounts."""
LONGEST_SANDBOX_RETRY = 122.0
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
        self.early_ends: dict[ContainerId, messages.ContainerEnded] = {}
        self.sandbox_failures = 0
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
        self.stopping = Stopping(self.context, self.work, self.plane.clock.now)
        self.probes = ProbeRounds(self.context.notify_at)
        self.report = StatusReport(self.world.client, self.key, self.uid, self.context.notify_at)
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
            elif isinstance(key, tuple) and (observed := self._observed(key[1])) is not None:  # ("kill", name)
                self.stopping.kill_if_due(observed)
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
            case messages.ContainerEnded():
                self._container_ended(message)
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
            case messages.ContainerStarted():
                self._container_started(message)
            case messages.ContainerFailed():
                self._container_failed(message)
            case messages.ContainerResized():
                self._container_resized(message)
            case messages.HookEnded():
                self._hook_ended(message)
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
            if plan.ending.reason:
                self.work.say("Normal", plan.ending.reason, plan.ending.message)
        for action in plan.actions:
            self._perform(action)
        for container in self._containers():
            observed = self._observed(container.name)
            self.probes.follow(container, observed, now, ending=self.state.ending is not None)
        if plan.wake_at is not None:
            self.context.notify_at(plan.wake_at, "wake")
        if reporting or plan.ended or not self.state.moving:
            await self._report(now)
        else:
            self.report.put_off(now)
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
                self.stopping.forget(name)
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
        observed = self._observed(action.name)
        if observed is None:
            return
        self._set(observed.stopping(action.kill_at, restart=action.restart))
        if observed.stop is not None:
            self.stopping.shorten(action)
            return
        network = self.plane.directory.network if self.state.ending is not None else None
        self.stopping.begin(action, self._container(action.name), network)

    # -- facts

    def _container_ended(self, fact: messages.ContainerEnded) -> None:
        """An attempt ended. Its start may be told later than its end: then the end waits for it."""
        observed = self._latest(fact.exit.id)
        if observed is None or not observed.alive:
            return
        if observed.stage is Stage.STARTING:
            self.early_ends[fact.exit.id] = fact
            return
        exit = exit_of(fact.exit, observed, self.work.last_words(fact.exit))
        self._set(observed.exited(exit))
        if self.state.ending is None and exit.exit_code != 0 and observed.backoff is not None:
            self.work.say_back_off(observed.name)

    def _container_started(self, fact: messages.ContainerStarted) -> None:
        id = fact.started.id
        if (observed := self._latest(id, Stage.STARTING)) is not None:
            self._hear(facts.started(self._container(id.name), observed, fact), id.name)
        if (end := self.early_ends.pop(id, None)) is not None:
            self._container_ended(end)

    def _container_failed(self, fact: messages.ContainerFailed) -> None:
        name = fact.container.name
        self.early_ends.pop(fact.container, None)
        if (observed := self._latest(fact.container, Stage.STARTING)) is not None:
            self._hear(facts.failed(self._container(name), observed, fact, self.plane.clock.now()), name)

    def _container_resized(self, fact: messages.ContainerResized) -> None:
        observed = self._latest(fact.container, Stage.RUNNING)
        if observed is None:
            return
        now = self.plane.clock.now()
        self._hear(facts.resized(observed, fact, now), "")
        if fact.restart:
            due, text = now + self.pod.spec.termination_grace_period_seconds, RESIZE_RESTARTS.format(observed.name)
            self._stop(steps.StopContainer(observed.name, observed.attempt, due, "Killing", text, restart=True))

    def _hook_ended(self, fact: messages.HookEnded) -> None:
        if (observed := self._latest(fact.container, Stage.RUNNING)) is not None:
            self._hear(facts.hooked(observed, fact), observed.name)

    def _stop_signal_sent(self, id: ContainerId) -> None:
        observed = self._latest(id)
        if observed is not None and observed.alive and self.state.ending is not None:
            self.stopping.signal_sent(self._container(id.name), self.state.ending.grace_seconds)

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
        observed = self._latest(id, Stage.RUNNING)
        if observed is None:
            return
        passed = None if result.outcome is ProbeOutcome.UNKNOWN else result.succeeded
        key = ProbeKey(id.name, kind)
        verdict = self.probes.observe(key, id.attempt, passed, self.plane.clock.now())
        if self.state.ending is None and (words := probe_words(kind, result)) is not None:
            self.work.say(words.type, words.reason, words.message, id.name)
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
        self.report.settle()
        if not (self.gone or not self.world.link.connected or self.waiting_for_end):
            self.revision, self.pod = await self.report.write(self.pod, self.revision, self.state, now)

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

    def _latest(self, id: ContainerId, stage: Stage | None = None) -> Observed | None:
        """The attempt a fact is about, if there was none after it and (`stage`) it got just that far."""
        observed = self._observed(id.name)
        if observed is None or observed.attempt != id.attempt or stage not in (None, observed.stage):
            return None
        return observed

    def _hear(self, heard: facts.Heard, container: str) -> None:
        self._set(heard.observed)
        for word in heard.words:
            self.work.say(word.type, word.reason, word.message, container)

    def _set(self, observed: Observed) -> None:
        self.state = attrs.evolve(self.state, observed={**self.state.observed, observed.name: observed})

    def _describe(self) -> Description:
        rows = [("pod", f"{self.key.namespace}/{self.key.name}"), ("sandbox", self.state.sandbox.state.value)]
        rows += [(one.name, f"{one.stage.value}, attempt {one.attempt}") for one in self.state.observed.values()]
        return Description(tuple(rows))
