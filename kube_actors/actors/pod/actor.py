"""The Pod actor: hears what happened to its pod, asks the plan what is next, and has it done."""

from __future__ import annotations

from typing import Any, Literal, assert_never

import attrs

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.actors.pod.hearing import Hearing
from kube_actors.actors.pod.known import Known
from kube_actors.actors.pod.performing import Performing
from kube_actors.actors.pod.probes import ProbeKey
from kube_actors.actors.pod.reporting import REPORT_PAUSE, STATUS, StatusReport, found_attempts
from kube_actors.actors.pod.work import PodWork
from kube_actors.actors.pod.world import VOLUMES, PodWorld
from kube_actors.api.views.pods import PodView
from kube_actors.errors import ApiError
from kube_actors.kernel import Actor, Ref
from kube_actors.messages import node as node_messages
from kube_actors.messages import pod as messages
from kube_actors.messages.common import Describe, Description
from kube_actors.messages.node import NodeMessage
from kube_actors.messages.pod import PodMessage
from kube_actors.node.runtime.base import FoundSandbox
from kube_actors.plan.observed import Ending, PodState, SandboxState
from kube_actors.plan.pod_adoption import adopt
from kube_actors.plan.pod_lifecycle import plan_pod
from kube_actors.store import Key, Revision

FIND_DEADLINE = 30.0
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
        self.waiting_for_end: list[messages.EndPod] = []

    # -- life

    async def started(self) -> None:
        """Take the pod over, whatever of it runs already."""
        self.found = await self._find() if self.found == "ask" else self.found
        revision = self.plane.find(self.key, self.uid)
        if revision is None:
            await self._remove_unknown()
            return
        pod: PodView = revision.view
        found = self.found if isinstance(self.found, FoundSandbox) else None
        self.known = Known(revision, pod, self._adopted(pod, found))
        self.work = PodWork(self.world, self.plane.clock, self.context.ref, self.node, pod, revision)
        self.performing = Performing(self.context, self.known, self.work, self.plane.directory)
        self.hearing = Hearing(self.known, self.work, self.performing, self.plane.clock.now)
        self.report = StatusReport(self.world.client, self.key, self.uid, self.context.notify_at)
        if found is not None:
            self.work.address = found.address or None
            self.context.ref.notify(VOLUMES)  # nobody knows which files it was given last: it is given all of them
        self.world.users.add(self.uid, self.key.namespace, self.work.body)
        self.taken_over = True
        self._see_deletion(revision)
        await self._next()

    def _adopted(self, pod: PodView, found: FoundSandbox | None) -> PodState:
        attempts = None if found is None else found_attempts(found, self.world.runtime)
        address = (found.address if found is not None else None) or ""
        return adopt(pod, attempts, address, self.world.place.host_ip, self.plane.clock.now())

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
                self.performing.begin_probe(key)
            elif isinstance(key, tuple) and (observed := self.known.observed(key[1])) is not None:  # ("kill", name)
                self.performing.stopping.kill_if_due(observed)
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
            self.known.state = attrs.evolve(self.known.state, ending=Ending(self.plane.clock.now(), 0))
        elif revision is self.known.revision:
            return False
        else:
            self.known.revision, self.known.pod = revision, revision.view
            self.work.see(revision, self.known.pod)
            self._see_deletion(revision)
        return True

    def _see_deletion(self, revision: Revision) -> None:
        if revision.projection.deleting is None:
            return
        grace = self.known.pod.metadata.deletion_grace_period_seconds or 0
        # The grace begins when the node hears of it. deletionTimestamp has whole seconds: taken alone it would cut
        # up to one off; it only keeps a restarted actor from beginning anew.
        since = min(self.plane.clock.now(), revision.projection.deleting - grace + TIMESTAMP_SECONDS)
        self.known.state = self.known.state.ending_by(since, grace)

    async def _update_volumes(self) -> None:
        """A ConfigMap or Secret changed: what waited for it is tried at once, running containers get its new files."""
        self.known.state = self.known.state.retried_at_once("CreateContainerConfigError")
        if self.known.state.sandbox.state is SandboxState.READY:
            await self.work.update_volumes()
            self.context.notify_at(self.work.tokens.renew_at, VOLUMES)

    async def receive(self, message: PodMessage) -> None:
        """Take in a fact, then see what is next."""
        if not self.taken_over:  # there was nothing to take over, and the node is about to let go of this actor
            return
        match message:
            case messages.ContainerEnded():
                self.hearing.container_ended(message)
            case messages.SandboxFound(found):
                self.hearing.sandbox_found(found)
            case messages.SandboxCreated(address):
                self.hearing.sandbox_created(address)
                self.context.notify_at(self.work.tokens.renew_at, VOLUMES)
            case messages.SandboxFailed(reason, text):
                self.hearing.sandbox_failed(reason, text)
            case messages.SandboxRemoved():
                self.hearing.sandbox_removed()
            case messages.ContainerStarted():
                self.hearing.container_started(message)
            case messages.ContainerFailed():
                self.hearing.container_failed(message)
            case messages.ContainerResized():
                self.hearing.container_resized(message)
            case messages.HookEnded():
                self.hearing.hook_ended(message)
            case messages.ProbeEnded():
                before = self.known.state
                self.hearing.probe_ended(message)
                if self.known.state is before:
                    return
            case messages.StopSignalSent(id):
                self.hearing.stop_signal_sent(id)
            case messages.EndPod():
                self._end_with_node(message)
            case Describe():
                self.context.answer(message, self._describe())
                return
            case _:
                assert_never(message)
        await self._next()

    def _end_with_node(self, ask: messages.EndPod) -> None:
        self.waiting_for_end.append(ask)
        grace = min(float(self.known.pod.spec.termination_grace_period_seconds), ask.grace_seconds)
        self.known.state = self.known.state.ending_by(self.plane.clock.now(), grace)

    # -- what is next

    async def _next(self, *, reporting: bool = False) -> None:
        """Ask the plan, do what it says, and report; with `reporting` even in the middle of something."""
        now, known = self.plane.clock.now(), self.known
        plan = plan_pod(known.pod, known.state, now)
        if plan.ending is not None and known.state.ending is None:
            known.state = attrs.evolve(known.state, ending=plan.ending)
            if plan.ending.reason:
                self.work.say("Normal", plan.ending.reason, plan.ending.message)
        for action in plan.actions:
            self.performing.perform(action)
        self.performing.follow_probes(now)
        if plan.wake_at is not None:
            self.context.notify_at(plan.wake_at, "wake")
        settles_at = known.state.settles_at(known.pod.spec, self.world.runtime.settling_seconds)
        if reporting or plan.ended or not (known.state.moving or now < settles_at):
            await self._report(now)
        else:
            self.report.put_off(max(now + REPORT_PAUSE, settles_at))
        if plan.ended:
            await self._ended()

    async def _report(self, now: float) -> None:
        self.report.settle()
        if not (self.gone or not self.world.link.connected or self.waiting_for_end):
            known = self.known
            known.revision, known.pod = await self.report.write(known.pod, known.revision, known.state, now)

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
        elif self.known.revision.projection.deleting is not None:
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

    def _describe(self) -> Description:
        state = self.known.state
        rows = [("pod", f"{self.key.namespace}/{self.key.name}"), ("sandbox", state.sandbox.state.value)]
        rows += [(one.name, f"{one.stage.value}, attempt {one.attempt}") for one in state.observed.values()]
        return Description(tuple(rows))
