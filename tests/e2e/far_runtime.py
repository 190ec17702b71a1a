"""A cluster in another process, that can be killed and started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import trio

from kube_actors.node.agent.cgroups import group_name
from kube_actors.node.agent.host_link import interface_name

from .footprint import Footprint
from .stage import PATIENCE, Body

PROGRAM = Path(__file__).with_name("far_program.py")


class FarRuntime:
    """The process, and its answers. `acknowledged` are the writes it said were durable: (name, resourceVersion)."""

    def __init__(self, command: list[str], process: trio.Process, state: Path) -> None:
        self.command, self.process, self.state = command, process, state
        self.acknowledged: list[tuple[str, int]] = []
        self._buffer = b""

    async def ask(self, do: str, **arguments: Any) -> Any:
        """Ask it something."""
        await self.tell(do, **arguments)
        return await self.answer()

    async def tell(self, do: str, **arguments: Any) -> None:
        """Ask for what is not answered."""
        assert self.process.stdin is not None
        await self.process.stdin.send_all(json.dumps({"do": do, **arguments}).encode() + b"\n")

    async def answer(self) -> Any:
        """The next answer, past acknowledgements."""
        with trio.fail_after(PATIENCE):
            while True:
                line = await self._line()
                assert line, "the runtime ended"
                told = json.loads(line)
                if "answer" in told:
                    return told["answer"]
                self._acknowledge(told)

    async def _line(self) -> bytes:
        assert self.process.stdout is not None
        while b"\n" not in self._buffer:
            data = await self.process.stdout.receive_some(65536)
            if not data:
                return b""
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    async def acknowledgements(self, count: int) -> None:
        """Wait for so many more acknowledged writes."""
        wanted = len(self.acknowledged) + count
        with trio.fail_after(PATIENCE):
            while len(self.acknowledged) < wanted:
                self._acknowledge(json.loads(await self._line()))

    def _acknowledge(self, told: Body) -> None:
        name, version = told["acknowledged"]
        self.acknowledged.append((name, version))

    async def kill(self) -> None:
        """kill -9, and everything it still said."""
        self.process.send_signal(signal.SIGKILL)
        while line := await self._line():
            self._acknowledge(json.loads(line))
        await self.process.wait()

    async def end(self) -> None:
        """Let it end as it should. Fails when it failed."""
        assert self.process.stdin is not None
        await self.process.stdin.aclose()
        with trio.fail_after(PATIENCE):
            await self.process.wait()
        assert self.process.returncode == 0

    async def until(self, what: Callable[[Any], object], do: str, **arguments: Any) -> Any:
        """Ask again and again until the answer will do."""
        told = None
        with trio.move_on_after(PATIENCE):
            while not what(told := await self.ask(do, **arguments)):
                await trio.sleep(0.05)
            return told
        raise AssertionError(f"not within {PATIENCE:.0f} s: {told}")

    async def footprint(self) -> Footprint:
        """What it has on the machine."""
        keeper, _ = await self.ask("helpers")
        cluster_id = await self.ask("id")
        footprint = Footprint(
            root=self.state,
            interface=interface_name(cluster_id),
            networks=tuple(IPv4Network(cidr) for cidr in await self.ask("ranges")),
            ports=(),
            cgroup=group_name(cluster_id),
            keeper=keeper,
        )
        footprint.look()
        return footprint


@asynccontextmanager
async def far_runtime(state: Path, config: str) -> AsyncIterator[FarRuntime]:
    """A cluster in a process of its own, ready; killed at the end when it still runs."""
    config_file = state.with_suffix(".yaml")
    config_file.write_text(config)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, str(PROGRAM), str(state), str(config_file)]
    process = await trio.lowlevel.open_process(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    runtime = FarRuntime(command, process, state)
    try:
        assert await runtime.answer() == "ready"
        yield runtime
    finally:
        if process.returncode is None:
            process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
