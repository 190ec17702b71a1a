"""The Node actor: one per node of the cluster. Its pods are its children, its runtime is its own."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, assert_never

import attrs
import trio

from kube_actors.actors.control_plane import ControlPlane, reference_to
from kube_actors.actors.node.admission import Share, Tally, rejection_of
from kube_actors.actors.node.link import NodeLink
from kube_actors.actors.node.registration import NodeFacts, configure_node, lease_body, node_body, node_status
from kube_actors.actors.pod.actor import PodActor
from kube_actors.actors.pod.world import PodWorld
from kube_actors.api.quantity import Quantity
from kube_actors.api.times import rfc3339_micro
from kube_actors.api.views import PodView, body_of
from kube_actors.config.types import NodeConfig
from kube_actors.errors import ApiError
from kube_actors.kernel import Actor, ActorStopped, Ask, AskTimeout, NameTaken, Ref
from kube_actors.messages import node as messages
from kube_actors.messages.common import Describe, Description
from kube_actors.messages.node import NodeMessage
from kube_actors.messages.pod import ContainerEnded, EndPod, PodMessage, SandboxFound
from kube_actors.node.runtime.base import (
    ContainerExited,
    FoundSandbox,
    Runtime,
    RuntimeBack,
    RuntimeFailure,
    RuntimeGone,
    RuntimeLost,
)
from kube_actors.plan.node_admission import Rejection
from kube_actors.plan.pod_status import rejected_status
from kube_actors.store import Key, Revision
from kube_actors.writes import Client, Identity

R = TypeVar("R")

HEARTBEATS_PER_STATUS = 30
"""A status is posted again after so many heartbeats even when nothing changed: every five minutes by default."""
NAME_RETRY = 0.05
BACK = "back"
"""What pods are told when the node is back: report what happened meanwhile."""
END_SLACK = 5.0
"""Machine seconds beyond its grace that a pod may take to be gone."""


class NodeActor(Actor[NodeMessage]):
    """Registers the node, renews its Lease, admits pods for the scheduler, and is the one owner of its runtime."""

    def __init__(
        self,
        plane: ControlPlane,
        config: NodeConfig,
        facts: NodeFacts,
        runtime: Runtime,
        world: PodWorld,
    ) -> None:
        self.plane = plane
        self.config = config
        self.facts = facts
        self.runtime = runtime
        # Part of the server, so not of the group `system:nodes`: what restricts kubelets is not for it.
        identity = Identity(f"system:node:{config.name}", ("system:authenticated",), "kubelet")
        self.client: Client = plane.client_for(identity)
        self.link = NodeLink()
        events = plane.events("kubelet", config.name)
        self.world = attrs.evolve(world, client=self.client, link=self.link, events=events)
        self.pods: dict[str, Ref[PodMessage]] = {}
        self.tally = Tally(
            int(Quantity.parse(config.capacity.get("cpu", "0")).milli),
            int(Quantity.parse(config.capacity.get("memory", "0")).value),
            int(Quantity.parse(config.capacity.get("pods", "0")).value),
        )
        self.status_written = float("-inf")
        self.closing = False
        self.trouble = ""

    # -- life

    async def started(self) -> None:
        """Register, take over what the runtime already has, then serve."""
        self.plane.directory.nodes[self.config.name] = self.context.ref
        await self._register()
        await self._take_over()
        self.context.start_task(self._listen_to_runtime, name="runtime")
        self.context.start_task(self._send_heartbeats, name="heartbeat")

    async def stopped(self) -> None:
        """Nobody can ask this node any more."""
        if self.plane.directory.nodes.get(self.config.name) is self.context.ref:
            del self.plane.directory.nodes[self.config.name]

    async def _register(self) -> None:
        key = Key("nodes", "", self.config.name)
        if self.plane.store.get(key) is None:
            revision = await self.client.create(node_body(self.config, self.facts))
            about = reference_to(revision, kind="Node", api_version="v1")
            self.world.events.record(about, "Normal", "Starting", "Starting kubelet.")
        await self.client.mutate(key, lambda body: configure_node(body, self.config, self.facts))
        await self._post_status()

    async def _post_status(self) -> None:
        key, now = Key("nodes", "", self.config.name), self.plane.clock.now()
        before = self.plane.store.get(key)

        def change(body: dict[str, Any]) -> None:
            old = body.get("status") or {}
            body["status"] = node_status(self.config, self.facts, old, now, trouble=self.trouble)

        await self.client.mutate(key, change, subresource="status")
        registers, self.status_written = self.status_written < 0, now
        if before is not None and not before.projection.facts.ready and not registers and not self.trouble:
            about = reference_to(before, kind="Node", api_version="v1")
            self.world.events.record(about, "Normal", "NodeReady", f"Node {key.name} status is now: NodeReady")

    async def _take_over(self) -> None:
        """Go on with what the runtime has; without a runtime the node is not ready until it is back."""
        try:
            sandboxes = await self.runtime.adopt()
        except RuntimeGone as error:
            await self._runtime_down(str(error))
            return
        found = {sandbox.pod.uid: sandbox for sandbox in sandboxes}
        bound = {revision.uid: revision for revision in self.plane.store.on_node(self.config.name)}
        for uid in sorted(found.keys() - bound.keys()):
            await self.runtime.remove_sandbox(uid)
        for uid, revision in bound.items():
            self._hold_share(revision)
            address = revision.projection.facts.address
            if address and uid in found and self.world.addresses is not None:
                self.world.addresses.restore([address])
            self._start_pod(revision, found.get(uid))

    # -- heartbeats

    async def _send_heartbeats(self) -> None:
        """Renew the Lease every `node_heartbeat` seconds, and the status every now and then, while not cut off."""
        while True:
            if self.link.connected:
                try:
                    await self._heartbeat()
                except ApiError as error:
                    if error.reason not in ("Conflict", "NotFound"):
                        raise
            await self.plane.clock.sleep(self.plane.config.timeouts.node_heartbeat)

    @property
    def _status_every(self) -> float:
        return HEARTBEATS_PER_STATUS * self.plane.config.timeouts.node_heartbeat

    async def _heartbeat(self) -> None:
        now = self.plane.clock.now()
        node = self.plane.store.get(Key("nodes", "", self.config.name))
        if node is None:
            await self._register()
            return
        ready = node.projection.facts.ready
        if ready == bool(self.trouble) or now - self.status_written >= self._status_every:
            await self._post_status()
        key = Key("leases.coordination.k8s.io", "kube-node-lease", self.config.name)
        if self.plane.store.get(key) is None:
            await self.client.create(lease_body(self.config.name, node.uid, now), namespace="kube-node-lease")
            return
        await self.client.mutate(key, lambda body: body.setdefault("spec", {}).update(renewTime=rfc3339_micro(now)))

    # -- pods of the node

    async def changed(self, keys: frozenset[Any]) -> None:
        """Pods were bound to this node or changed on it."""
        if not self.link.connected:
            return
        for key, uid in sorted(keys):
            revision = self.plane.find(key, uid)
            pod = self.pods.get(uid)
            if pod is not None:
                pod.notify(uid)
            elif revision is not None and self._is_new(revision):
                self._take(revision)

    def _is_new(self, revision: Revision) -> bool:
        """Whether the pod is this node's to run; one that is over before it began here was rejected."""
        facts = revision.projection.facts
        return facts.node == self.config.name and not facts.terminal

    def _take(self, revision: Revision) -> None:
        """Run a pod, unless it cannot be run here."""
        node = self.plane.store.get(Key("nodes", "", self.config.name))
        why = rejection_of(revision, None if node is None else node.view, self.tally, self.plane.clock.now())
        if why is None:
            self._hold_share(revision)
            self._start_pod(revision, None)
        else:
            self.context.start_task(self._reject, revision, why, name=f"reject {revision.key.name}")

    async def _reject(self, revision: Revision, why: Rejection) -> None:
        """Say so in an Event and in its status: the pod has Failed before it began."""
        pod: PodView = revision.view
        self.world.record(pod, "Warning", why.reason, why.message)
        status = body_of(rejected_status(pod, why.reason, f"Pod was rejected: {why.message}", self.plane.clock.now()))
        try:
            await self.client.mutate(
                revision.key, lambda body: body.update(status=status), subresource="status", uid=revision.uid
            )
        except ApiError as error:
            if error.reason != "NotFound":
                raise

    def _hold_share(self, revision: Revision) -> None:
        facts = revision.projection.facts
        if not facts.terminal:
            cpu, memory = facts.requests
            self.tally.hold(revision.uid, Share(cpu, memory, facts.host_ports))

    def _start_pod(self, revision: Revision, found: FoundSandbox | None) -> None:
        key, uid = revision.key, revision.uid
        first = [found]

        def make() -> PodActor:
            # A restarted actor knows nothing and asks the runtime what runs; the first one was just told.
            return PodActor(self.plane, self.world, self.context.ref, key, uid, first.pop() if first else "ask")

        try:
            self.pods[uid] = self.context.spawn(f"{key.namespace}.{key.name}", make)
        except NameTaken:  # an earlier pod of this name is still ending here
            self.context.notify_at(self.plane.clock.now() + NAME_RETRY, (key, uid))
        else:
            self.plane.directory.pods[uid] = self.pods[uid]

    def _release_pod(self, uid: str) -> None:
        self.tally.release(uid)
        self.plane.directory.pods.pop(uid, None)
        pod = self.pods.pop(uid, None)
        if pod is not None:
            self.context.stop_child_soon(pod)

    async def _listen_to_runtime(self) -> None:
        async for event in self.runtime.events():
            self.context.ref.tell(messages.RuntimeReported(event))

    # -- messages

    async def receive(self, message: NodeMessage) -> None:
        """Serve the scheduler, the pods and people."""
        match message:
            case messages.AdmitPod():
                self._admit(message)
            case messages.CreateSandbox():
                self._serve(message, lambda: self.runtime.create_sandbox(message.spec))
            case messages.RunContainer():
                self._serve(message, lambda: self.runtime.run_container(message.spec))
            case messages.ResizeShare():
                self.context.answer(message, self.tally.resize(message))
            case messages.UpdateResources(container, resources):
                self._serve(message, lambda: self.runtime.update_resources(container, resources))
            case messages.StopContainer(container, signal, everything):
                self._serve(message, lambda: self.runtime.signal_container(container, signal, everything=everything))
            case messages.RemoveContainer(container):
                self._serve(message, lambda: self.runtime.remove_container(container))
            case messages.RemoveSandbox(pod_uid):
                self._serve(message, lambda: self.runtime.remove_sandbox(pod_uid))
            case messages.Exec(container, argv, stdin, tty):
                self._serve(message, lambda: self.runtime.exec(container, argv, stdin=stdin, tty=tty))
            case messages.Attach(container, stdin):
                self._serve(message, lambda: self.runtime.attach(container, stdin=stdin))
            case messages.ConnectPod():
                self._serve(message, lambda: self._connect(message))
            case messages.RuntimeReported(event):
                await self._runtime_reported(event)
            case messages.FindSandbox(pod_uid):
                self._serve(message, lambda: self._find_sandbox(pod_uid))
            case messages.PodGone(pod_uid):
                self._release_pod(pod_uid)
            case messages.PodFinished(pod_uid):
                self.tally.release(pod_uid)
            case messages.ShutDown():
                self.closing = True
                self.context.start_task(self._shut_down, message, name="shutdown")
            case messages.StopNode() | messages.PartitionNode() | messages.StartNode():
                await self._change_link(message)
            case Describe():
                self.context.answer(message, self._describe())
            case _:
                assert_never(message)

    def _serve(self, ask: Ask[R], work: Callable[[], Awaitable[R]]) -> None:
        """Do work of the runtime in a task of its own, so that a slow pod never keeps another waiting."""

        async def run() -> None:
            try:
                self.context.answer(ask, await work())
            except (RuntimeFailure, RuntimeGone, OSError) as error:
                self.context.refuse(ask, error)

        self.context.start_task(run, name=type(ask).__name__)

    async def _connect(self, ask: messages.ConnectPod) -> trio.abc.HalfCloseableStream:
        return await self.runtime.forward(ask.pod_uid, ask.port, inside=ask.inside)

    async def _find_sandbox(self, pod_uid: str) -> FoundSandbox | None:
        return next((found for found in await self.runtime.adopt() if found.pod.uid == pod_uid), None)

    def _admit(self, ask: messages.AdmitPod) -> None:
        if not self.link.connected or self.closing or self.trouble:
            self.context.answer(ask, messages.Refused("NodeShutdown", "node is not taking pods"))
            return
        self.context.answer(ask, self.tally.admit(ask, self.plane.clock.now()))

    async def _runtime_reported(self, event: ContainerExited | RuntimeLost | RuntimeBack) -> None:
        match event:
            case ContainerExited(id):
                pod = self.pods.get(id.pod_uid)
                if pod is not None:
                    pod.tell(ContainerEnded(event))
            case RuntimeBack():
                await self._runtime_back()
            case RuntimeLost(message):
                await self._runtime_down(message)
            case _:
                assert_never(event)

    async def _runtime_down(self, message: str) -> None:
        self.trouble = f"container runtime is down: {message}"
        node = self.plane.store.get(Key("nodes", "", self.config.name))
        if node is not None:
            about = reference_to(node, kind="Node", api_version="v1")
            self.world.events.record(about, "Warning", "ContainerRuntimeDown", message)
        if self.link.connected:
            await self._post_status()

    async def _runtime_back(self) -> None:
        self.trouble = ""
        if self.link.connected:
            await self._post_status()
        if self.pods:
            self._tell_pods(await self.runtime.adopt())
        else:
            await self._take_over()

    def _tell_pods(self, sandboxes: tuple[FoundSandbox, ...]) -> None:
        found = {sandbox.pod.uid: sandbox for sandbox in sandboxes}
        for uid, pod in self.pods.items():
            pod.tell(SandboxFound(found.get(uid)))

    async def _shut_down(self, ask: messages.ShutDown) -> None:
        """Every pod ends side by side; a pod whose actor fails meanwhile is ended by the runtime's own end."""

        async def end(pod: Ref[PodMessage]) -> None:
            with contextlib.suppress(AskTimeout, ActorStopped):
                await pod.ask(EndPod(ask.grace_seconds), deadline=ask.grace_seconds + END_SLACK)

        async with trio.open_nursery() as nursery:
            for pod in self.pods.values():
                nursery.start_soon(end, pod, name=f"{pod.path} end")
        self.context.answer(ask, None)

    # -- faults

    async def _change_link(self, ask: messages.StopNode | messages.PartitionNode | messages.StartNode) -> None:
        match ask:
            case messages.PartitionNode():
                self.link.cut()
            case messages.StopNode():
                self.link.cut()
                await self._die()
            case messages.StartNode():
                await self._come_back()
            case _:
                assert_never(ask)
        self.context.answer(ask, None)

    async def _die(self) -> None:
        """The machine fails: its pods are gone at once, no hook, no grace."""
        for uid in sorted(self.pods):
            await self.context.stop_child(self.pods.pop(uid))
            self.plane.directory.pods.pop(uid, None)
            self.tally.release(uid)
        for sandbox in await self.runtime.adopt():
            await self.runtime.remove_sandbox(sandbox.pod.uid)

    async def _come_back(self) -> None:
        self.link.restore()
        await self._post_status()
        await self._heartbeat()
        if self.pods:
            for pod in self.pods.values():
                pod.notify(BACK)
            bound = self.plane.store.on_node(self.config.name)
            await self.changed(frozenset((revision.key, revision.uid) for revision in bound))
        else:
            await self._take_over()

    def _describe(self) -> Description:
        tally = self.tally
        return Description(
            (
                ("node", self.config.name),
                ("runtime", self.runtime.description),
                ("link", self.link.state),
                ("pods", str(len(self.pods))),
                ("cpu promised", f"{tally.cpu_used}m of {tally.cpu_milli}m"),
                ("memory promised", f"{tally.memory_used} of {tally.memory_bytes}"),
            )
        )
