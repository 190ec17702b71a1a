"""Frames between runtime, agent and keeper: JSON and descriptors on a unix stream socket.

A frame is `>IB` (length of the JSON in bytes, number of descriptors), then the JSON. Descriptors travel with the
frame's first byte; the kernel never merges two descriptor-carrying sends in one read, so the counts keep them apart.
A stream, not SEQPACKET: messages above 64 KiB would be cut silently there.
"""

from __future__ import annotations

import array
import json
import os
import socket
import struct
from collections import deque
from collections.abc import Iterable
from typing import Any

VERSION = 1
OLDEST_VERSION = 1
HEADER = struct.Struct(">IB")
MAX_FRAME = 64 * 1024 * 1024
MAX_DESCRIPTORS = 32

Frame = dict[str, Any]


class ProtocolError(Exception):
    """The other side sent something that is no frame."""


class FrameReader:
    """Bytes and descriptors in, whole frames out. Owns descriptors until a frame takes them."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._fds: deque[int] = deque()

    def feed(self, data: bytes, fds: Iterable[int]) -> list[tuple[Frame, list[int]]]:
        """The frames completed by this data, each with its descriptors."""
        self._buffer += data
        self._fds.extend(fds)
        frames = []
        while len(self._buffer) >= HEADER.size:
            length, count = HEADER.unpack_from(self._buffer)
            if length > MAX_FRAME or count > MAX_DESCRIPTORS:
                raise ProtocolError(f"frame of {length} bytes and {count} descriptors")
            end = HEADER.size + length
            if len(self._buffer) < end:
                break
            frame = json.loads(bytes(self._buffer[HEADER.size : end]))
            del self._buffer[:end]
            if not isinstance(frame, dict) or len(self._fds) < count:
                raise ProtocolError("not a frame")
            frames.append((frame, [self._fds.popleft() for _ in range(count)]))
        return frames

    def close(self) -> None:
        """Close descriptors no frame took."""
        while self._fds:
            os.close(self._fds.popleft())


def encode(frame: Frame, descriptors: int = 0) -> bytes:
    """The bytes of a frame that carries so many descriptors."""
    body = json.dumps(frame, separators=(",", ":")).encode()
    return HEADER.pack(len(body), descriptors) + body


def rights(fds: Iterable[int]) -> list[tuple[int, int, bytes]]:
    """Ancillary data that passes `fds`."""
    packed = array.array("i", fds)
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, packed.tobytes())] if packed else []


def descriptors(ancillary: Iterable[tuple[int, int, bytes]]) -> list[int]:
    """The descriptors received in ancillary data."""
    fds = array.array("i")
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    return list(fds)


ANCILLARY_SPACE = socket.CMSG_SPACE(MAX_DESCRIPTORS * 4)


class Channel:
    """One side of a connection, non-blocking: `receive` and `flush` are called when the loop says so."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self._reader = FrameReader()
        self._out: deque[tuple[memoryview, list[int]]] = deque()

    def fileno(self) -> int:
        return self.sock.fileno()

    @property
    def pending(self) -> bool:
        """Whether something waits for the socket to take more."""
        return bool(self._out)

    def receive(self) -> list[tuple[Frame, list[int]]] | None:
        """Frames that arrived; None when the other side has closed."""
        try:
            data, ancillary, _, _ = self.sock.recvmsg(1 << 18, ANCILLARY_SPACE, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return []
        except ConnectionError:
            return None
        if not data:
            return None
        return self._reader.feed(data, descriptors(ancillary))

    def send(self, frame: Frame, fds: Iterable[int] = ()) -> None:
        """Queue a frame with copies of `fds` and send what fits now. Raises ConnectionError when nobody is there."""
        copies = [os.dup(fd) for fd in fds]
        self._out.append((memoryview(encode(frame, len(copies))), copies))
        self.flush()

    def flush(self) -> None:
        """Send what the socket takes."""
        while self._out:
            data, fds = self._out[0]
            try:
                sent = self.sock.sendmsg([data], rights(fds), socket.MSG_NOSIGNAL)
            except BlockingIOError:
                return
            for fd in fds:
                os.close(fd)
            if sent == len(data):
                self._out.popleft()
            else:
                self._out[0] = (data[sent:], [])

    def close(self) -> None:
        """Close the socket and every descriptor in transit."""
        for _, fds in self._out:
            for fd in fds:
                os.close(fd)
        self._out.clear()
        self._reader.close()
        self.sock.close()
