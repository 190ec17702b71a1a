"""A data plane for tests."""

from __future__ import annotations

import trio

from kube_actors.network.data_plane import DataPlane
from kube_actors.network.services import Changes, ServiceKey, ServicePort


class RememberingPlane(DataPlane):
    """Nothing flows; it remembers what it was told."""

    def __init__(self) -> None:
        self.ports: dict[ServiceKey, ServicePort] = {}

    def submit(self, changes: Changes) -> None:
        """Takes effect at once."""
        for key in changes.remove:
            self.ports.pop(key, None)
        self.ports.update((port.key, port) for port in changes.program)

    async def settled(self) -> None:
        """Always."""
        await trio.lowlevel.checkpoint()
