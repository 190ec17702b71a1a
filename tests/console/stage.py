"""Commands without a socket, and clusters with one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from kube_actors.cluster import Cluster
from kube_actors.console.commands.run import run_command
from kube_actors.console.exchange import STDOUT, Exchange
from kube_actors.console.server import ConsoleLimits, open_console
from kube_actors.kernel import RealClock
from kube_actors.records import frozen
from kube_actors.verbs.arguments import split_line
from kube_actors.verbs.session import Session

from ..verbs.stage import simulated_cluster


class Transcript(Exchange):
    """An exchange that keeps what was printed, and has its input at hand."""

    def __init__(
        self, session: Session, stdin: bytes = b"", *, terminal: bool = False, directory: str | None = None
    ) -> None:
        self.session = session
        self.terminal = terminal
        self.directory = directory
        self.printed = {1: b"", 2: b""}
        self.grown = trio.Event()
        self._stdin = stdin
        self.sizes, self.resizes = trio.open_memory_channel[tuple[int, int]](1)

    async def send(self, stream: int, data: bytes) -> None:
        await trio.lowlevel.checkpoint()
        self.printed[stream] += data
        self.grown.set()
        self.grown = trio.Event()

    async def input(self) -> AsyncIterator[bytes]:
        await trio.lowlevel.checkpoint()
        yield self._stdin

    async def begin_terminal(self) -> None:
        await trio.lowlevel.checkpoint()

    async def until(self, text: str) -> None:
        """Wait for something to be printed on stdout."""
        while text not in self.printed[STDOUT].decode():
            await self.grown.wait()


@frozen
class Said:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


async def say(
    session: Session, line: str, stdin: str = "", *, terminal: bool = False, directory: str | None = None
) -> Said:
    """Run one command line."""
    transcript = Transcript(session, stdin.encode(), terminal=terminal, directory=directory)
    code = await run_command(transcript, split_line(line))
    return Said(code, transcript.printed[1].decode(), transcript.printed[2].decode())


@frozen
class ConsoleStage:
    """A cluster whose console answers at `path`."""

    cluster: Cluster
    path: Path


@asynccontextmanager
async def console_stage(directory: Path, limits: ConsoleLimits | None = None) -> AsyncIterator[ConsoleStage]:
    """A running simulated cluster in real time with its console open."""
    async with simulated_cluster(directory, clock=RealClock()) as cluster:
        path = cluster.state.console_socket
        async with open_console(cluster.session, path, limits=limits):
            yield ConsoleStage(cluster, path)
