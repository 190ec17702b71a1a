"""The parts of a cluster that have verbs of their own, for asyncio: its clock, its nodes, its rollouts."""

from __future__ import annotations

from kube_actors.embed.asyncio_bridge import result_of
from kube_actors.embed.clock import Clock
from kube_actors.embed.faults import Node
from kube_actors.embed.portal import Portal
from kube_actors.embed.results import Object, RolloutRevision
from kube_actors.embed.rollout import Rollout


class AioClock:
    """Cluster time, in epoch seconds. In a virtual cluster it stands, except while somebody waits for the cluster."""

    def __init__(self, portal: Portal, clock: Clock) -> None:
        self._portal = portal
        self._clock = clock

    async def now(self) -> float:
        """What time it is."""
        return await result_of(self._portal.submit(self._clock.now))

    async def advance(self, seconds: float) -> None:
        """Live through so many seconds at once, everything in them at its own instant. ValueError when negative."""
        await result_of(self._portal.submit(self._clock.advance, seconds))

    async def sleep(self, seconds: float) -> None:
        """Wait until so many seconds have passed."""
        await result_of(self._portal.submit(self._clock.sleep, seconds))

    async def pause(self) -> None:
        """Let time stand still until `resume` or `advance`."""
        await result_of(self._portal.submit(self._clock.pause))

    async def resume(self) -> None:
        """Let it go on from where it stands."""
        await result_of(self._portal.submit(self._clock.resume))


class AioNode:
    """A node. Every verb raises ApiError 404 when there is none of its name."""

    def __init__(self, portal: Portal, node: Node) -> None:
        self._portal = portal
        self._node = node
        self.name = node.name

    async def partition(self) -> None:
        """Cut it off: its heartbeats stop and it hears of nothing, while its pods run on."""
        await result_of(self._portal.submit(self._node.partition))

    async def stop(self) -> None:
        """The machine fails: its pods are gone at once."""
        await result_of(self._portal.submit(self._node.stop))

    async def start(self) -> None:
        """The machine, or its network, is back."""
        await result_of(self._portal.submit(self._node.start))

    async def cordon(self) -> None:
        """Let no new pods be placed on it."""
        await result_of(self._portal.submit(self._node.cordon))

    async def uncordon(self) -> None:
        """Let pods be placed on it again."""
        await result_of(self._portal.submit(self._node.uncordon))

    async def drain(self, *, timeout: float | None = None, force: bool = False) -> None:  # noqa: ASYNC109  (cluster time)
        """Cordon it and end its pods in order; returns when they have gone."""
        await result_of(self._portal.submit(self._node.drain, timeout=timeout, force=force))


class AioRollout:
    """The rollout of one Deployment."""

    def __init__(self, portal: Portal, rollout: Rollout) -> None:
        self._portal = portal
        self._rollout = rollout

    async def status(self, *, timeout: float | None = None) -> str:  # noqa: ASYNC109  (cluster time, not the loop's)
        """Wait until the rollout is over, and answer the sentence that says so."""
        return await result_of(self._portal.submit(self._rollout.status, timeout=timeout))

    async def history(self) -> tuple[RolloutRevision, ...]:
        """The revisions that are kept, oldest first."""
        return await result_of(self._portal.submit(self._rollout.history))

    async def undo(self, *, to_revision: int = 0) -> Object:
        """Bring back the pod template of a revision, by default the one before the current."""
        return await result_of(self._portal.submit(self._rollout.undo, to_revision=to_revision))

    async def restart(self) -> Object:
        """Replace every pod the way a change would."""
        return await result_of(self._portal.submit(self._rollout.restart))

    async def pause(self) -> Object:
        """Let changes of the template wait."""
        return await result_of(self._portal.submit(self._rollout.pause))

    async def resume(self) -> Object:
        """Let them roll out."""
        return await result_of(self._portal.submit(self._rollout.resume))
