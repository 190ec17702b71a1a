"""A process runtime on an agent of its own, for tests; leaving it checks that nothing was left behind."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Network
from itertools import count
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from kube_actors.network.ranges import NetworkRanges
from kube_actors.node.agent.host_link import interface_name
from kube_actors.node.runtime.agent_link import AgentLink, Tier, open_agent
from kube_actors.node.runtime.base import ContainerId, ContainerSpec, RuntimeFailure, SandboxSpec
from kube_actors.node.runtime.process import ProcessRuntime

from .contract import HOST_IMAGE, Does, Stage, eventually, log_text, pod_name, shell_script


def _ranges(first: int, second: int) -> NetworkRanges:
    pods, services, nodes, _ = IPv4Network(f"{first}.{second}.0.0/16").subnets(2)
    return NetworkRanges(pods, services, nodes)


# Of this process alone, so that test runs side by side do not meet; and none that a cluster would choose for itself.
_SECOND = 130 + os.getpid() % 80
RANGES = _ranges(10, _SECOND)
RANGES_IN_C = _ranges(127, _SECOND)


class ProcessStage(Stage):
    """One node on an agent in `directory`."""

    runtime: ProcessRuntime

    def __init__(self, directory: Path, tier: Tier) -> None:
        self.directory, self.tier = directory, tier
        self._numbers = count(1)
        self.link: AgentLink
        self._done: trio.Event
        self._left: trio.Event

    def sandbox(self, uid: str = "u-1") -> SandboxSpec:
        """Pod u-N has address N of the range, after those that are the agent's."""
        address = self.link.ranges.pod_cidr[16 + int(uid.rpartition("-")[2])]
        return SandboxSpec(pod_name(uid), f"pod-{uid}", str(address))

    def container(self, does: Does, *, uid: str = "u-1", name: str = "main", attempt: int = 0) -> ContainerSpec:
        """A shell that behaves so."""
        log = self.directory / "logs" / f"{uid}-{name}-{attempt}.log"
        argv = ("/bin/sh", "-c", shell_script(does))
        return ContainerSpec(ContainerId(uid, name, attempt), HOST_IMAGE, argv, str(log))

    def next_number(self) -> int:
        """1, 2, 3 …"""
        return next(self._numbers)

    async def run(self, script: str, *, uid: str = "u-1", name: str = "main", **changes: Any) -> ContainerSpec:
        """Run a shell script in a pod (made when missing); `changes` are fields of the specification."""
        if uid not in {found.pod.uid for found in await self.runtime.adopt()}:
            await self.runtime.create_sandbox(self.sandbox(uid))
        spec = attrs.evolve(self.container(Does(), uid=uid, name=name), argv=("/bin/sh", "-c", script), **changes)
        await self.runtime.run_container(spec)
        return spec

    async def output(self, script: str, **changes: Any) -> str:
        """What a script prints to stdout until it ends."""
        spec = await self.run(script, **changes)
        while (await self.next_exit()).id != spec.id:
            pass
        return log_text(spec)

    async def start(self, does: Does, *, uid: str = "u-1", name: str = "main", attempt: int = 0) -> ContainerId:
        """As in the contract; a container that runs on is waited for until it minds signals as it should."""
        started = await super().start(does, uid=uid, name=name, attempt=attempt)
        spec = self.container(does, uid=uid, name=name, attempt=attempt)

        async def up() -> bool:
            return log_text(spec) == "up\n"

        if does.exit_code is None:
            await eventually(up)
        return started

    async def reopen(self) -> None:
        """Close the link keeping what runs, and open it anew."""
        await self._close(keep=True)
        await self.nursery.start(self._hold)

    async def _hold(self, task_status: trio.TaskStatus[None]) -> None:
        self._done, self._left = trio.Event(), trio.Event()
        ranges = RANGES_IN_C if self.tier == "C" else RANGES
        opened = open_agent(
            self.directory, cluster_id=self.directory.name, ranges=ranges, on_exit="keep", tier=self.tier
        )
        async with opened as link:
            self.link = link
            address = str(ranges.node_cidr[16])
            self.runtime = ProcessRuntime(link, node="node-1", address=address, clock_now=time.time)
            task_status.started()
            await self._done.wait()
        self._left.set()

    async def _close(self, *, keep: bool) -> None:
        await self.runtime.aclose(keep=keep)
        self._done.set()
        await self._left.wait()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[ProcessStage]:
        """Start, and at the end take everything down and look for leftovers."""
        async with trio.open_nursery() as self.nursery:
            await self.nursery.start(self._hold)
            keeper = self.link.keeper_pid
            try:
                yield self
            finally:
                await self.link.request("end")
                await process_ended(keeper)
                self._done.set()
                self.nursery.cancel_scope.cancel()
        assert interface_name(self.directory.name) not in [name for _, name in socket.if_nameindex()]
        assert not (self.directory / "pods").exists()


async def process_ended(pid: int) -> None:
    """Wait until a process that is not ours has ended (whoever is to reap it may take its time)."""

    async def ended() -> bool:
        return not is_running(pid)

    await eventually(ended)


def is_running(pid: int) -> bool:
    """Whether there is such a process, and not just what is left of it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def possible(tier: Tier, directory: Path) -> None:
    """Skip the test when the machine does not allow the tier; asked once per tier."""
    if tier not in _IMPOSSIBLE:
        _IMPOSSIBLE[tier] = ""
        try:
            async with open_agent(directory, cluster_id="possible", ranges=RANGES, on_exit="end", tier=tier):
                pass
        except RuntimeFailure as failure:
            _IMPOSSIBLE[tier] = failure.message
    if _IMPOSSIBLE[tier]:
        pytest.skip(f"tier {tier}: {_IMPOSSIBLE[tier]}")


_IMPOSSIBLE: dict[Tier, str] = {}


@asynccontextmanager
async def opened(tier: Tier, directory: Path) -> AsyncIterator[ProcessStage]:
    """A stage in that tier; the test is skipped where the machine does not allow it."""
    await possible(tier, directory)
    async with ProcessStage(directory, tier).opened() as stage:
        yield stage
