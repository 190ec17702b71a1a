"""What every verb is given: the cluster as one person sees it."""

from __future__ import annotations

from typing import Protocol

import attrs

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.api.registry import Registry
from kube_actors.config.types import ClusterConfig
from kube_actors.kernel import ActorSystem
from kube_actors.records import frozen
from kube_actors.writes import Client


class Reconfigure(Protocol):
    """Takes a Cluster document, where that is possible, and answers whether anything changed (or would: `dry_run`)."""

    async def __call__(self, config: ClusterConfig, *, dry_run: bool = False) -> bool: ...


@frozen
class Session:
    """A person at work on a cluster. `namespace` is where names are looked for that say none.

    `logs` is the directory of all pods' logs; `reconfigure` takes a changed Cluster document, where that is possible;
    `started` is when the cluster began to run (cluster time in epoch seconds).
    """

    plane: ControlPlane
    system: ActorSystem
    client: Client
    registry: Registry
    namespace: str = "default"
    logs: str = ""
    reconfigure: Reconfigure | None = None
    started: float = 0.0

    @property
    def now(self) -> float:
        """Cluster time in epoch seconds."""
        return self.plane.clock.now()

    def in_namespace(self, namespace: str | None) -> Session:
        """The same person looking at another namespace; "" and None stay where they are."""
        return attrs.evolve(self, namespace=namespace) if namespace else self

    def written_by(self, field_manager: str) -> Session:
        """The same person writing under another field manager."""
        identity = attrs.evolve(self.client.identity, field_manager=field_manager)
        return attrs.evolve(self, client=self.client.with_identity(identity))

    async def settled(self) -> None:
        """Return when everything up to now is durable. ApiError 503 when it never will be."""
        store = self.plane.store
        await store.durable(store.head)
