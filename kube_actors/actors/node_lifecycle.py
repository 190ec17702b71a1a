"""The node lifecycle controller: judges nodes by their heartbeats, taints silent ones, and evicts their pods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kube_actors.actors.control_plane import ControlPlane, reference_to
from kube_actors.api.times import parse_rfc3339, rfc3339
from kube_actors.api.views import NodeView, body_of
from kube_actors.api.views.cluster import Taint
from kube_actors.errors import ApiError
from kube_actors.kernel import Actor
from kube_actors.messages.common import Describe, Description
from kube_actors.plan.disruption_target import mark_disruption
from kube_actors.plan.node_lifecycle import NodePlan, Tenant, plan_evictions, plan_node
from kube_actors.store import Commit, Key, Revision

LEASES = "leases.coordination.k8s.io"
LEASE_NAMESPACE = "kube-node-lease"
LOOK_AGAIN = 0.05
MARK_AGAIN = 10.0
"""Seconds. A node that counts as not ready but is alive (somebody wrote its status) reports its pods ready again each
time they are marked; the two must not answer each other without end, so a pod is marked no more often than this."""


class NodeLifecycle(Actor[Describe]):
    """Looks at a node when it or one of its pods changed and when its next heartbeat is overdue; keys are node names.

    A heartbeat only moves the time at which a node counts as silent: nobody looks at a node that is well.
    """

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.client = plane.controller_client("node-controller")
        self.events = plane.events("node-controller")
        self.unsubscribe: Callable[[], None] | None = None
        self.silent: set[str] = set()
        self.marked: dict[str, float] = {}
        self.tolerating: dict[str, float] = {}
        """Pods that will have to go, by uid: since when they have been under the taints they tolerate for a while."""
        self.opened_at = 0.0

    async def started(self) -> None:
        """Every node gets its grace anew: while this process was away nobody could renew a Lease."""
        self.opened_at = self.plane.clock.now()
        self.unsubscribe = self.plane.store.subscribe(self._committed, "nodes", LEASES, "pods")
        for node in self.plane.store.list("nodes"):
            self.context.ref.notify(node.key.name)

    async def stopped(self) -> None:
        """Stop watching."""
        if self.unsubscribe is not None:
            self.unsubscribe()

    def _committed(self, commit: Commit) -> None:
        key = commit.revision.key
        if key.resource == "nodes":
            for name in (key.name, *sorted(self.silent)):
                self.context.ref.notify(name)
        elif key.resource == LEASES and key.namespace == LEASE_NAMESPACE and key.name in self.silent:
            self.context.ref.notify(key.name)
        elif key.resource == "pods" and commit.kind == "deleted":
            self.marked.pop(commit.revision.uid, None)
            self.tolerating.pop(commit.revision.uid, None)
        elif key.resource == "pods":
            node = commit.revision.projection.facts.node
            fresh = commit.previous is None or not commit.previous.projection.facts.node
            if node in self.silent or (fresh and node and self._is_tainted(node)):
                self.context.ref.notify(node)

    def _is_tainted(self, node: str) -> bool:
        revision = self.plane.store.get(Key("nodes", "", node))
        return revision is not None and any(taint[2] == "NoExecute" for taint in revision.projection.facts.taints)

    async def receive(self, message: Describe) -> None:
        """Only questions arrive here."""
        self.context.answer(message, Description((("silent nodes", ", ".join(sorted(self.silent)) or "none"),)))

    async def changed(self, keys: frozenset[Any]) -> None:
        """Judge each node."""
        for name in keys:
            try:
                await self._look_at(name)
            except ApiError as error:
                if error.reason not in ("Conflict", "NotFound"):
                    raise
                self.context.notify_at(self.plane.clock.now() + LOOK_AGAIN, name)

    async def _look_at(self, name: str) -> None:
        revision = self.plane.store.get(Key("nodes", "", name))
        if revision is None:
            self.silent.discard(name)
            return
        now = self.plane.clock.now()
        node: NodeView = revision.view
        grace, evicts = self.plane.config.timeouts.node_grace, self._any_other_ready(name)
        plan = plan_node(node, self._renewed_at(revision), grace, now, evicts=evicts)
        await self._write(revision, node, plan)
        next_mark = None
        if plan.not_ready:
            self.silent.add(name)
            next_mark = await self._pods_not_ready(name, now)
        else:
            self.silent.discard(name)
        taints = node.spec.taints if plan.taints is None else plan.taints
        next_eviction = await self._evict(name, taints, now)
        wake = [when for when in (plan.wake_at, next_mark, next_eviction) if when is not None]
        if wake:
            self.context.notify_at(min(wake), name)

    def _any_other_ready(self, name: str) -> bool:
        """Whether somebody else is heard; when nobody is, it is rather us who are cut off, and no pod is taken away."""
        nodes = self.plane.store.list("nodes")
        return any(node.projection.facts.ready for node in nodes if node.key.name != name)

    def _renewed_at(self, node: Revision) -> float:
        lease = self.plane.store.get(Key(LEASES, LEASE_NAMESPACE, node.key.name))
        renewed = lease.body().get("spec", {}).get("renewTime") if lease is not None else None
        return max(node.projection.created if renewed is None else parse_rfc3339(renewed), self.opened_at)

    async def _write(self, revision: Revision, node: NodeView, plan: NodePlan) -> None:
        if plan.conditions is not None:
            conditions = [body_of(condition) for condition in plan.conditions]
            await self.client.mutate(
                revision.key,
                lambda body: body.setdefault("status", {}).update(conditions=conditions),
                subresource="status",
            )
            about = reference_to(revision, kind="Node", api_version="v1")
            text = f"Node {revision.key.name} status is now: NodeNotReady"
            self.events.record(about, "Normal", "NodeNotReady", text)
        if plan.taints is not None:
            await self._write_taints(revision.key, plan.taints)

    async def _write_taints(self, key: Key, taints: tuple[Taint, ...]) -> None:
        bodies = [body_of(taint) for taint in taints]

        def change(body: dict[str, Any]) -> None:
            if bodies:
                body.setdefault("spec", {})["taints"] = bodies
            else:
                body.get("spec", {}).pop("taints", None)

        await self.client.mutate(key, change)

    async def _pods_not_ready(self, name: str, now: float) -> float | None:
        """Nobody vouches for the pods of a silent node: no traffic goes there. Answers when to look again."""
        stamp, again = rfc3339(now), None

        def change(body: dict[str, Any]) -> None:
            for condition in body.get("status", {}).get("conditions", []):
                if condition["type"] == "Ready" and condition["status"] == "True":
                    condition.update(status="False", lastTransitionTime=stamp)

        for pod in self.plane.store.on_node(name):
            if not pod.projection.facts.ready:
                continue
            due = self.marked.get(pod.uid, -MARK_AGAIN) + MARK_AGAIN
            if due > now:
                again = due if again is None else min(again, due)
                continue
            self.marked[pod.uid] = now
            await self.client.mutate(pod.key, change, subresource="status", uid=pod.uid)
        return again

    async def _evict(self, name: str, taints: tuple[Taint, ...], now: float) -> float | None:
        """Delete the pods whose time under the node's taints is over. Answers when to look again."""
        if not self.tolerating and not any(taint.effect == "NoExecute" for taint in taints):
            return None
        pods = {pod.uid: pod for pod in self.plane.store.on_node(name)}
        living = [pod for pod in pods.values() if pod.projection.deleting is None and not pod.projection.facts.terminal]
        tenants = (
            Tenant(p.key.name, p.key.namespace, p.uid, self.tolerating.get(p.uid, now), p.view.spec.tolerations)
            for p in living
        )
        plan = plan_evictions(tenants, taints, now)
        spared = self.tolerating.keys() & pods.keys() - {tenant.uid for tenant in (*plan.over, *plan.waiting)}
        for uid in sorted(spared, key=lambda uid: pods[uid].key):
            del self.tolerating[uid]
            self._say(pods[uid], "Cancelling deletion of Pod")
        self.tolerating |= {tenant.uid: tenant.since for tenant in plan.waiting}

        def mark(body: dict[str, Any]) -> None:
            mark_disruption(body, "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint", now)

        for tenant in plan.over:
            pod = pods[tenant.uid]
            self._say(pod, "Marking for deletion Pod")
            await self.client.mutate(pod.key, mark, subresource="status", uid=pod.uid)
            await self.client.delete(pod.key, uid=pod.uid)
        return plan.wake_at

    def _say(self, pod: Revision, what: str) -> None:
        about = reference_to(pod, kind="Pod", api_version="v1")
        text = f"{what} {pod.key.namespace}/{pod.key.name}"
        self.events.record(about, "Normal", "TaintManagerEviction", text)
