"""The runtime's connection to the agent of its cluster, shared by all its process nodes.

Requests may be made concurrently; answers come back in any order. When the agent dies the keeper starts it again:
calls in flight raise RuntimeGone, listeners hear RuntimeLost, and RuntimeBack once the link stands again.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, Literal

import trio

from kube_actors.network.ranges import NetworkRanges
from kube_actors.node.agent.settings import Settings
from kube_actors.node.runtime.agent_connection import AgentConnection
from kube_actors.node.runtime.agent_interpreter import AgentInterpreter
from kube_actors.node.runtime.agent_process import start_agent
from kube_actors.node.runtime.base import RuntimeBack, RuntimeFailure, RuntimeGone, RuntimeLost
from kube_actors.records import frozen

Tier = Literal["A", "B", "C"]
FINISH_WITHIN = 10.0
"""Seconds for which who is cancelled is kept by something that is not to be left half-way."""
_RECONNECT_WITHIN = 10.0  # seconds
_RECONNECT_EVERY = 0.02
_END_WITHIN = 10.0
_CONNECT_WITHIN = 12.0  # longer than an agent may take to end


@frozen
class ProbeStep:
    """One thing tried to find the tier, and what the kernel said when it refused (`doctor` shows these)."""

    tier: str
    name: str
    ok: bool
    message: str


ServiceRow = tuple[str, str, int, Sequence[tuple[str, int]], int | None]
"""`(cluster_ip, protocol, port, endpoints, affinity_seconds)`"""

Listener = Callable[[dict[str, Any] | RuntimeLost | RuntimeBack], None]


class _Pending:
    """A request that waits for its answer."""

    def __init__(self) -> None:
        self.done = trio.Event()
        self.answer: dict[str, Any] | None = None
        self.fds: list[int] = []
        self.abandoned = False


class AgentLink:
    """See the module. Made by `open_agent`."""

    def __init__(
        self,
        settings: Settings,
        *,
        keep: bool,
        held: Sequence[int] = (),
        interpreter: AgentInterpreter | None = None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings, self._keep, self._held = settings, keep, tuple(held)
        self._interpreter, self._meanwhile = interpreter, meanwhile
        self._has_started_agent = False
        self._refusal: Exception = RuntimeFailure("AgentNotStarted", "the agent started but cannot be reached")
        self._connection: AgentConnection | None = None
        self._nursery: trio.Nursery | None = None
        self._numbers = itertools.count(1)
        self._pending: dict[int, _Pending] = {}
        self._listeners: list[Listener] = []
        self._closing = False
        self._gone = trio.Event()
        self.hello: dict[str, Any] = {}

    # --- what the agent told

    @property
    def tier(self) -> Tier:
        """What the machine allows: A root, B user namespaces, C neither."""
        tier: Tier = self.hello["tier"]
        return tier

    @property
    def probe_report(self) -> tuple[ProbeStep, ...]:
        """What was tried to find the tier."""
        return tuple(ProbeStep(*step) for step in self.hello["probe"])

    @property
    def limits(self) -> frozenset[str]:
        """The cgroup controllers that can be used: `memory`, `cpu`, `pids`."""
        return frozenset(self.hello["limits"])

    @property
    def ranges(self) -> NetworkRanges:
        """The network ranges the agent was started with: in tiers A and B those in use.

        In tier C, where pods need addresses every process may bind, it is for the caller to use ranges of 127.0.0.0/8.
        The first two addresses of the pod and node ranges are the agent's own.
        """
        return NetworkRanges(*(IPv4Network(cidr) for cidr in self.hello["ranges"]))

    @property
    def agent_pid(self) -> int:
        return int(self.hello["pid"])

    @property
    def keeper_pid(self) -> int:
        return int(self.hello["keeper"])

    # --- for the network

    async def program_services(self, services: Iterable[ServiceRow]) -> None:
        """Set service ports; returns when the kernel has them. Ports set as they are already cost nothing.

        With affinity a client keeps its endpoint as long as that is there, for so many seconds since it last came.
        Raises RuntimeFailure in tier C, which has no service table.
        """
        rows = [
            [address, protocol, port, [list(endpoint) for endpoint in endpoints], affinity]
            for address, protocol, port, endpoints, affinity in services
        ]
        await self.request("program_services", services=rows)

    async def remove_services(self, ports: Iterable[tuple[str, str, int]]) -> None:
        """Remove (cluster_ip, protocol, port)s; connections are then refused."""
        rows = [[address, kind, port, None, None] for address, kind, port in ports]
        await self.request("program_services", services=rows)

    async def listen(self, namespace: str, address: str, port: int, kind: str = "TCP") -> trio.socket.SocketType:
        """A socket bound in a network namespace: `cluster`, `node:<name>` or `pod:<uid>`; TCP ones listen."""
        _, fds = await self.request_fds("socket", namespace=namespace, type=kind, listen=[address, port])
        return _adopt_socket(fds[0])

    async def socket(self, namespace: str, kind: str = "TCP") -> trio.socket.SocketType:
        """An unconnected socket of a network namespace."""
        _, fds = await self.request_fds("socket", namespace=namespace, type=kind)
        return _adopt_socket(fds[0])

    async def connect(self, pod_uid: str, host: str, port: int) -> trio.SocketStream:
        """A TCP connection made from inside a pod. Raises OSError as connect(2) does."""
        return await connected(await self.socket(f"pod:{pod_uid}"), host, port)

    # --- requests

    async def request(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Ask and wait. Raises RuntimeFailure or RuntimeGone."""
        answer, fds = await self.request_fds(operation, **arguments)
        _close_all(fds)
        return answer

    async def request_fds(self, operation: str, **arguments: Any) -> tuple[dict[str, Any], list[int]]:
        """As `request`, with the descriptors that came along: the caller owns them.

        A cancelled request is still done by the agent; its answer is dropped.
        """
        return await self._asked(operation, arguments, finish_within=0.0)

    async def finish(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """As `request`, for what is not to be left half-way: see `finish_fds`."""
        answer, fds = await self.finish_fds(operation, **arguments)
        _close_all(fds)
        return answer

    async def finish_fds(self, operation: str, **arguments: Any) -> tuple[dict[str, Any], list[int]]:
        """As `request_fds`, but who is cancelled meanwhile is kept until it is done, though no longer than
        `FINISH_WITHIN`: what sleeps in the kernel (a file system that does not answer) may never be."""
        return await self._asked(operation, arguments, finish_within=FINISH_WITHIN)

    async def _asked(
        self, operation: str, arguments: dict[str, Any], *, finish_within: float
    ) -> tuple[dict[str, Any], list[int]]:
        connection = self._connection
        if connection is None:
            raise RuntimeGone("the agent is out of reach")
        number, pending = next(self._numbers), _Pending()
        self._pending[number] = pending
        try:
            await connection.send({"id": number, "op": operation, **arguments})
            if finish_within:
                with trio.move_on_after(finish_within, shield=True):
                    await pending.done.wait()
            if not pending.done.is_set():
                await pending.done.wait()
        except BaseException:
            pending.abandoned = True
            _close_all(pending.fds)
            raise
        if pending.answer is None:
            raise RuntimeGone("the agent went away during the call")
        if (failure := pending.answer.get("failure")) is not None:
            _close_all(pending.fds)
            raise RuntimeFailure(failure["reason"], failure["message"])
        answer: dict[str, Any] = pending.answer["ok"]
        return answer, pending.fds

    def request_soon(self, operation: str, **arguments: Any) -> None:
        """Ask without waiting, best effort: for notices whose loss costs only a repetition."""
        if self._connection is not None:
            self.start_task(_send_quietly, self._connection, {"id": 0, "op": operation, **arguments})

    def start_task(self, task: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        """Run a task for as long as the link is open; it must not fail."""
        if self._nursery is not None:
            self._nursery.start_soon(task, *arguments, name=f"agent link: {task.__name__}")

    # --- the connection

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every event of the agent, and with losses and returns. Returns the way to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def connect_agent(self) -> None:
        """Connect and greet; starts the agent when there is none, waits for one that is just ending or being left.

        Raises RuntimeFailure. An agent that was started for a caller who is cancelled ends before this returns.
        """
        with trio.move_on_after(_CONNECT_WITHIN):
            try:
                return await self._connected_agent()
            except trio.Cancelled:
                if self._has_started_agent:
                    await self._end_unused()
                raise
        raise RuntimeFailure("AgentNotStarted", str(self._refusal)) from self._refusal

    async def _connected_agent(self) -> None:
        while True:
            try:
                connection = await AgentConnection.open(self._settings, keep=self._keep)
            except (RuntimeFailure, RuntimeGone) as failure:
                if isinstance(failure, RuntimeFailure) and failure.reason != "Busy":
                    raise
                self._refusal = failure
                await trio.sleep(_RECONNECT_EVERY)
                continue
            if connection is not None:
                self._connection, self.hello = connection, connection.hello
                return
            self._has_started_agent = True
            await start_agent(self._own_interpreter(), self._settings, self._held, meanwhile=self._meanwhile)

    async def _end_unused(self) -> None:
        """Leave an agent before it has anything to do: without a runtime it would wait for one."""
        with trio.move_on_after(_END_WITHIN, shield=True), contextlib.suppress(RuntimeGone, RuntimeFailure):
            connection = await AgentConnection.open(self._settings, keep=False)
            if connection is not None:
                await connection.send({"op": "end", "id": 1})
                while await connection.receive() is not None:
                    pass
                connection.close()

    def _own_interpreter(self) -> AgentInterpreter:
        """The one that waits, the first time."""
        interpreter, self._interpreter = self._interpreter, None
        try:
            return interpreter or AgentInterpreter()
        except OSError as error:
            raise RuntimeFailure("AgentNotStarted", f"no process can be started: {error}") from error

    async def serve(self, nursery: trio.Nursery) -> None:
        """Read answers and events; connect again after a loss. Raises RuntimeGone when the agent stays away."""
        self._nursery = nursery
        while True:
            await self._read()
            self._lose()
            if self._closing:
                self._gone.set()
                return
            self._tell(RuntimeLost("the connection to the agent was lost"))
            await self._reconnect()
            self._tell(RuntimeBack())

    async def _read(self) -> None:
        assert self._connection is not None
        while (frames := await self._connection.receive()) is not None:
            for frame, fds in frames:
                if "event" in frame:
                    _close_all(fds)
                    self._tell(frame)
                else:
                    self._answer(frame, fds)

    def _answer(self, frame: dict[str, Any], fds: list[int]) -> None:
        pending = self._pending.pop(frame["id"], None)
        if pending is None or pending.abandoned:
            _close_all(fds)
            return
        pending.answer, pending.fds = frame, fds
        pending.done.set()

    def _lose(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        for pending in self._pending.values():
            pending.done.set()
        self._pending.clear()

    async def _reconnect(self) -> None:
        with trio.move_on_after(_RECONNECT_WITHIN):
            while True:
                with contextlib.suppress(RuntimeGone, RuntimeFailure):
                    connection = await AgentConnection.open(self._settings, keep=self._keep)
                    if connection is not None:
                        self._connection, self.hello = connection, connection.hello
                        return
                await trio.sleep(_RECONNECT_EVERY)
        raise RuntimeGone(f"the agent did not come back within {_RECONNECT_WITHIN:.0f} s")

    def _tell(self, event: dict[str, Any] | RuntimeLost | RuntimeBack) -> None:
        for listener in tuple(self._listeners):
            listener(event)

    async def close(self) -> None:
        """Leave: with keep what runs runs on, otherwise everything is taken down before this returns."""
        self._closing = True
        if self._connection is None:
            return
        if self._keep:
            self._connection.close()
            return
        with contextlib.suppress(RuntimeGone, RuntimeFailure), trio.move_on_after(_END_WITHIN):
            await self.request("end")
            await self._gone.wait()


@asynccontextmanager
async def open_agent(
    directory: Path,
    *,
    cluster_id: str,
    ranges: NetworkRanges,
    on_exit: Literal["end", "keep"],
    tier: Tier | None = None,
    held: Sequence[int] = (),
    interpreter: AgentInterpreter | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> AsyncIterator[AgentLink]:
    """Connect to the cluster's agent, starting it if need be.

    `directory` (made private) holds its socket, log and the pods' files. With `on_exit="end"` pods end when this
    block is left, or when this process dies. `tier` forces one, None probes. `held` are descriptors that a keeper
    started here holds for as long as it lives: the claims of the ranges. `interpreter` is one that waits to become the
    agent; it is closed where an agent is there already. `meanwhile` is called while an agent starts.
    """
    directory = _private(directory)
    settings = Settings(
        str(directory), cluster_id, str(ranges.pod_cidr), str(ranges.service_cidr), str(ranges.node_cidr), tier
    )
    link = AgentLink(settings, keep=on_exit == "keep", held=held, interpreter=interpreter, meanwhile=meanwhile)
    try:
        await link.connect_agent()
    finally:
        if interpreter is not None:
            interpreter.close()
    # Whoever cancels the block still wants pods taken down, which is asked for here and has to be answered.
    serving = trio.CancelScope(shield=True)

    async def serve() -> None:
        with serving:
            await link.serve(nursery)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, name="agent link")
        try:
            yield link
        finally:
            with trio.CancelScope(shield=True):
                await link.close()
            serving.cancel()
            nursery.cancel_scope.cancel()


def _private(directory: Path) -> Path:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    return directory.absolute()


async def connected(sock: trio.socket.SocketType, host: str, port: int) -> trio.SocketStream:
    """Connect a socket; it is closed when that fails. Raises OSError."""
    try:
        await sock.connect((host, port))
    except BaseException:
        sock.close()
        raise
    return trio.SocketStream(sock)


async def _send_quietly(connection: AgentConnection, frame: dict[str, Any]) -> None:
    with contextlib.suppress(RuntimeGone):
        await connection.send(frame)


def _adopt_socket(fd: int) -> trio.socket.SocketType:
    return trio.socket.from_stdlib_socket(socket.socket(fileno=fd))


def _close_all(fds: Iterable[int]) -> None:
    for fd in fds:
        os.close(fd)
