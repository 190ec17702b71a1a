"""One forwarded connection: from the client's pair of streams to a port of the pod, in both directions."""

from __future__ import annotations

import abc
import contextlib
import os
from typing import Final

import trio

from kube_actors.errors import ApiError
from kube_actors.messages.node import ConnectPod
from kube_actors.records import frozen
from kube_actors.store import Revision
from kube_actors.verbs.exec import ask_node
from kube_actors.verbs.session import Session

RECEIVE: Final = 64 * 1024
GONE: Final = (trio.BrokenResourceError, trio.ClosedResourceError)


@frozen
class PodPorts:
    """The ports of one pod, on its node."""

    session: Session
    pod: Revision
    node: str

    async def connect(self, port: int) -> trio.abc.HalfCloseableStream:
        """Connect. Raises ForwardFailure with the text for the client."""
        ask = ConnectPod(self.pod.uid, port, inside=True)
        try:
            return await ask_node(self.session, self.node, ask, "failed to execute portforward")
        except OSError as error:
            why = os.strerror(error.errno).lower() if error.errno else str(error)
            dial = f"dial tcp4 127.0.0.1:{port}: connect: {why}"
            told = f"failed to execute portforward in network namespace: failed to connect to localhost:{port}: {dial}"
            raise ForwardFailure(self._failed(port, told)) from error
        except ApiError as error:
            raise ForwardFailure(self._failed(port, error.message)) from error

    def _failed(self, port: int, why: str) -> str:
        key = self.pod.key
        return f"error forwarding port {port} to pod {key.name}_{key.namespace}, uid {self.pod.uid}: {why}"


class ForwardFailure(Exception):
    """A connection that could not be made; the text is for the client's error stream."""


class ForwardedData(abc.ABC):
    """The client's side of one connection's data."""

    @abc.abstractmethod
    async def receive(self) -> bytes:
        """What the client sent; empty at its end."""

    @abc.abstractmethod
    async def send(self, data: bytes) -> None:
        """To the client. Raises trio.BrokenResourceError."""

    @abc.abstractmethod
    async def send_eof(self) -> None:
        """The pod sends no more."""


async def relay(client: ForwardedData, pod: trio.abc.HalfCloseableStream) -> None:
    """Pass on both ways until the pod's side has ended; the client's end is passed on to the pod."""

    async def to_pod() -> None:
        with contextlib.suppress(*GONE):
            while data := await client.receive():
                await pod.send_all(data)
            await pod.send_eof()

    async with pod, trio.open_nursery() as nursery:
        nursery.start_soon(to_pod)
        with contextlib.suppress(*GONE):
            while data := await pod.receive_some(RECEIVE):
                await client.send(bytes(data))
            await client.send_eof()
        nursery.cancel_scope.cancel()
