"""The runtime's connection to the agent of its cluster, shared by all its process nodes.

Requests may be made concurrently; answers come back in any order. When the agent dies the keeper starts it again:
calls in flight raise RuntimeGone, listeners hear RuntimeLost, and RuntimeBack once the link stands again.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

import attrs
import trio

from kube_actors.node.agent import protocol
from kube_actors.node.agent.settings import SOCKET_NAME, Settings
from kube_actors.node.runtime.agent_process import start_agent
from kube_actors.node.runtime.base import RuntimeBack, RuntimeFailure, RuntimeGone, RuntimeLost

Tier = Literal["A", "B", "C"]
_RECONNECT_WITHIN = 10.0  # seconds
_END_WITHIN = 10.0
_C_RANGES = ("127.244.0.0/16", "127.96.0.0/16", "127.224.0.0/16")


class Ranges(Protocol):
    """The network ranges of a cluster, each a CIDR."""

    @property
    def pod_cidr(self) -> str: ...
    @property
    def service_cidr(self) -> str: ...
    @property
    def node_cidr(self) -> str: ...


@attrs.frozen
class EffectiveRanges:
    """The ranges in use: those asked for, or in tier C ranges of 127.0.0.0/8.

    The first two addresses of the pod range and of the node range are the agent's own.
    """

    pod_cidr: str
    service_cidr: str
    node_cidr: str


@attrs.frozen
class ProbeStep:
    """One thing tried to find the tier, and what the kernel said when it refused (`doctor` shows these)."""

    tier: str
    name: str
    ok: bool
    message: str


@attrs.frozen
class ServiceEndpoints:
    """A service port of the table and where its connections go; with `affinity` a client keeps its endpoint."""

    cluster_ip: str
    protocol: str
    port: int
    endpoints: tuple[tuple[str, int], ...]
    affinity: bool = False


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

    def __init__(self, settings: Settings, *, keep: bool) -> None:
        self._settings, self._keep = settings, keep
        self._socket: trio.socket.SocketType | None = None
        self._sending = trio.Lock()
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
    def ranges(self) -> EffectiveRanges:
        """The network ranges in use."""
        if self.tier == "C" and not all(cidr.startswith("127.") for cidr in self.hello["ranges"]):
            return EffectiveRanges(*_C_RANGES)
        return EffectiveRanges(*self.hello["ranges"])

    @property
    def agent_pid(self) -> int:
        return int(self.hello["pid"])

    @property
    def keeper_pid(self) -> int:
        return int(self.hello["keeper"])

    # --- for the network

    async def program_services(self, services: Iterable[ServiceEndpoints]) -> None:
        """Set service ports; returns when the kernel has them. Ports set as they are already cost nothing.

        Raises RuntimeFailure in tier C, which has no service table.
        """
        rows = [[s.cluster_ip, s.protocol, s.port, [list(e) for e in s.endpoints], s.affinity] for s in services]
        await self.request("program_services", services=rows)

    async def remove_services(self, ports: Iterable[tuple[str, str, int]]) -> None:
        """Remove (cluster_ip, protocol, port)s; connections are then refused."""
        rows = [[address, kind, port, None, False] for address, kind, port in ports]
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
        sock = self._socket
        if sock is None:
            raise RuntimeGone("the agent is out of reach")
        number, pending = next(self._numbers), _Pending()
        self._pending[number] = pending
        try:
            with trio.CancelScope(shield=True):  # half a frame would spoil the stream
                await self._send(sock, {"id": number, "op": operation, **arguments})
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
        if self._socket is not None:
            frame = protocol.encode({"id": 0, "op": operation, **arguments})
            self._nursery.start_soon(self._send_quietly, self._socket, frame)

    async def _send_quietly(self, sock: trio.socket.SocketType, frame: bytes) -> None:
        with contextlib.suppress(RuntimeGone), trio.CancelScope(shield=True):
            await self._send_bytes(sock, frame)

    async def _send(self, sock: trio.socket.SocketType, frame: dict[str, Any]) -> None:
        await self._send_bytes(sock, protocol.encode(frame))

    async def _send_bytes(self, sock: trio.socket.SocketType, data: bytes) -> None:
        async with self._sending:
            view = memoryview(data)
            try:
                while view:
                    view = view[await sock.send(view) :]
            except (OSError, trio.ClosedResourceError) as error:
                raise RuntimeGone("the agent is out of reach") from error

    # --- the connection

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every event of the agent, and with losses and returns. Returns the way to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def connect_agent(self) -> None:
        """Connect and greet; starts the agent when there is none."""
        sock = await _connect(self._settings)
        if sock is None:
            await start_agent(self._settings)
            sock = await _connect(self._settings)
            if sock is None:
                raise RuntimeFailure("AgentNotStarted", "the agent started but cannot be reached")
        await self._greet(sock)

    async def _greet(self, sock: trio.socket.SocketType) -> None:
        hello = {"op": "hello", "id": 0, "version": protocol.VERSION, "role": "runtime", "keep": self._keep,
                 "cluster_id": self._settings.cluster_id}  # fmt: skip
        await self._send(sock, hello)
        reader = protocol.FrameReader()
        while not (frames := await _receive(sock, reader)):
            if frames is None:
                raise RuntimeGone("the agent closed the connection")
        answer = frames[0][0]
        if (failure := answer.get("failure")) is not None:
            sock.close()
            raise RuntimeFailure(failure["reason"], failure["message"])
        self.hello = answer["ok"]
        self._socket, self._reader = sock, reader

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
        assert self._socket is not None
        while (frames := await _receive(self._socket, self._reader)) is not None:
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
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._reader.close()
        for pending in self._pending.values():
            pending.done.set()
        self._pending.clear()

    async def _reconnect(self) -> None:
        with trio.move_on_after(_RECONNECT_WITHIN):
            while True:
                with contextlib.suppress(RuntimeGone, RuntimeFailure):
                    sock = await _connect(self._settings)
                    if sock is not None:
                        await self._greet(sock)
                        return
                await trio.sleep(0.02)
        raise RuntimeGone(f"the agent did not come back within {_RECONNECT_WITHIN:.0f} s")

    def _tell(self, event: dict[str, Any] | RuntimeLost | RuntimeBack) -> None:
        for listener in tuple(self._listeners):
            listener(event)

    async def close(self) -> None:
        """Leave: with keep what runs runs on, otherwise everything is taken down before this returns."""
        self._closing = True
        if self._socket is None:
            return
        if self._keep:
            self._socket.close()
            return
        with contextlib.suppress(RuntimeGone, RuntimeFailure), trio.move_on_after(_END_WITHIN):
            await self.request("end")
            await self._gone.wait()


@asynccontextmanager
async def open_agent(
    directory: Path,
    *,
    cluster_id: str,
    ranges: Ranges,
    on_exit: Literal["end", "keep"],
    tier: Tier | None = None,
) -> AsyncIterator[AgentLink]:
    """Connect to the cluster's agent, starting it if need be.

    `directory` (made private) holds its socket, log and the pods' files. With `on_exit="end"` pods end when this
    block is left, or when this process dies. `tier` forces one, None probes.
    """
    directory = directory.absolute()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    settings = Settings(str(directory), cluster_id, ranges.pod_cidr, ranges.service_cidr, ranges.node_cidr, tier)
    link = AgentLink(settings, keep=on_exit == "keep")
    await link.connect_agent()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.serve, nursery, name="agent link")
        try:
            yield link
        finally:
            with trio.CancelScope(shield=True):
                await link.close()
            nursery.cancel_scope.cancel()


async def connected(sock: trio.socket.SocketType, host: str, port: int) -> trio.SocketStream:
    """Connect a socket; it is closed when that fails. Raises OSError."""
    try:
        await sock.connect((host, port))
    except BaseException:
        sock.close()
        raise
    return trio.SocketStream(sock)


async def _connect(settings: Settings) -> trio.socket.SocketType | None:
    """A connection to the agent, None when none serves there."""
    try:
        directory = os.open(settings.directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    sock = trio.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        await sock.connect(f"/proc/self/fd/{directory}/{SOCKET_NAME}")  # however long the path is
    except (FileNotFoundError, ConnectionRefusedError):
        sock.close()
        return None
    finally:
        os.close(directory)
    uid = int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[4:8], "little")
    if uid not in (0, os.getuid()):
        sock.close()
        raise RuntimeFailure("AgentForeign", f"the agent's socket in {settings.directory} belongs to uid {uid}")
    return sock


async def _receive(
    sock: trio.socket.SocketType, reader: protocol.FrameReader
) -> list[tuple[dict[str, Any], list[int]]] | None:
    """Frames that arrived, None at the end of the connection."""
    try:
        data, ancillary, _, _ = await sock.recvmsg(1 << 18, protocol.ANCILLARY_SPACE, socket.MSG_CMSG_CLOEXEC)
    except (OSError, trio.ClosedResourceError):
        return None
    return reader.feed(data, protocol.descriptors(ancillary)) if data else None


def _adopt_socket(fd: int) -> trio.socket.SocketType:
    return trio.socket.from_stdlib_socket(socket.socket(fileno=fd))


def _close_all(fds: Iterable[int]) -> None:
    for fd in fds:
        os.close(fd)
