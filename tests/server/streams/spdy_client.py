"""The client's side of SPDY/3.1 for tests, as kubectl's library writes it."""

from __future__ import annotations

import struct
import zlib

import trio

from kube_actors.server.streams.spdy_dictionary import dictionary


class ClientFrames:
    """Makes a client's frames."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(9, zdict=dictionary())

    def open(self, stream: int, *, finished: bool = False, **headers: str) -> bytes:
        """SYN_STREAM."""
        plain = struct.pack(">I", len(headers))
        for name, value in headers.items():
            plain += struct.pack(">I", len(name)) + name.encode() + struct.pack(">I", len(value)) + value.encode()
        block = self._deflate.compress(plain) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        return control(1, struct.pack(">IIH", stream, 0, 0) + block, flags=int(finished))


def control(kind: int, body: bytes, *, flags: int = 0) -> bytes:
    """Any control frame."""
    return struct.pack(">HHI", 0x8003, kind, flags << 24 | len(body)) + body


def data(stream: int, body: bytes = b"", *, finished: bool = False) -> bytes:
    """A data frame."""
    return struct.pack(">II", stream, int(finished) << 24 | len(body)) + body


class SpdyClient:
    """Reads what the server sends: `streams` holds each stream's data, `ended` those the server has ended."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.frames = ClientFrames()
        self.data: dict[int, bytes] = {}
        self.ended: set[int] = set()
        self.accepted: list[int] = []
        self.reset: dict[int, int] = {}
        self.pings: list[int] = []
        self.gone = False
        self._buffer = b""

    async def send(self, *frames: bytes) -> None:
        """Send frames in one go."""
        await self.stream.send_all(b"".join(frames))

    async def read_frame(self) -> bool:
        """Take in one frame; False when the server has left."""
        while len(self._buffer) < 8 or len(self._buffer) < 8 + int.from_bytes(self._buffer[5:8], "big"):
            try:
                more = await self.stream.receive_some()
            except trio.BrokenResourceError:
                more = b""
            if not more:
                return False
            self._buffer += more
        first, second = struct.unpack(">II", self._buffer[:8])
        body, self._buffer = self._buffer[8 : 8 + (second & 0xFFFFFF)], self._buffer[8 + (second & 0xFFFFFF) :]
        self._take(first, second >> 24, body)
        return True

    def _take(self, first: int, flags: int, body: bytes) -> None:
        number = struct.unpack(">I", body[:4])[0] if len(body) >= 4 else 0
        if not first >> 31:
            self.data[first] = self.data.get(first, b"") + body
            if flags & 1:
                self.ended.add(first)
        elif first & 0xFFFF == 2:
            self.accepted.append(number)
        elif first & 0xFFFF == 3:
            self.reset[number] = struct.unpack(">I", body[4:8])[0]
        elif first & 0xFFFF == 6:
            self.pings.append(number)
        elif first & 0xFFFF == 7:
            self.gone = True

    async def until_ended(self, *streams: int) -> None:
        """Read until the server has ended these streams."""
        while not self.ended.issuperset(streams):
            assert await self.read_frame(), "the server left"
