"""The pod garbage collector: ends pods that no node will ever end, and the oldest of too many finished ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.errors import ApiError
from kube_actors.kernel import Actor
from kube_actors.messages.common import Describe, Description
from kube_actors.plan.pod_garbage import (
    Finished,
    give_up,
    give_up_orphan,
    is_evicted,
    is_out_of_service,
    surplus,
)
from kube_actors.store import Commit, Key, Revision

QUARANTINE = 40.0
"""Seconds a node must have been missing before its pods go: it may only be registering again."""
FINISHED_KEPT = 12_500
FINISHED = "finished"
NOT_NOW = frozenset({"Conflict", "NotFound"})


class PodGarbageCollector(Actor[Describe]):
    """Keys are names of nodes to be looked at, as `("node", name)`, pods without one that are to end, as `("pod", key,
    uid)`, and `FINISHED`. `most` finished pods may stay."""

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
            stays = facts.phase != "Failed" or not is_evicted(pod.body()["status"])
            self.finished[pod.uid] = Finished(stays, pod.projection.created, key.namespace, key.name, pod.uid)
            if len(self.finished) > self.most:
                self.context.ref.notify(FINISHED)
        if not facts.node:
            if pod.projection.deleting is not None and not facts.terminal:
                self.context.ref.notify(("pod", key, pod.uid))
            return
        node = self._find(facts.node)
        ending = pod.projection.deleting is not None
        if node is None or (ending and is_out_of_service(node.projection.facts.ready, node.projection.facts.taints)):
            self.context.ref.notify(("node", facts.node))

    def _find(self, node: str) -> Revision | None:
        return self.plane.store.get(Key("nodes", "", node))

    async def changed(self, keys: frozenset[Any]) -> None:
        """A node is gone or out of service, a pod never had one, or too many pods are over."""
        for key in sorted(keys, key=str):
            match key:
                case ("node", str(name)):
                    await self._look_at(name)
                case ("pod", Key() as place, str(uid)):
                    pod = self.plane.find(place, uid)
                    if pod is not None and not pod.projection.facts.node:
                        await self._end(pod, give_up)
                case _:
                    for one in surplus(self.finished.values(), self.most):
                        await self._delete(Key("pods", one.namespace, one.name), one.uid)

    async def _look_at(self, name: str) -> None:
        node = self._find(name)
        if node is not None:
            self.missing.pop(name, None)
            if is_out_of_service(node.projection.facts.ready, node.projection.facts.taints):
                for pod in self.plane.store.on_node(name):
                    if pod.projection.deleting is not None:
                        await self._end(pod, give_up)
            return
        now = self.plane.clock.now()
        due = self.missing.setdefault(name, now) + QUARANTINE
        if now < due:
            self.context.notify_at(due, ("node", name))
            return
        for pod in self.plane.store.on_node(name):
            await self._end(pod, lambda body: give_up_orphan(body, now))
        del self.missing[name]

    async def _end(self, pod: Revision, last_words: Callable[[dict[str, Any]], None]) -> None:
        """Let `last_words` write into the pod that it is lost, then let it go."""
        try:
            await self.client.mutate(pod.key, last_words, subresource="status", uid=pod.uid)
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
