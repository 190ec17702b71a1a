"""Kubernetes' channel protocols inside WebSocket messages, without I/O.

A binary message begins with the number of its channel. In the `base64` forms messages are text: the number is a digit,
the rest base64. Version 5 adds the number 255, whose next byte names a channel that has ended.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Final

from kube_actors.records import frozen

CLOSE: Final = 255
LARGEST_TEXT: Final = 1024 * 1024
"""Bytes of one base64 message; binary ones are passed on in pieces and have no limit."""


class ChannelError(Exception):
    """The client sent what is no message of its protocol."""


class Channel(IntEnum):
    """The channels of exec and attach."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2
    ERROR = 3
    RESIZE = 4


@frozen
class ChannelProtocol:
    """One of the protocols: since version 4 the error channel carries a `Status`, in 5 input can end by itself."""

    name: str
    version: int
    text: bool = False


@frozen
class ChannelData:
    """A piece of what was sent on a channel; `last` says that its message ends here."""

    channel: int
    data: bytes
    last: bool


@frozen
class ChannelClosed:
    """Nothing more will come on this channel."""

    channel: int


ChannelEvent = ChannelData | ChannelClosed

PROTOCOLS: Final[Mapping[str, ChannelProtocol]] = {
    protocol.name: protocol
    for protocol in (
        ChannelProtocol("v5.channel.k8s.io", 5),
        ChannelProtocol("v4.channel.k8s.io", 4),
        ChannelProtocol("v4.base64.channel.k8s.io", 4, text=True),
        ChannelProtocol("v3.channel.k8s.io", 3),
        ChannelProtocol("v2.channel.k8s.io", 2),
        ChannelProtocol("v1.channel.k8s.io", 1),
        ChannelProtocol("channel.k8s.io", 1),
        ChannelProtocol("base64.channel.k8s.io", 1, text=True),
        ChannelProtocol("", 1),
    )
}


def negotiate(offered: Iterable[str]) -> ChannelProtocol | None:
    """The first protocol the client offers that is known; one that offers none means the oldest."""
    names = [name for name in offered if name]
    if not names:
        return PROTOCOLS[""]
    return next((PROTOCOLS[name] for name in names if name in PROTOCOLS), None)


class ChannelReader:
    """Pieces of messages in, events out. `feed` raises ChannelError."""

    def __init__(self, protocol: ChannelProtocol) -> None:
        self._protocol = protocol
        self._channel: int | None = None
        self._text = bytearray()

    def feed(self, piece: bytes | str, *, last: bool) -> list[ChannelEvent]:
        """The events in a piece of a message; `last` says that the message ends with it.

        Messages may be of either kind, as in Kubernetes: some clients send text where bytes are spoken.
        """
        data = piece.encode() if isinstance(piece, str) else piece
        return self._feed_text(data, last=last) if self._protocol.text else self._feed_binary(data, last=last)

    def _feed_binary(self, piece: bytes, *, last: bool) -> list[ChannelEvent]:
        if self._channel is None:
            if not piece:
                return []
            self._channel, piece = piece[0], piece[1:]
        channel = self._channel
        if last:
            self._channel = None
        if channel == CLOSE and self._protocol.version >= 5:
            if not last and not piece:
                return []
            if len(piece) != 1:
                raise ChannelError("a close signal names one channel")
            return [ChannelClosed(piece[0])]
        return [ChannelData(channel, bytes(piece), last)]

    def _feed_text(self, piece: bytes, *, last: bool) -> list[ChannelEvent]:
        self._text += piece
        if len(self._text) > LARGEST_TEXT:
            raise ChannelError(f"a message is larger than {LARGEST_TEXT} bytes")
        if not last:
            return []
        whole, self._text = bytes(self._text), bytearray()
        if not whole:
            return []
        if not whole[:1].isdigit():
            raise ChannelError("a message begins with the number of its channel")
        try:
            data = base64.b64decode(whole[1:], validate=True)
        except binascii.Error as error:
            raise ChannelError(f"a message is not base64: {error}") from None
        return [ChannelData(int(whole[:1]), data, last=True)]


def encode(protocol: ChannelProtocol, channel: int, data: bytes) -> bytes | str:
    """The message that carries data on a channel: bytes for a binary one, str for a text one."""
    if protocol.text:
        return f"{channel}{base64.b64encode(data).decode()}"
    return bytes((channel,)) + data
