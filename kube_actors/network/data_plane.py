"""What makes traffic follow the service model. `apply` returns when it does: `WithdrawEndpoint` stands on that."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Protocol

import trio

from kube_actors.network.services import Changes, Endpoint, ServiceKey, ServicePort

ServiceRow = tuple[str, str, int, tuple[Endpoint, ...], int | None]
"""`(cluster_ip, protocol, port, endpoints, affinity_seconds)`"""


class DataPlane(abc.ABC):
    """Carries service ports. Changes take effect in the order they were submitted."""

    async def apply(self, changes: Changes) -> None:
        """Returns when no new connection goes where these changes say it should not."""
        self.submit(changes)
        await self.settled()

    @abc.abstractmethod
    def submit(self, changes: Changes) -> None:
        """Put changes behind those submitted before; never blocks or fails."""

    @abc.abstractmethod
    async def settled(self) -> None:
        """Returns when everything submitted so far is in force. What fails is kept and tried again at the next call."""


class ServiceLink(Protocol):
    """The part of the agent that programs the kernel's service table. Each call is one transaction."""

    async def program_services(self, services: list[ServiceRow], /) -> None:
        """Set these, new or in place of what was there."""

    async def remove_services(self, ports: list[tuple[str, str, int]], /) -> None:
        """Take `(cluster_ip, protocol, port)` away; unknown ones are no error."""


class NftDataPlane(DataPlane):
    """The kernel carries the traffic; the agent's link programs its table.

    While one batch is under way, the changes of other callers gather and go together in the next. Whoever has the turn
    and finds nothing waiting knows that its own changes went with an earlier batch.
    """

    def __init__(self, link: ServiceLink) -> None:
        self._link = link
        self._waiting: dict[ServiceKey, ServicePort | None] = {}
        self._turn = trio.Lock()

    def submit(self, changes: Changes) -> None:
        """Goes with the next batch; a later change of the same key replaces an earlier one."""
        self._waiting.update((key, None) for key in changes.remove)
        self._waiting.update((port.key, port) for port in changes.program)

    async def settled(self) -> None:
        """Returns when the kernel has confirmed; raises what the link raised."""
        async with self._turn:
            if self._waiting:
                await self._send()

    async def _send(self) -> None:
        batch, self._waiting = self._waiting, {}
        rows = [
            (port.cluster_ip, port.protocol, port.port, port.endpoints, port.affinity_seconds)
            for port in batch.values()
            if port is not None
        ]
        gone = [(key.cluster_ip, key.protocol, key.port) for key, port in batch.items() if port is None]
        try:
            if rows:
                await self._link.program_services(rows)
            if gone:
                await self._link.remove_services(gone)
        except BaseException:
            self._waiting = {**batch, **self._waiting}
            raise


class CombinedDataPlane(DataPlane):
    """Several planes as one: traffic follows when it follows in all of them."""

    def __init__(self, planes: Sequence[DataPlane]) -> None:
        self._planes = tuple(planes)

    def submit(self, changes: Changes) -> None:
        """To all of them."""
        for plane in self._planes:
            plane.submit(changes)

    async def settled(self) -> None:
        """When all are; raises what the first that fails raises."""
        for plane in self._planes:
            await plane.settled()
