"""The parts of a cluster that have verbs of their own, for plain code: its clock, its nodes, its rollouts."""

from __future__ import annotations

from kube_actors.embed.clock import Clock
from kube_actors.embed.faults import Node
from kube_actors.embed.portal import ThreadPortal
from kube_actors.embed.results import Object, RolloutRevision
from kube_actors.embed.rollout import Rollout
from kube_actors.embed.sync_bridge import result_of


class SyncClock:
    """Cluster time, in epoch seconds. In a virtual cluster it stands, except while somebody waits for the cluster."""

    def __init__(self, portal: ThreadPortal, clock: Clock) -> None:
        self._portal = portal
        self._clock = clock

    def now(self) -> float:
        """What time it is."""
        return result_of(self._portal, self._clock.now)

    def advance(self, seconds: float) -> None:
        """Live through so many seconds at once, everything in them at its own instant. ValueError when negative."""
        result_of(self._portal, self._clock.advance, seconds)

    def sleep(self, seconds: float) -> None:
        """Wait until so many seconds have passed."""
        result_of(self._portal, self._clock.sleep, seconds)

    def pause(self) -> None:
        """Let time stand still until `resume` or `advance`."""
        result_of(self._portal, self._clock.pause)

    def resume(self) -> None:
        """Let it go on from where it stands."""
        result_of(self._portal, self._clock.resume)


class SyncNode:
    """A node. Every verb raises ApiError 404 when there is none of its name."""

    def __init__(self, portal: ThreadPortal, node: Node) -> None:
        self._portal = portal
        self._node = node
        self.name = node.name

    def partition(self) -> None:
        """Cut it off: its heartbeats stop and it hears of nothing, while its pods run on."""
        result_of(self._portal, self._node.partition)

    def stop(self) -> None:
        """The machine fails: its pods are gone at once."""
        result_of(self._portal, self._node.stop)

    def start(self) -> None:
        """The machine, or its network, is back."""
        result_of(self._portal, self._node.start)

    def cordon(self) -> None:
        """Let no new pods be placed on it."""
        result_of(self._portal, self._node.cordon)

    def uncordon(self) -> None:
        """Let pods be placed on it again."""
        result_of(self._portal, self._node.uncordon)

    def drain(self, *, timeout: float | None = None, force: bool = False) -> None:
        """Cordon it and end its pods in order; returns when they have gone."""
        result_of(self._portal, self._node.drain, timeout=timeout, force=force)


class SyncRollout:
    """The rollout of one Deployment."""

    def __init__(self, portal: ThreadPortal, rollout: Rollout) -> None:
        self._portal = portal
        self._rollout = rollout

    def status(self, *, timeout: float | None = None) -> str:
        """Wait until the rollout is over, and answer the sentence that says so."""
        return result_of(self._portal, self._rollout.status, timeout=timeout)

    def history(self) -> tuple[RolloutRevision, ...]:
        """The revisions that are kept, oldest first."""
        return result_of(self._portal, self._rollout.history)

    def undo(self, *, to_revision: int = 0) -> Object:
        """Bring back the pod template of a revision, by default the one before the current."""
        return result_of(self._portal, self._rollout.undo, to_revision=to_revision)

    def restart(self) -> Object:
        """Replace every pod the way a change would."""
        return result_of(self._portal, self._rollout.restart)

    def pause(self) -> Object:
        """Let changes of the template wait."""
        return result_of(self._portal, self._rollout.pause)

    def resume(self) -> Object:
        """Let them roll out."""
        return result_of(self._portal, self._rollout.resume)
