"""The node as the API shows it: its Node object, the status it posts, and the Lease it renews."""

from __future__ import annotations

from typing import Any

from kube_actors.actors.control_plane import ControlPlane, EventSink, reference_to
from kube_actors.actors.node.registration import NodeFacts, configure_node, lease_body, node_body, node_status
from kube_actors.api.times import rfc3339_micro
from kube_actors.config.types import NodeConfig
from kube_actors.store import Key, Revision
from kube_actors.writes import Client

HEARTBEATS_PER_STATUS = 30
"""A status is posted again after so many heartbeats even when nothing changed: every five minutes by default."""


class Presence:
    """What the rest of the cluster sees of a node. `trouble` says why it is not ready; empty when all is well."""

    def __init__(
        self, plane: ControlPlane, config: NodeConfig, facts: NodeFacts, client: Client, events: EventSink
    ) -> None:
        self.trouble = ""
        self._plane = plane
        self._config = config
        self._facts = facts
        self._client = client
        self._events = events
        self._status_written = float("-inf")

    @property
    def node(self) -> Revision | None:
        """The Node object; None when somebody has deleted it."""
        return self._plane.store.get(self._key)

    @property
    def _key(self) -> Key:
        return Key("nodes", "", self._config.name)

    async def register(self) -> None:
        """Make the Node object, with its status, if there is none; bring one that is there up to cluster.yaml."""
        if self.node is not None:
            await self._client.mutate(self._key, lambda body: configure_node(body, self._config, self._facts))
            await self.post_status()
            return
        body, now = node_body(self._config, self._facts), self._plane.clock.now()
        body["status"] = node_status(self._config, self._facts, {}, now, trouble=self.trouble)
        self._say(await self._client.create(body), "Starting", "Starting kubelet.")
        self._status_written = now

    async def post_status(self) -> None:
        """Write what the node is like now; that it has become ready is told."""
        before, now = self.node, self._plane.clock.now()

        def change(body: dict[str, Any]) -> None:
            old = body.get("status") or {}
            body["status"] = node_status(self._config, self._facts, old, now, trouble=self.trouble)

        await self._client.mutate(self._key, change, subresource="status")
        registers, self._status_written = self._status_written < 0, now
        if before is not None and not before.projection.facts.ready and not registers and not self.trouble:
            self._say(before, "NodeReady", f"Node {self._config.name} status is now: NodeReady")

    async def runtime_down(self, message: str, *, connected: bool) -> None:
        """Without its runtime the node is not ready; who is cut off cannot tell anybody."""
        self.trouble = f"container runtime is down: {message}"
        if (node := self.node) is not None:
            self._say(node, "ContainerRuntimeDown", message, type="Warning")
        if connected:
            await self.post_status()

    async def heartbeat(self) -> None:
        """Renew the Lease; post the status when it changed or is old."""
        node, now = self.node, self._plane.clock.now()
        if node is None:
            await self.register()
            return
        status_every = HEARTBEATS_PER_STATUS * self._plane.config.timeouts.node_heartbeat
        if node.projection.facts.ready == bool(self.trouble) or now - self._status_written >= status_every:
            await self.post_status()
        key = Key("leases.coordination.k8s.io", "kube-node-lease", self._config.name)
        if self._plane.store.get(key) is None:
            await self._client.create(lease_body(self._config.name, node.uid, now), namespace="kube-node-lease")
            return
        await self._client.mutate(key, lambda body: body.setdefault("spec", {}).update(renewTime=rfc3339_micro(now)))

    def _say(self, node: Revision, reason: str, message: str, *, type: str = "Normal") -> None:
        self._events.record(reference_to(node, kind="Node", api_version="v1"), type, reason, message)
