"""The pod garbage collector: ends pods that no node will ever end, and the oldest of too many finished ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.errors import ApiError
from kube_actors.kernel import Actor
from kube_actors.messages.common import Describe, Description
from kube_actors.plan.pod_garbage import Finished, give_up, is_out_of_service, surplus
from kube_actors.store import Commit, Key, Revision

QUARANTINE = 40.0
"""Seconds a node must have been missing before its pods go: it may only be registering again."""
FINISHED_KEPT = 12_500
FINISHED = "finished"
GONE = "PodGC: node no longer exists"
OUT_OF_SERVICE = "PodGC: node is out of service"
NOT_NOW = frozenset({"Conflict", "NotFound"})


class PodGarbageCollector(Actor[Describe]):
    """Keys are names of nodes to be looked at, as `("node", name)`, and `FINISHED`. `most` finished pods may stay."""

    def __init__(self, plane: ControlPlane, most: int = FINISHED_KEPT) -> None:
        self.plane = plane
        self.most = most
        self.client = plane.controller_client("pod-garbage-collector")
        self.finished: dict[str, Finished] = {}
        self.missing: dict[str, float] = {}
        self.unsubscribe: list[Callable[[], None]] = []

    async def started(self) -> None:
        """Look at every pod once."""
        store = self.plane.store
        self.unsubscribe = [store.subscribe(self._pod, "pods"), store.subscribe(self._node, "nodes")]
        for pod in store.list("pods"):
            self._see(pod)

    async def stopped(self) -> None:
        """Stop watching."""
        for unsubscribe in self.unsubscribe:
            unsubscribe()

    async def receive(self, message: Describe) -> None:
        """Only questions arrive here."""
        rows = (
            ("finished pods", str(len(self.finished))),
            ("missing nodes", ", ".join(sorted(self.missing)) or "none"),
        )
        self.context.answer(message, Description(rows))

    def _node(self, commit: Commit) -> None:
        facts = commit.revision.projection.facts
        if commit.kind == "deleted" or is_out_of_service(facts.ready, facts.taints):
            self.context.ref.notify(("node", commit.key.name))

    def _pod(self, commit: Commit) -> None:
        if commit.kind == "deleted":
            self.finished.pop(commit.revision.uid, None)
        else:
            self._see(commit.revision)

    def _see(self, pod: Revision) -> None:
        key, facts = pod.key, pod.projection.facts
        if facts.terminal:
            self.finished[pod.uid] = Finished(pod.projection.created, key.namespace, key.name, pod.uid)
            if len(self.finished) > self.most:
                self.context.ref.notify(FINISHED)
        if not facts.node:
            return
        node = self._find(facts.node)
        ending = pod.projection.deleting is not None
        if node is None or (ending and is_out_of_service(node.projection.facts.ready, node.projection.facts.taints)):
            self.context.ref.notify(("node", facts.node))

    def _find(self, node: str) -> Revision | None:
        return self.plane.store.get(Key("nodes", "", node))

    async def changed(self, keys: frozenset[Any]) -> None:
        """A node is gone or out of service, or too many pods are over."""
        for key in sorted(keys, key=str):
            match key:
                case ("node", str(name)):
                    await self._look_at(name)
                case _:
                    for one in surplus(self.finished.values(), self.most):
                        await self._delete(Key("pods", one.namespace, one.name), one.uid)

    async def _look_at(self, name: str) -> None:
        node = self._find(name)
        if node is not None:
            self.missing.pop(name, None)
            if is_out_of_service(node.projection.facts.ready, node.projection.facts.taints):
                ending = [pod for pod in self.plane.store.on_node(name) if pod.projection.deleting is not None]
                await self._end(ending, OUT_OF_SERVICE)
            return
        now = self.plane.clock.now()
        due = self.missing.setdefault(name, now) + QUARANTINE
        if now < due:
            self.context.notify_at(due, ("node", name))
            return
        await self._end(self.plane.store.on_node(name), GONE)
        del self.missing[name]

    async def _end(self, pods: list[Revision], message: str) -> None:
        """Say why the pod is lost, then let it go."""
        for pod in pods:
            now = self.plane.clock.now()

            def change(body: dict[str, Any], now: float = now) -> None:
                give_up(body, message, now)

            try:
                await self.client.mutate(pod.key, change, subresource="status", uid=pod.uid)
            except ApiError as error:
                if error.reason not in NOT_NOW:
                    raise
            await self._delete(pod.key, pod.uid)

    async def _delete(self, key: Key, uid: str) -> None:
        self.finished.pop(uid, None)
        try:
            await self.client.delete(key, uid=uid, grace_seconds=0)
        except ApiError as error:
            if error.reason not in NOT_NOW:
                raise
