"""A WebSocket on which only the server speaks, for what other clients read as a stream of bytes."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterable

import trio

from kube_actors.server.http import HttpRequest, Send, Upgrade
from kube_actors.server.streams.websocket import WebSocket, handshake

Messages = Callable[[bytes], Iterable[bytes | str]]


def one_way_socket(
    request: HttpRequest, protocol: str, write: Callable[[Send], Awaitable[None]], messages: Messages
) -> Upgrade:
    """What `write` sends, in the messages that `messages` makes of each piece, until it ends or the client leaves.

    `protocol` is the subprotocol that is spoken, "" for none. ApiError 400 for a malformed handshake.
    """
    headers = handshake(request, protocol)

    async def run(stream: trio.abc.Stream) -> None:
        socket = WebSocket(stream)

        async def send(data: bytes | tuple[bytes, ...], /) -> None:
            for message in messages(data if isinstance(data, bytes) else b"".join(data)):
                await socket.send(message)

        ended = False
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_until_gone, socket, nursery.cancel_scope, name="the client of a one-way socket")
            with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):  # the client left meanwhile
                await write(send)
                ended = True
            nursery.cancel_scope.cancel()
        if ended:
            await socket.close()

    return Upgrade("websocket", run, headers)


async def _until_gone(socket: WebSocket, scope: trio.CancelScope) -> None:
    """Ends it all when the client says goodbye; whatever else it says means nothing."""
    while await socket.receive() is not None:
        pass
    scope.cancel()
