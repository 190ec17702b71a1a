"""What takes long for a pod: every piece is a child task of its actor and reports back by message."""

from __future__ import annotations

import signal as signals
from functools import cached_property
from typing import Any

import attrs

from kube_actors.actors.pod.specs import (
    Surroundings,
    check_handler,
    container_spec,
    hostname_of,
    raw_container,
    resources_of,
    resources_of_pod,
    sandbox_spec,
)
from kube_actors.actors.pod.world import VOLUMES, PodWorld
from kube_actors.api.views.containers import Container
from kube_actors.api.views.pods import PodView
from kube_actors.errors import ApiError
from kube_actors.kernel import ActorStopped, AskTimeout, ClusterClock, MailboxFull, Ref
from kube_actors.messages import node as node_messages
from kube_actors.messages import pod as messages
from kube_actors.messages.network import NetworkMessage, WithdrawEndpoint
from kube_actors.messages.node import NodeMessage
from kube_actors.messages.pod import PodMessage
from kube_actors.network.addresses import PoolExhausted
from kube_actors.node.last_words import last_words
from kube_actors.node.objects import Objects, Place, references
from kube_actors.node.probing import HookFailure, Target, run_hook, run_probe
from kube_actors.node.runtime.base import (
    RESIZE_UNSUPPORTED,
    ContainerExited,
    ContainerId,
    ContainerSpec,
    RuntimeFailure,
    RuntimeGone,
    SandboxSpec,
    Volume,
)
from kube_actors.node.runtime.handlers import (
    HookHandler,
    ProbeOutcome,
    ProbeResult,
    SleepAction,
    UnresolvedHandler,
    resolve_handler,
)
from kube_actors.node.tokens import PodTokens, TokenRequest
from kube_actors.node.volumes import Sources, changed_files, refreshed_volumes, resolve_volumes
from kube_actors.plan.observed import INFEASIBLE, RESIZE_ERROR
from kube_actors.plan.probes import ProbeKind
from kube_actors.records import define
from kube_actors.store import Revision

RUNTIME_DEADLINE = 600.0
"""Machine seconds the runtime may take for one call (a busy engine, a first mount of a large image)."""
WITHDRAW_DEADLINE = 5.0
OUT_OF_REACH = (RuntimeGone, AskTimeout, ActorStopped, MailboxFull)


@define(slots=False)
class PodWork:
    """The long work of one pod, as its object was when the actor last called `see`."""

    world: PodWorld
    clock: ClusterClock
    me: Ref[PodMessage]
    node: Ref[NodeMessage]
    pod: PodView
    revision: Revision
    address: str | None = None
    volumes: tuple[Volume, ...] = ()
    warned: set[str] = attrs.field(factory=set)
    _body: dict[str, Any] | None = None

    def see(self, revision: Revision, pod: PodView) -> None:
        """Somebody else changed the object; its labels and annotations may be shown in files."""
        before, now = self.pod.metadata, pod.metadata
        if (before.labels, before.annotations) != (now.labels, now.annotations):
            self.me.notify(VOLUMES)
        self.revision, self.pod, self._body = revision, pod, None

    @property
    def body(self) -> dict[str, Any]:
        """The object's body, parsed when first wanted; not to be changed."""
        if self._body is None:
            self._body = self.revision.body()
        return self._body

    # -- the sandbox

    async def create_sandbox(self, binding: Revision) -> None:
        """Make the pod's world, once its binding cannot be lost any more."""
        try:
            await self.world.client.durable(binding)
            spec = self._sandbox_spec()
            self._warn(spec)
            address = await self.node.ask(node_messages.CreateSandbox(spec), deadline=RUNTIME_DEADLINE)
        except PoolExhausted as error:
            self._tell(messages.SandboxFailed("FailedCreatePodSandBox", f"no address is free on this node: {error}"))
        except RuntimeFailure as error:
            reason = error.reason if error.reason == "FailedMount" else "FailedCreatePodSandBox"
            text = error.message if reason == "FailedMount" else f"Failed to create pod sandbox: {error.message}"
            self._tell(messages.SandboxFailed(reason, text))
        except (*OUT_OF_REACH, OSError, ApiError) as error:
            self._tell(messages.SandboxFailed("FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}"))
        else:
            self.address = address
            self._tell(messages.SandboxCreated(address))

    def _sandbox_spec(self) -> SandboxSpec:
        check_handler(self.body, self.world)
        if not self.pod.spec.host_network and self.world.addresses is not None and self.address is None:
            self.address = self.world.addresses.allocate()
        self.volumes = self.resolved_volumes()
        return sandbox_spec(self.pod, self.world, self.address, self.volumes)

    async def remove_sandbox(self) -> None:
        """Take the pod's world away; tried again until the runtime has done it."""
        uid = self.pod.metadata.uid
        while True:
            try:
                await self.node.ask(node_messages.RemoveSandbox(uid), deadline=RUNTIME_DEADLINE)
            except (RuntimeFailure, *OUT_OF_REACH, OSError) as error:
                self.say("Warning", "FailedKillPod", f"error killing pod: {error}")
                await self.clock.sleep(1.0)
            else:
                break
        self.release_address()
        self._tell(messages.SandboxRemoved())

    def release_address(self) -> None:
        """Give the pod's address back to the node."""
        if self.address and self.world.addresses is not None and not self.pod.spec.host_network:
            self.world.addresses.release(self.address)
        self.address = None

    def place(self) -> Place:
        """What the pod may ask about itself."""
        own = self.address or (self.world.place.host_ip if self.pod.spec.host_network else "")
        return attrs.evolve(self.world.place, pod_ip=own, hostname=hostname_of(self.pod, self.world.node))

    def objects(self) -> Objects:
        """What the pod refers to, as it is now."""
        names = references(self.body)
        return self.world.objects(self.pod.metadata.namespace, names.config_maps, names.secrets)

    def resolved_volumes(self) -> tuple[Volume, ...]:
        """The pod's volumes, with what they refer to as it is now."""
        return resolve_volumes(Sources(self.body, self.objects(), self.place(), self.tokens))

    @cached_property
    def tokens(self) -> PodTokens:
        """What the pod's programs show the API."""
        meta, account = self.pod.metadata, self.body["spec"].get("serviceAccountName") or "default"
        sample = TokenRequest(meta.namespace, account, meta.name, meta.uid, self.world.node, audience="", seconds=0)
        return PodTokens(self.world.tokens, sample, self.clock.now)

    async def update_volumes(self) -> None:
        """Give running containers the files that changed; what cannot be read any more stays as it was."""
        sources = Sources(self.body, self.objects(), self.place(), self.tokens)
        fresh, failures = refreshed_volumes(self.volumes, sources)
        for failure in failures:
            self.say("Warning", failure.reason, failure.message)
        changed = changed_files(self.volumes, fresh)
        self.volumes = fresh
        for volume in changed:
            await self.world.runtime.update_files(self.pod.metadata.uid, volume)

    # -- containers

    async def start_container(self, container: Container, attempt: int) -> None:
        """Start one attempt and run its postStart hook."""
        id = ContainerId(self.pod.metadata.uid, container.name, attempt)
        try:
            around = Surroundings(self.pod, self.body, self.objects(), self.place())
            spec, warnings = container_spec(around, container, attempt, self.world)
            for warning in warnings:
                self.say("Warning", "InvalidEnvironmentVariableNames", warning, container.name)
            self._warn(spec)
            if attempt > 0:
                before = ContainerId(id.pod_uid, id.name, attempt - 1)
                await self.node.ask(node_messages.RemoveContainer(before), deadline=RUNTIME_DEADLINE)
            started = await self.node.ask(node_messages.RunContainer(spec), deadline=RUNTIME_DEADLINE)
        except RuntimeFailure as error:
            self._tell(messages.ContainerFailed(id, error.reason, error.message))
        except (*OUT_OF_REACH, OSError) as error:
            self._tell(messages.ContainerFailed(id, "RunContainerError", str(error)))
        else:
            self._tell(messages.ContainerStarted(started))
            await self._post_start(container, id)

    async def resize_container(self, container: Container, id: ContainerId, restart: bool) -> None:
        """Have the node count the pod's new requests, then give a running attempt its new resources. One that has to
        be restarted gets them with its next attempt."""
        uid, (cpu, memory) = self.pod.metadata.uid, self.revision.projection.facts.requests
        try:
            admission = await self.node.ask(node_messages.ResizeShare(uid, cpu, memory), deadline=RUNTIME_DEADLINE)
            if isinstance(admission, node_messages.Refused):
                self._tell(messages.ContainerResized(id, admission.reason, admission.message))
                return
            if not restart or self.pod.spec.resources is not None:
                ask = node_messages.UpdateResources(id, resources_of(container), resources_of_pod(self.pod))
                await self.node.ask(ask, deadline=RUNTIME_DEADLINE)
        except RuntimeFailure as error:
            reason = INFEASIBLE if error.reason == RESIZE_UNSUPPORTED else RESIZE_ERROR
            self._tell(messages.ContainerResized(id, reason, error.message))
        except (*OUT_OF_REACH, OSError) as error:
            self._tell(messages.ContainerResized(id, RESIZE_ERROR, str(error)))
        else:
            self._tell(messages.ContainerResized(id, restart=restart))

    async def _post_start(self, container: Container, id: ContainerId) -> None:
        if container.lifecycle is None or container.lifecycle.post_start is None:
            return
        error = await self._run_hook("postStart", id)
        self._tell(messages.HookEnded(id, error))

    async def _run_hook(self, which: str, id: ContainerId) -> str | None:
        """Run a hook; its error, or None when it went well."""
        raw = raw_container(self.body, id.name)
        try:
            handler = resolve_handler(raw["lifecycle"][which], raw)
            if not isinstance(handler, HookHandler):
                return f"invalid handler: {type(handler).__name__} is not supported for lifecycle hooks"
            await run_hook(self.world.runtime, Target(id, self.place().pod_ip), handler, self.clock)
        except (HookFailure, UnresolvedHandler) as error:
            return str(error)
        return None

    def last_words(self, exit: ContainerExited) -> str:
        """What stands in for the termination message of a container that failed without leaving one."""
        policy = raw_container(self.body, exit.id.name).get("terminationMessagePolicy")
        if policy != "FallbackToLogsOnError" or exit.exit_code == 0 or exit.message:
            return ""
        meta = self.pod.metadata
        return last_words(self.world.log_path(meta.namespace, meta.name, meta.uid, exit.id.name, exit.id.attempt))

    async def stop_container(
        self, container: Container, id: ContainerId, kill_at: float, network: Ref[NetworkMessage] | None
    ) -> None:
        """Withdraw the pod if it ends (`network`), run preStop, then send the stop signal. The kill is the actor's."""
        if network is not None:
            await self._withdraw(network)
        hooked = container.lifecycle is not None and container.lifecycle.pre_stop is not None
        if hooked and kill_at > self.clock.now():
            error: str | None = "preStop hook did not complete in the grace period"
            with self.clock.move_on_after(kill_at - self.clock.now()):
                error = await self._run_hook("preStop", id)
            if error is not None:
                self.say("Warning", "FailedPreStopHook", f"PreStopHook failed: {error}", container.name)
        await self.signal(id, self._stop_signal(container), everything=False)
        self._tell(messages.StopSignalSent(id))

    async def _withdraw(self, network: Ref[NetworkMessage]) -> None:
        """From here on no new connection reaches the pod. A network that does not answer must not keep it alive."""
        try:
            uid, address = self.pod.metadata.uid, self.address or ""
            await network.ask(WithdrawEndpoint(uid, address), deadline=WITHDRAW_DEADLINE)
        except (AskTimeout, ActorStopped, MailboxFull) as error:
            self.say("Warning", "FailedWithdrawEndpoint", f"endpoints may still lead here: {error}")

    def _stop_signal(self, container: Container) -> int:
        """The one of the image; what a container's lifecycle says counts from a later Kubernetes on."""
        try:
            wanted = self.world.images.find(container.image).stop_signal
        except RuntimeFailure:
            wanted = "SIGTERM"
        number = signals.__dict__.get(wanted if wanted.startswith("SIG") else f"SIG{wanted}")
        return int(number) if number is not None else int(signals.SIGTERM)

    async def signal(self, id: ContainerId, number: int, *, everything: bool) -> None:
        """Send a signal; a container that is gone needs none, a runtime out of reach is told again at the kill."""
        try:
            await self.node.ask(node_messages.StopContainer(id, number, everything), deadline=RUNTIME_DEADLINE)
        except (RuntimeFailure, *OUT_OF_REACH, OSError) as error:
            self.say("Warning", "FailedKillPod", f"error killing container {id.name}: {error}", id.name)

    async def kill(self, id: ContainerId) -> None:
        """End a container and everything it started, at once."""
        await self.signal(id, signals.SIGKILL, everything=True)

    async def ask_probe(self, id: ContainerId, kind: ProbeKind, within: float) -> None:
        """Make one probe of a running container."""
        raw = raw_container(self.body, id.name)
        try:
            handler = resolve_handler(raw[f"{kind.value}Probe"], raw)
        except UnresolvedHandler as error:
            result = ProbeResult(ProbeOutcome.FAILURE, str(error))
        else:
            assert not isinstance(handler, SleepAction), "probes cannot sleep"
            target = Target(id, self.place().pod_ip)
            result = await run_probe(self.world.runtime, target, handler, max(1.0, within))
        self._tell(messages.ProbeEnded(id, kind, result))

    # -- telling

    def _warn(self, spec: SandboxSpec | ContainerSpec) -> None:
        """Say once what this node leaves out."""
        fields = [each for each in self.world.runtime.unhonoured(spec) if each not in self.warned]
        if fields:
            self.warned.update(fields)
            what = f"{self.world.runtime.description} cannot honour: {', '.join(fields)}"
            self.say("Warning", "NotHonoured", f"Node {self.world.node} with {what}")

    def say(self, type: str, reason: str, message: str, container: str = "") -> None:
        """Record an Event about the pod, or about one of its containers."""
        self.world.record(self.pod, type, reason, message, container)

    def say_back_off(self, name: str) -> None:
        """A container that failed again has to wait before it runs again."""
        if self.pod.spec.restart_policy != "Never":
            meta = self.pod.metadata
            who = f"{name} in pod {meta.name}_{meta.namespace}({meta.uid})"
            self.say("Warning", "BackOff", f"Back-off restarting failed container {who}", name)

    def _tell(self, message: PodMessage) -> None:
        self.me.tell(message)
