"""One client of the agent: requests in, answers and events out."""

from __future__ import annotations

import os
import socket
import traceback
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .failures import Failure
from .protocol import OLDEST_VERSION, VERSION, Channel, Frame, ProtocolError
from .settings import Value

if TYPE_CHECKING:
    from .agent import Agent


class Reply:
    """Answers one request, once, now or later."""

    def __init__(self, connection: Connection, request: int) -> None:
        self.connection = connection
        self._request = request

    def ok(self, value: Value | None = None, fds: Iterable[int] = ()) -> None:
        """Done; `value` and copies of `fds` go to the client."""
        self.connection.send({"id": self._request, "ok": value or {}}, fds)

    def fail(self, failure: Failure) -> None:
        """Not done."""
        told = {"reason": failure.reason, "message": failure.message}
        self.connection.send({"id": self._request, "failure": told})


class Connection:
    """Registered with the loop until the client leaves. The first request must be `hello`."""

    def __init__(self, sock: socket.socket, agent: Agent) -> None:
        self._channel = Channel(sock)
        self._agent = agent
        self._loop = agent.world.loop
        self._greeted = False
        self.execs: set[int] = set()
        self._closed = False
        self._loop.add_reader(self._channel.fileno(), self._readable)

    def send(self, frame: Frame, fds: Iterable[int] = ()) -> None:
        """Send, or queue; a client that is gone or does not read is let go."""
        if self._closed:
            return
        try:
            self._channel.send(frame, fds)
        except ConnectionError:
            self._loop.call_later(0, self.close)
            return
        self._set_writing()

    def _set_writing(self) -> None:
        self._loop.want_write(self._channel.fileno(), self._writable if self._channel.pending else None)

    def _writable(self) -> None:
        try:
            self._channel.flush()
        except ConnectionError:
            self.close()
            return
        self._set_writing()

    def _readable(self) -> None:
        try:
            frames = self._channel.receive()
        except (ProtocolError, ValueError) as error:
            self.send({"failure": {"reason": "BadRequest", "message": str(error)}})
            frames = None
        if frames is None:
            self.close()
            return
        for frame, fds in frames:
            for fd in fds:  # no request carries descriptors
                os.close(fd)
            self._serve(frame)

    def _serve(self, frame: Frame) -> None:
        reply = Reply(self, frame.get("id", 0))
        operation = frame.get("op")
        try:
            if operation == "hello":
                self._hello(frame, reply)
            elif not self._greeted:
                raise Failure("BadRequest", "say hello first")
            else:
                self._agent.operations.perform(str(operation), frame, reply)
        except Failure as failure:
            reply.fail(failure)
        except OSError as error:
            reply.fail(Failure("RuntimeError", str(error)))
        except Exception as error:  # a request that makes no sense must not end the agent
            traceback.print_exc()
            reply.fail(Failure("RuntimeError", f"{type(error).__name__}: {error}"))

    def _hello(self, frame: Frame, reply: Reply) -> None:
        """Agree on a version: the lower of the two newest, if both still speak it."""
        version = min(int(frame["version"]), VERSION)
        if version < OLDEST_VERSION:
            raise Failure("VersionMismatch", f"the agent speaks versions {OLDEST_VERSION} to {VERSION}")
        settings = self._agent.world.settings
        if frame["cluster_id"] != settings.cluster_id:
            raise Failure("ClusterMismatch", f"this agent serves cluster {settings.cluster_id}")
        if frame["role"] == "runtime":
            if self._agent.runtime is not None or self._agent.ending:
                raise Failure("Busy", "another runtime is connected, or the agent is ending")
            self._agent.became_runtime(self, keep=bool(frame["keep"]))
        self._greeted = True
        probe = self._agent.world.probe
        reply.ok({
            "version": version, "tier": probe.tier, "pid": os.getpid(), "keeper": os.getppid(),
            "probe": [list(step) for step in probe.steps],
            "limits": sorted(self._agent.world.cgroups.bases),
            "ranges": [settings.pod_cidr, settings.service_cidr, settings.node_cidr],
        })  # fmt: skip

    def close(self) -> None:
        """Forget the client; its commands end."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._channel.fileno())
        self._channel.close()
        for number in self.execs:
            self._agent.execs.kill(number)
        self._agent.closed(self)
