"""Making things fail on purpose, nodes and containers; and taking a node away in good order."""

from __future__ import annotations

from contextlib import aclosing

from kube_actors.embed.doing import patience
from kube_actors.embed.life import Life
from kube_actors.errors import ApiError
from kube_actors.messages.node import StopContainer
from kube_actors.node.runtime.base import ContainerId
from kube_actors.verbs.drain import DrainRequest, check_plan, evict, plan_drain
from kube_actors.verbs.node import NodeFault, cordon, fault_node, unreachable
from kube_actors.verbs.pods import choose_container, choose_pod, container_status, node_of
from kube_actors.verbs.session import Session

KILL_DEADLINE = 30.0
"""Machine seconds a node may take to send a signal."""


class Node:
    """See `Cluster.node`. Every verb raises ApiError 404 when there is no node of its name."""

    def __init__(self, life: Life, name: str) -> None:
        self._life = life
        self.name = name

    async def partition(self) -> None:
        """Cut it off: its heartbeats stop and it hears of nothing, while its pods run on."""
        await self._fault("partition")

    async def stop(self) -> None:
        """The machine fails: its pods are gone at once, and its heartbeats with them."""
        await self._fault("stop")

    async def start(self) -> None:
        """The machine, or its network, is back."""
        await self._fault("start")

    async def cordon(self) -> None:
        """Let no new pods be placed on it."""
        with self._life.working() as session:
            await cordon(session, self.name)

    async def uncordon(self) -> None:
        """Let pods be placed on it again."""
        with self._life.working() as session:
            await cordon(session, self.name, unschedulable=False)

    async def drain(self, *, timeout: float | None = None, force: bool = False) -> None:  # noqa: ASYNC109  (cluster time)
        """Cordon it and end its pods in order; returns when they have gone. VerbError for pods that nobody would make
        anew, except with `force`; WaitTimeout after `timeout` seconds."""
        request = DrainRequest(force=force, ignore_daemonsets=True, delete_emptydir_data=True)
        with self._life.working() as session:
            await cordon(session, self.name)
            plan = plan_drain(session.plane.store.on_node(self.name), request)
            check_plan(self.name, plan)
            late = f"node {self.name} still has pods after {timeout or 0:g} s"
            with patience(session, timeout, lambda: late):
                async with aclosing(evict(session, plan.pods, request)) as evicted:
                    async for each in evicted:
                        if each.error is not None and not each.again:
                            raise each.error

    async def _fault(self, fault: NodeFault) -> None:
        with self._life.working() as session:
            await fault_node(session, self.name, fault)


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
        raise unreachable(node_of(body), "no such node answers")
    attempt = ContainerId(pod.uid, name, int(status.get("restartCount", 0)))
    await node.ask(StopContainer(attempt, signal), deadline=KILL_DEADLINE)
