"""The frames of SPDY/3.1 without I/O: as much of it as Kubernetes' clients speak.

There is no flow control, as there is none in theirs: who reads too fast waits for the connection. Data is handed out
as it comes, whatever the length of its frame, so that no more than a control frame is ever held.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from kube_actors.records import frozen
from kube_actors.server.streams.spdy_dictionary import dictionary

HEAD: Final = 8
LARGEST_CONTROL: Final = 64 * 1024
LARGEST_HEADERS: Final = 64 * 1024
LARGEST_DATA: Final = 32 * 1024
_VERSION: Final = 3
_FINISHED: Final = 1


class Frame(IntEnum):
    """Types of control frames."""

    SYN_STREAM = 1
    SYN_REPLY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PING = 6
    GOAWAY = 7
    HEADERS = 8
    WINDOW_UPDATE = 9


class Reset(IntEnum):
    """Why a stream is reset."""

    PROTOCOL_ERROR = 1
    INVALID_STREAM = 2
    REFUSED_STREAM = 3
    CANCEL = 5


class SpdyError(Exception):
    """What came is no SPDY/3.1; the connection is of no use any more."""


@frozen
class StreamOpened:
    """The client has opened a stream. Names of headers are in lower case; `finished`: it will send nothing on it."""

    stream: int
    headers: Mapping[str, str]
    finished: bool


@frozen
class DataReceived:
    """A piece of a stream's data; `finished`: the client's last."""

    stream: int
    data: bytes
    finished: bool


@frozen
class StreamReset:
    """The client has given a stream up."""

    stream: int


@frozen
class PingReceived:
    """To be answered with the same number."""

    number: int


@frozen
class GoingAway:
    """The client opens no more streams."""


SpdyEvent = StreamOpened | DataReceived | StreamReset | PingReceived | GoingAway


class FrameReader:
    """Bytes in, events out. `feed` raises SpdyError, and is not to be called again then."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._inflate = zlib.decompressobj(zdict=dictionary())
        self._stream = 0
        self._left = 0
        self._finishes = False
        self._last_opened = 0

    def feed(self, data: bytes) -> list[SpdyEvent]:
        """The events completed by these bytes."""
        self._buffer += data
        events: list[SpdyEvent] = []
        while self._take(events):
            pass
        return events

    def _take(self, events: list[SpdyEvent]) -> bool:
        """Take one frame, or a piece of one; whether there was enough for that."""
        if self._left:
            return self._take_data(events)
        if len(self._buffer) < HEAD:
            return False
        first, second = struct.unpack_from(">II", self._buffer)
        flags, length = second >> 24, second & 0xFFFFFF
        if not first >> 31:
            del self._buffer[:HEAD]
            self._stream, self._left, self._finishes = first, length, bool(flags & _FINISHED)
            if not length and self._finishes:
                events.append(DataReceived(first, b"", finished=True))
            return True
        if first >> 16 & 0x7FFF != _VERSION:
            raise SpdyError(f"version {first >> 16 & 0x7FFF} of SPDY is not spoken here")
        if length > LARGEST_CONTROL:
            raise SpdyError(f"a control frame of {length} bytes")
        if len(self._buffer) < HEAD + length:
            return False
        body = bytes(self._buffer[HEAD : HEAD + length])
        del self._buffer[: HEAD + length]
        self._control(first & 0xFFFF, flags, body, events)
        return True

    def _take_data(self, events: list[SpdyEvent]) -> bool:
        piece = bytes(self._buffer[: self._left])
        if not piece:
            return False
        del self._buffer[: len(piece)]
        self._left -= len(piece)
        events.append(DataReceived(self._stream, piece, finished=self._finishes and not self._left))
        return True

    def _control(self, kind: int, flags: int, body: bytes, events: list[SpdyEvent]) -> None:
        match kind:
            case Frame.SYN_STREAM:
                stream = self._number(body, 10)
                if not stream % 2 or stream <= self._last_opened:
                    raise SpdyError(f"a client cannot open stream {stream}")
                self._last_opened = stream
                events.append(StreamOpened(stream, self._headers(body[10:]), bool(flags & _FINISHED)))
            case Frame.SYN_REPLY | Frame.HEADERS:
                self._number(body, 4)
                self._headers(body[4:])  # they change the state of the compression, whatever they say
            case Frame.RST_STREAM:
                events.append(StreamReset(self._number(body, 8)))
            case Frame.PING:
                number = struct.unpack(">I", body)[0] if len(body) == 4 else 0
                if not number:
                    raise SpdyError("a ping without a number")
                events.append(PingReceived(number))
            case Frame.GOAWAY:
                events.append(GoingAway())
            case _:
                pass  # settings, windows, and what may be ignored by the specification

    @staticmethod
    def _number(body: bytes, least: int) -> int:
        if len(body) < least:
            raise SpdyError("a control frame is too short")
        number: int = struct.unpack_from(">I", body)[0] & 0x7FFFFFFF
        return number

    def _headers(self, block: bytes) -> dict[str, str]:
        try:
            plain = self._inflate.decompress(block, LARGEST_HEADERS)
        except zlib.error as error:
            raise SpdyError(f"headers that cannot be decompressed: {error}") from None
        if self._inflate.unconsumed_tail:
            raise SpdyError(f"headers of more than {LARGEST_HEADERS} bytes")
        return _parsed_headers(plain)


def _parsed_headers(plain: bytes) -> dict[str, str]:
    """Four bytes of count; then names and values, each behind four bytes of length."""
    texts: list[bytes] = []
    offset = 4
    if len(plain) < offset:
        raise SpdyError("headers without a count")
    count: int = struct.unpack_from(">I", plain)[0]
    while offset < len(plain) and len(texts) < 2 * count:
        size = int.from_bytes(plain[offset : offset + 4], "big")
        offset += 4
        texts.append(plain[offset : offset + size])
        if len(texts[-1]) < size:
            raise SpdyError("headers that end in the middle")
        offset += size
    if len(texts) != 2 * count or offset != len(plain):
        raise SpdyError("headers of another number than was said")
    pairs = zip(texts[::2], texts[1::2], strict=True)
    return {name.decode("latin-1").lower(): value.decode("utf-8", "replace") for name, value in pairs}


class FrameWriter:
    """Makes the server's frames. Headers share one compression: their frames are to be sent in the order made."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(zdict=dictionary())

    def reply(self, stream: int) -> bytes:
        """Accept a stream."""
        block = self._deflate.compress(struct.pack(">I", 0)) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        return _control(Frame.SYN_REPLY, struct.pack(">I", stream) + block)

    @staticmethod
    def data(stream: int, data: bytes | memoryview, *, finished: bool = False) -> bytes:
        """Data of at most LARGEST_DATA bytes; `finished` ends our side of the stream."""
        return struct.pack(">II", stream, finished * _FINISHED << 24 | len(data)) + data

    @staticmethod
    def reset(stream: int, why: Reset) -> bytes:
        """Give a stream up."""
        return _control(Frame.RST_STREAM, struct.pack(">II", stream, why))

    @staticmethod
    def ping(number: int) -> bytes:
        """Answer a ping."""
        return _control(Frame.PING, struct.pack(">I", number))

    @staticmethod
    def go_away(last_stream: int) -> bytes:
        """The connection will be closed."""
        return _control(Frame.GOAWAY, struct.pack(">II", last_stream, 0))


def _control(kind: Frame, body: bytes) -> bytes:
    return struct.pack(">HHI", 0x8000 | _VERSION, kind, len(body)) + body
