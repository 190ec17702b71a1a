"""Making things fail on purpose: nodes and containers."""

from __future__ import annotations

from kube_actors.embed.life import Life
from kube_actors.errors import ApiError, not_found
from kube_actors.kernel import Ask
from kube_actors.messages.node import PartitionNode, StartNode, StopContainer, StopNode
from kube_actors.node.runtime.base import ContainerId
from kube_actors.store import Key
from kube_actors.verbs.pods import choose_container, choose_pod, container_status, node_of
from kube_actors.verbs.session import Session

DEADLINE = 30.0
"""Machine seconds a node may take to do as it is told."""


class Node:
    """See `Cluster.node`. Every verb raises ApiError 404 when there is no such node."""

    def __init__(self, life: Life, name: str) -> None:
        self._life = life
        self.name = name

    async def partition(self) -> None:
        """Cut it off: its heartbeats stop and it hears of nothing, while its pods run on."""
        await self._tell(PartitionNode())

    async def stop(self) -> None:
        """The machine fails: its pods are gone at once, and its heartbeats with them."""
        await self._tell(StopNode())

    async def start(self) -> None:
        """The machine, or its network, is back."""
        await self._tell(StartNode())

    async def cordon(self) -> None:
        """Let no new pods be placed on it."""
        await self._set_unschedulable(True)

    async def uncordon(self) -> None:
        """Let pods be placed on it again."""
        await self._set_unschedulable(False)

    async def _tell(self, ask: Ask[None]) -> None:
        with self._life.working() as session:
            node = session.plane.directory.nodes.get(self.name)
            if node is None:
                raise not_found("nodes", self.name)
            await node.ask(ask, deadline=DEADLINE)

    async def _set_unschedulable(self, wanted: bool) -> None:
        with self._life.working() as session:
            key = Key("nodes", "", self.name)
            revision = await session.client.mutate(key, lambda body: body["spec"].update(unschedulable=wanted))
            await session.client.durable(revision)


async def kill(session: Session, target: str, container: str, signal: int) -> None:
    """See `Cluster.kill`."""
    pod = choose_pod(session, target).revision
    body = pod.body()
    name = choose_container(body, container).name
    status = container_status(body, name)
    if status is None or "running" not in (status.get("state") or {}):
        raise ApiError("BadRequest", 400, f"container {name} of pod {pod.key.name} does not run")
    node = session.plane.directory.nodes.get(node_of(body))
    if node is None:
        raise not_found("nodes", node_of(body))
    attempt = ContainerId(pod.uid, name, int(status.get("restartCount", 0)))
    await node.ask(StopContainer(attempt, signal), deadline=DEADLINE)
