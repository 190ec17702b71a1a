"""One connection to the agent: made, greeted, read and written on trio."""

from __future__ import annotations

import os
import socket
from typing import Any

import trio

from kube_actors.node.agent import protocol
from kube_actors.node.agent.settings import SOCKET_NAME, Settings
from kube_actors.node.runtime.base import RuntimeFailure, RuntimeGone

_TAKE_WITHIN = 30.0  # seconds
Frames = list[tuple[dict[str, Any], list[int]]]


class AgentConnection:
    """Frames to and from the agent. `hello` is what it answered to our greeting."""

    def __init__(self, sock: trio.socket.SocketType) -> None:
        self._socket = sock
        self._reader = protocol.FrameReader()
        self._sending = trio.Lock()
        self.hello: dict[str, Any] = {}

    @classmethod
    async def open(cls, settings: Settings, *, keep: bool) -> AgentConnection | None:
        """Connect and greet as the runtime; None when no agent serves there. Raises RuntimeFailure when refused."""
        sock = await _connect(settings)
        if sock is None:
            return None
        connection = cls(sock)
        try:
            await connection._greet(settings, keep=keep)
        except BaseException:
            connection.close()
            raise
        return connection

    async def _greet(self, settings: Settings, *, keep: bool) -> None:
        await self.send({
            "op": "hello", "id": 0, "version": protocol.VERSION, "role": "runtime", "keep": keep,
            "cluster_id": settings.cluster_id,
        })  # fmt: skip
        while not (frames := await self.receive()):
            if frames is None:
                raise RuntimeGone("the agent closed the connection")
        answer = frames[0][0]
        if (failure := answer.get("failure")) is not None:
            raise RuntimeFailure(failure["reason"], failure["message"])
        self.hello = answer["ok"]

    async def send(self, frame: dict[str, Any]) -> None:
        """Send a whole frame, cancelled or not: half a one would spoil the stream, which is closed when the agent takes
        nothing for `_TAKE_WITHIN`. Raises RuntimeGone."""
        with trio.move_on_after(_TAKE_WITHIN, shield=True):
            async with self._sending:
                view = memoryview(protocol.encode(frame))
                try:
                    while view:
                        view = view[await self._socket.send(view) :]
                except (OSError, trio.ClosedResourceError) as error:
                    raise RuntimeGone("the agent is out of reach") from error
            return
        self._socket.close()
        raise RuntimeGone(f"the agent took nothing for {_TAKE_WITHIN:.0f} s")

    async def receive(self) -> Frames | None:
        """Frames that arrived, None at the end of the connection. Their descriptors are the caller's."""
        flags = socket.MSG_CMSG_CLOEXEC
        try:
            data, ancillary, _, _ = await self._socket.recvmsg(1 << 18, protocol.ANCILLARY_SPACE, flags)
        except (OSError, trio.ClosedResourceError):
            return None
        return self._reader.feed(data, protocol.descriptors(ancillary)) if data else None

    def close(self) -> None:
        """Close, with whatever descriptors nobody took."""
        self._socket.close()
        self._reader.close()


async def _connect(settings: Settings) -> trio.socket.SocketType | None:
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
