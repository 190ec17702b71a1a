"""The supervisor of all Node actors: one for each node of cluster.yaml. It routes every pod's commits to its node."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import assert_never

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.actors.node.actor import NodeActor
from kube_actors.actors.node.registration import RUNTIME_LABEL
from kube_actors.actors.pod.world import VOLUMES, Users
from kube_actors.config.types import NodeConfig
from kube_actors.kernel import Actor, Ref
from kube_actors.messages.common import Describe, Description
from kube_actors.messages.node import NodeMessage, StopNode
from kube_actors.messages.nodes import NodesMessage, SetNodes
from kube_actors.store import Commit, Key

STOP_DEADLINE = 60.0


class NodesActor(Actor[NodesMessage]):
    """Keeps a child per configured node. `make` builds the actor of one, `dismantle` ends what runs of one gone."""

    def __init__(
        self,
        plane: ControlPlane,
        nodes: Iterable[NodeConfig],
        users: Users,
        make: Callable[[NodeConfig], NodeActor],
        dismantle: Callable[[str], Awaitable[None]],
    ) -> None:
        self.plane = plane
        self.users = users
        self.make = make
        self.dismantle = dismantle
        self.nodes = {config.name: config for config in nodes}
        self.children: dict[str, Ref[NodeMessage]] = {}
        self.unsubscribe: Callable[[], None] | None = None

    async def started(self) -> None:
        """Forget nodes that went from cluster.yaml while nobody ran it, and start every other."""
        for revision in self.plane.store.list("nodes"):
            if RUNTIME_LABEL in revision.projection.labels and revision.key.name not in self.nodes:
                await self._forget(revision.key.name)
        self.unsubscribe = self.plane.store.subscribe(self._committed, "pods", "configmaps", "secrets")
        for config in self.nodes.values():
            self._start(config)

    async def stopped(self) -> None:
        """Stop watching."""
        if self.unsubscribe is not None:
            self.unsubscribe()

    def _start(self, config: NodeConfig) -> None:
        self.children[config.name] = self.context.spawn(config.name, lambda: self.make(config), mailbox=4096)

    def _committed(self, commit: Commit) -> None:
        resource = commit.revision.key.resource
        if resource == "pods":
            self._route(commit)
        elif resource in ("configmaps", "secrets"):
            for uid in self.users.of(commit.revision.key):
                if (pod := self.plane.directory.pods.get(uid)) is not None:
                    pod.notify(VOLUMES)

    def _route(self, commit: Commit) -> None:
        revision = commit.revision
        pod = self.plane.directory.pods.get(revision.uid)
        if pod is not None:
            pod.notify(revision.uid)
            return
        if commit.kind == "deleted":
            return
        node = self.children.get(revision.projection.facts.node)
        if node is not None:
            node.notify((revision.key, revision.uid))

    async def receive(self, message: NodesMessage) -> None:
        """Nodes of a changed cluster.yaml."""
        match message:
            case SetNodes(nodes):
                await self._set({config.name: config for config in nodes})
                self.context.answer(message, None)
            case Describe():
                self.context.answer(message, Description((("nodes", str(len(self.children))),)))
            case _:
                assert_never(message)

    async def _set(self, wanted: dict[str, NodeConfig]) -> None:
        for name in sorted(self.nodes.keys() - wanted.keys()):
            node = self.children.pop(name)
            await node.ask(StopNode(), deadline=STOP_DEADLINE)
            await self.context.stop_child(node)
            await self._forget(name)
        for name, config in wanted.items():
            if self.nodes.get(name) == config:
                continue
            if name in self.children:
                await self.context.stop_child(self.children.pop(name))
            self._start(config)
        self.nodes = wanted

    async def _forget(self, name: str) -> None:
        """The machine is gone: its Node object goes, and its pods with it, and what of them ran on unattended."""
        await self.dismantle(name)
        client = self.plane.controller_client("node-controller")
        for revision in self.plane.store.on_node(name):
            await client.delete(revision.key, uid=revision.uid, grace_seconds=0)
        node = self.plane.store.get(Key("nodes", "", name))
        if node is not None:
            await client.delete(node.key, uid=node.uid)
