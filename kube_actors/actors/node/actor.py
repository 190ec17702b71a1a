"""The Node actor: one per node of the cluster. Its pods are its children, its runtime is its own."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, assert_never

import attrs
import trio

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.actors.node.link import NodeLink
from kube_actors.actors.node.presence import Presence
from kube_actors.actors.node.registration import NodeFacts
from kube_actors.actors.node.residents import Residents
from kube_actors.actors.pod.world import PodWorld
from kube_actors.config.types import NodeConfig
from kube_actors.errors import ApiError
from kube_actors.kernel import Actor, ActorStopped, Ask, AskTimeout, Ref
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
from kube_actors.writes import Identity

R = TypeVar("R")

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
        self.runtime = runtime
        # Part of the server, so not of the group `system:nodes`: what restricts kubelets is not for it.
        client = plane.client_for(Identity(f"system:node:{config.name}", ("system:authenticated",), "kubelet"))
        self.link = NodeLink()
        events = plane.events("kubelet", config.name)
        self.world = attrs.evolve(world, client=client, link=self.link, events=events)
        self.presence = Presence(plane, config, facts, client, events)
        self.closing = False

    # -- life

    async def started(self) -> None:
        """Register, take over what the runtime already has, then serve."""
        self.residents = Residents(self.context, self.plane, self.config, self.world)
        self.plane.directory.nodes[self.config.name] = self.context.ref
        await self.presence.register()
        await self._take_over()
        self.context.start_task(self._listen_to_runtime, name="runtime")
        self.context.start_task(self._send_heartbeats, name="heartbeat")

    async def stopped(self) -> None:
        """Nobody can ask this node any more."""
        if self.plane.directory.nodes.get(self.config.name) is self.context.ref:
            del self.plane.directory.nodes[self.config.name]

    async def _take_over(self) -> None:
        """Go on with what the runtime has; without a runtime the node is not ready until it is back."""
        try:
            sandboxes = await self.runtime.adopt()
        except RuntimeGone as error:
            await self.presence.runtime_down(str(error), connected=self.link.connected)
            return
        found = {sandbox.pod.uid: sandbox for sandbox in sandboxes}
        bound = {revision.uid: revision for revision in self.plane.store.on_node(self.config.name)}
        for uid in sorted(found.keys() - bound.keys()):
            await self.runtime.remove_sandbox(uid)
        for uid, revision in bound.items():
            self.residents.take_over(revision, found.get(uid))

    async def _send_heartbeats(self) -> None:
        """Renew the Lease every `node_heartbeat` seconds, and the status every now and then, while not cut off."""
        while True:
            if self.link.connected:
                try:
                    await self.presence.heartbeat()
                except ApiError as error:
                    if error.reason not in ("Conflict", "NotFound"):
                        raise
            await self.plane.clock.sleep(self.plane.config.timeouts.node_heartbeat)

    async def _listen_to_runtime(self) -> None:
        async for event in self.runtime.events():
            self.context.ref.tell(messages.RuntimeReported(event))

    # -- messages

    async def changed(self, keys: frozenset[Any]) -> None:
        """Pods were bound to this node or changed on it."""
        if self.link.connected:
            for key, uid in sorted(keys):
                self.residents.see(key, uid)

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
                self.context.answer(message, self.residents.tally.resize(message))
            case messages.UpdateResources(container, resources, pod):
                self._serve(message, lambda: self.runtime.update_resources(container, resources, pod))
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
                self.residents.gone(pod_uid)
            case messages.PodFinished(pod_uid):
                self.residents.tally.release(pod_uid)
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
        if not self.link.connected or self.closing or self.presence.trouble:
            self.context.answer(ask, messages.Refused("NodeShutdown", "node is not taking pods"))
            return
        self.context.answer(ask, self.residents.tally.admit(ask, self.plane.clock.now()))

    async def _runtime_reported(self, event: ContainerExited | RuntimeLost | RuntimeBack) -> None:
        match event:
            case ContainerExited(id):
                pod = self.residents.actors.get(id.pod_uid)
                if pod is not None:
                    pod.tell(ContainerEnded(event))
            case RuntimeBack():
                await self._runtime_back()
            case RuntimeLost(message):
                await self.presence.runtime_down(message, connected=self.link.connected)
            case _:
                assert_never(event)

    async def _runtime_back(self) -> None:
        self.presence.trouble = ""
        if self.link.connected:
            await self.presence.post_status()
        if self.residents.actors:
            self._tell_pods(await self.runtime.adopt())
        else:
            await self._take_over()

    def _tell_pods(self, sandboxes: tuple[FoundSandbox, ...]) -> None:
        found = {sandbox.pod.uid: sandbox for sandbox in sandboxes}
        for uid, pod in self.residents.actors.items():
            pod.tell(SandboxFound(found.get(uid)))

    async def _shut_down(self, ask: messages.ShutDown) -> None:
        """Every pod ends side by side; a pod whose actor fails meanwhile is ended by the runtime's own end."""

        async def end(pod: Ref[PodMessage]) -> None:
            with contextlib.suppress(AskTimeout, ActorStopped):
                await pod.ask(EndPod(ask.grace_seconds), deadline=ask.grace_seconds + END_SLACK)

        async with trio.open_nursery() as nursery:
            for pod in self.residents.actors.values():
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
        await self.residents.drop_all()
        for sandbox in await self.runtime.adopt():
            await self.runtime.remove_sandbox(sandbox.pod.uid)

    async def _come_back(self) -> None:
        self.link.restore()
        await self.presence.post_status()
        await self.presence.heartbeat()
        if self.residents.actors:
            for pod in self.residents.actors.values():
                pod.notify(BACK)
            bound = self.plane.store.on_node(self.config.name)
            await self.changed(frozenset((revision.key, revision.uid) for revision in bound))
        else:
            await self._take_over()

    def _describe(self) -> Description:
        tally = self.residents.tally
        return Description(
            (
                ("node", self.config.name),
                ("runtime", self.runtime.description),
                ("link", self.link.state),
                ("pods", str(len(self.residents.actors))),
                ("cpu promised", f"{tally.cpu_used}m of {tally.cpu_milli}m"),
                ("memory promised", f"{tally.memory_used} of {tally.memory_bytes}"),
            )
        )
