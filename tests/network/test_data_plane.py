"""Data planes: what is acknowledged is in force."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from kube_actors.network.data_plane import CombinedDataPlane, NftDataPlane, ServiceRow
from kube_actors.network.services import Changes, Endpoint, ServiceKey, ServiceName, ServicePort

from .planes import RememberingPlane


def port(number: int, *addresses: str) -> ServicePort:
    """A service port of 10.96.0.7."""
    endpoints = tuple(Endpoint(address, 80) for address in addresses)
    return ServicePort("10.96.0.7", "TCP", number, endpoints, None, ServiceName("default", "web"))


def row(number: int, *addresses: str) -> ServiceRow:
    """The same as the agent is told."""
    return ("10.96.0.7", "TCP", number, tuple(Endpoint(address, 80) for address in addresses), None)


class Agent:
    """The agent's side: each call waits for `release`, and fails while `broken`."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[object]]] = []
        self.release = trio.Event()
        self.broken = False

    async def program_services(self, services: list[ServiceRow]) -> None:
        """Set service ports."""
        await self._called("program", list(services))

    async def remove_services(self, services: list[tuple[str, str, int]]) -> None:
        """Take service ports away."""
        await self._called("remove", list(services))

    async def _called(self, what: str, rows: list[object]) -> None:
        self.calls.append((what, rows))
        await self.release.wait()
        if self.broken:
            raise OSError("agent gone")


async def test_a_change_is_acknowledged_when_the_kernel_has_it(nursery: trio.Nursery) -> None:
    """Not before; changes made meanwhile go together, each key once with its last state."""
    agent, done = Agent(), list[int]()
    plane = NftDataPlane(agent)

    async def apply(number: int, changes: Changes) -> None:
        await plane.apply(changes)
        done.append(number)

    nursery.start_soon(apply, 1, Changes((port(1, "a"),)))
    await wait_all_tasks_blocked()
    nursery.start_soon(apply, 2, Changes((port(2, "a", "b"),)))
    await wait_all_tasks_blocked()
    nursery.start_soon(apply, 3, Changes((port(2, "b"),), (ServiceKey("10.96.0.7", "TCP", 1),)))
    await wait_all_tasks_blocked()
    assert (agent.calls, done) == ([("program", [row(1, "a")])], [])
    agent.release.set()
    await wait_all_tasks_blocked()
    assert agent.calls[1:] == [("program", [row(2, "b")]), ("remove", [("10.96.0.7", "TCP", 1)])]
    assert sorted(done) == [1, 2, 3]


async def test_what_failed_goes_with_the_next_batch(nursery: trio.Nursery) -> None:
    """The caller learns of it; what came later for the same key wins."""
    agent = Agent()
    agent.broken = True
    plane = NftDataPlane(agent)

    async def agent_fails() -> None:
        await wait_all_tasks_blocked()
        plane.submit(Changes((port(2, "b"),)))
        agent.release.set()

    nursery.start_soon(agent_fails)
    with pytest.raises(OSError, match="agent gone"):
        await plane.apply(Changes((port(1, "a"), port(2, "a"))))
    agent.broken = False
    await plane.settled()
    assert agent.calls[-1] == ("program", [row(1, "a"), row(2, "b")])
    await plane.settled()
    assert len(agent.calls) == 2


async def test_a_cancelled_call_is_not_forgotten(nursery: trio.Nursery) -> None:
    """Its changes go with the next."""
    agent = Agent()
    plane = NftDataPlane(agent)
    with trio.CancelScope() as scope:
        nursery.start_soon(wait_and_cancel, scope)
        await plane.apply(Changes((port(1, "a"),)))
    agent.release.set()
    await plane.apply(Changes((port(2, "b"),)))
    assert agent.calls[-1] == ("program", [row(1, "a"), row(2, "b")])


async def wait_and_cancel(scope: trio.CancelScope) -> None:
    """Cancel when everything else waits."""
    await wait_all_tasks_blocked()
    scope.cancel()


async def test_combined_planes_keep_the_order_and_wait_for_all(nursery: trio.Nursery) -> None:
    """Each plane sees changes as they were made; the slowest decides when they are in force."""
    agent, null, done = Agent(), RememberingPlane(), list[int]()
    plane = CombinedDataPlane([null, NftDataPlane(agent)])

    async def apply(number: int, changes: Changes) -> None:
        await plane.apply(changes)
        done.append(number)

    for number, addresses in enumerate(["a", "b", "c"]):
        plane.submit(Changes((port(1, addresses),)))
        nursery.start_soon(apply, number, Changes())
    await wait_all_tasks_blocked()
    assert (null.ports[port(1).key], done) == (port(1, "c"), [])
    agent.release.set()
    await wait_all_tasks_blocked()
    assert (agent.calls, sorted(done)) == ([("program", [row(1, "c")])], [0, 1, 2])
