"""A watch over a WebSocket, as browsers do it: every event is a message of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from kube_actors.server.http import HttpRequest, Send, Upgrade
from kube_actors.server.streams.websocket import WebSocket, handshake, offered_protocols

_TOKEN = "base64url.bearer.authorization.k8s.io."  # a subprotocol that is a credential, and none to answer with


def over_websocket(request: HttpRequest, write: Callable[[Send], Awaitable[None]]) -> Upgrade:
    """What `write` sends in lines, as text messages, until it ends or the client leaves. ApiError 400."""
    spoken = [name for name in offered_protocols(request) if not name.startswith(_TOKEN)]
    headers = handshake(request, spoken[0] if spoken else "")

    async def run(stream: trio.abc.Stream) -> None:
        socket = WebSocket(stream)

        async def send(lines: bytes | tuple[bytes, ...], /) -> None:
            for line in (lines if isinstance(lines, bytes) else b"".join(lines)).splitlines():
                await socket.send(line.decode())

        ended = False
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_until_gone, socket, nursery.cancel_scope, name="the client of a watch")
            await write(send)
            ended = True
            nursery.cancel_scope.cancel()
        if ended:
            await socket.close()

    return Upgrade("websocket", run, headers)


async def _until_gone(socket: WebSocket, scope: trio.CancelScope) -> None:
    """Ends the watch when the client says goodbye; whatever else it says means nothing."""
    while await socket.receive() is not None:
        pass
    scope.cancel()
