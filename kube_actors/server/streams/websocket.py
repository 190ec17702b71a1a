"""One WebSocket after its handshake, on a trio stream; the frames are wsproto's."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Sequence
from typing import Final

import trio
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.utilities import LocalProtocolError

from kube_actors.access.authenticators import WEBSOCKET_TOKEN
from kube_actors.errors import ApiError, bad_request
from kube_actors.records import frozen
from kube_actors.server.http import Headers, HttpRequest

RECEIVE: Final = 64 * 1024
FAREWELL_SECONDS: Final = 2.0
"""Machine seconds the client gets to answer our goodbye before the connection is closed."""
_ACCEPT_KEY: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
NORMAL: Final = 1000
PROTOCOL_ERROR: Final = 1002


@frozen
class Piece:
    """A part of a message: text or bytes. `last` says that the message ends here."""

    data: bytes | str
    last: bool


def offered_protocols(request: HttpRequest) -> Sequence[str]:
    """The subprotocols the client offers, in its order. One that is a credential is none to choose, nor to repeat."""
    offered = (name.strip() for name in request.header("sec-websocket-protocol").split(","))
    return [name for name in offered if name and not name.startswith(WEBSOCKET_TOKEN)]


def no_protocol(offered: Sequence[str]) -> ApiError:
    """403: none of the subprotocols the client offers is spoken here."""
    return ApiError("Forbidden", 403, f"websocket: no protocol of {', '.join(offered)} is supported")


def handshake(request: HttpRequest, protocol: str) -> Headers:
    """The headers that accept a WebSocket with this subprotocol (empty: none). ApiError 400 for a malformed one."""
    if request.header("sec-websocket-version") != "13":
        raise bad_request("websocket: unsupported version: 13 not found in 'Sec-Websocket-Version' header")
    key = request.header("sec-websocket-key")
    with contextlib.suppress(ValueError):
        if len(base64.b64decode(key, validate=True)) == 16:
            digest = hashlib.sha1(key.encode() + _ACCEPT_KEY, usedforsecurity=False).digest()
            accept = ("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
            return (accept, ("Sec-WebSocket-Protocol", protocol)) if protocol else (accept,)
    raise bad_request("websocket: the 'Sec-WebSocket-Key' header must be the base64 of 16 bytes")


class WebSocket:
    """The server's end. One task may receive while others send."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._frames = Connection(ConnectionType.SERVER)
        self._sending = trio.Lock()

    async def receive(self) -> Piece | None:
        """The next piece of a message; None when the client has left, or has sent what is no WebSocket frame."""
        while True:
            try:
                for event in self._frames.events():
                    if isinstance(event, TextMessage):
                        return Piece(event.data, event.message_finished)
                    if isinstance(event, BytesMessage):
                        return Piece(bytes(event.data), event.message_finished)
                    if isinstance(event, Ping):
                        await self._send(event.response())
                    elif isinstance(event, CloseConnection):
                        await self._send(event.response())
                        return None
                data = await self._stream.receive_some(RECEIVE)
                self._frames.receive_data(bytes(data) or None)
            except (LocalProtocolError, trio.BrokenResourceError, trio.ClosedResourceError):
                return None

    async def send(self, message: bytes | str) -> None:
        """Send one message. Raises trio.BrokenResourceError when nobody is there any more."""
        try:
            await self._send(TextMessage(message) if isinstance(message, str) else BytesMessage(message))
        except LocalProtocolError:
            raise trio.BrokenResourceError("the client has closed the WebSocket") from None

    async def close(self, code: int = NORMAL) -> None:
        """Say goodbye, and take what the client still sends until it has said so too."""
        with trio.move_on_after(FAREWELL_SECONDS):
            await self._say_goodbye(code)
            while await self.receive() is not None:
                pass

    async def hang_up(self) -> None:
        """Close the connection: the client has left."""
        await self._stream.aclose()

    async def _say_goodbye(self, code: int) -> None:
        with contextlib.suppress(LocalProtocolError, trio.BrokenResourceError, trio.ClosedResourceError):
            if self._frames.state in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING):
                await self._send(CloseConnection(code))

    async def _send(self, event: Event) -> None:
        async with self._sending:
            await self._stream.send_all(self._frames.send(event))


class WebSocketBytes(trio.abc.Stream):
    """A stream of bytes through the binary messages of a WebSocket, wherever those begin and end."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._rest = b""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._socket.send(bytes(data))

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        while not self._rest:
            piece = await self._socket.receive()
            if piece is None or isinstance(piece.data, str):
                return b""
            self._rest = piece.data
        limit = len(self._rest) if max_bytes is None else max_bytes
        data, self._rest = self._rest[:limit], self._rest[limit:]
        return data

    async def aclose(self) -> None:
        await self._socket.close()
