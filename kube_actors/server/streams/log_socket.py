"""A container's log over a WebSocket: its bytes in messages, plain or in base64, as in Kubernetes."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

from kube_actors.server.http import HttpRequest, Send, Upgrade
from kube_actors.server.streams.one_way_socket import Messages, one_way_socket
from kube_actors.server.streams.websocket import no_protocol, offered_protocols


def log_over_websocket(request: HttpRequest, write: Callable[[Send], Awaitable[None]]) -> Upgrade:
    """What `write` sends, after an empty message that tells the client that it is connected.

    ApiError 403 when the client speaks no subprotocol of these, 400 for a malformed handshake.
    """
    offered = offered_protocols(request) or [""]
    protocol = next((name for name in offered if name in _PROTOCOLS), None)
    if protocol is None:
        raise no_protocol(offered)

    async def write_after_greeting(send: Send) -> None:
        await send(b"")
        await write(send)

    return one_way_socket(request, protocol, write_after_greeting, _PROTOCOLS[protocol])


def _plain(data: bytes) -> Iterable[bytes]:
    return (data,)


def _in_base64(data: bytes) -> Iterable[str]:
    return (base64.b64encode(data).decode(),)


_PROTOCOLS: Final[Mapping[str, Messages]] = {
    "": _plain,
    "binary.k8s.io": _plain,
    "base64.binary.k8s.io": _in_base64,
}
