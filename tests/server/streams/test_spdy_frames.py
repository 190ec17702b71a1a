"""SPDY/3.1 frames, without I/O."""

from __future__ import annotations

import contextlib
import hashlib
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.server.streams.spdy_dictionary import dictionary
from kube_actors.server.streams.spdy_frames import (
    DataReceived,
    FrameReader,
    FrameWriter,
    GoingAway,
    PingReceived,
    Reset,
    SpdyError,
    SpdyEvent,
    StreamOpened,
    StreamReset,
)

from .spdy_client import ClientFrames, control, data


def test_the_dictionary_is_the_specifications() -> None:
    """Both sides must have it to the byte."""
    digest = "51d27341373f923f3cd88e1eb7162aeaa3723d7585ff2399201dc06498407f02"
    assert hashlib.sha256(dictionary()).hexdigest() == digest


def test_a_conversation() -> None:
    """Every frame a client of Kubernetes sends, byte by byte."""
    client = ClientFrames()
    sent = (
        client.open(1, StreamType="error", port="80"),
        client.open(3, finished=True, streamtype="data"),
        data(1, b"hello"),
        data(1, finished=True),
        control(3, struct.pack(">II", 3, Reset.CANCEL)),
        control(6, struct.pack(">I", 7)),
        control(4, b"\0\0\0\0"),
        control(9, b"\0\0\0\1\0\0\1\0"),
        control(7, struct.pack(">II", 3, 0)),
    )
    reader, events = FrameReader(), list[SpdyEvent]()
    for byte in b"".join(sent):
        events += reader.feed(bytes((byte,)))
    received = b"".join(event.data for event in events if isinstance(event, DataReceived))
    assert [event for event in events if not isinstance(event, DataReceived)] == [
        StreamOpened(1, {"streamtype": "error", "port": "80"}, False),
        StreamOpened(3, {"streamtype": "data"}, True),
        StreamReset(3),
        PingReceived(7),
        GoingAway(),
    ]
    assert received == b"hello"
    assert [event.finished for event in events if isinstance(event, DataReceived)][-1]


def test_a_large_data_frame_is_not_kept() -> None:
    """Data goes on as it comes, whatever the length of its frame."""
    reader = FrameReader()
    head = struct.pack(">II", 1, 1 << 24 | 0xFFFFFF)
    assert reader.feed(head + b"x") == [DataReceived(1, b"x", False)]
    assert reader.feed(b"y" * 1000) == [DataReceived(1, b"y" * 1000, False)]
    assert reader.feed(b"z" * (0xFFFFFF - 1001))[-1] == DataReceived(1, b"z" * (0xFFFFFF - 1001), True)


def bomb() -> bytes:
    """Headers that are small on the wire and large in memory."""
    deflate = zlib.compressobj(9, zdict=dictionary())
    block = deflate.compress(struct.pack(">II", 1, 10_000_000) + bytes(10_000_000)) + deflate.flush(zlib.Z_SYNC_FLUSH)
    return control(1, struct.pack(">IIH", 1, 0, 0) + block)


@pytest.mark.parametrize(
    "sent",
    [
        struct.pack(">HHI", 0x8002, 1, 0),
        struct.pack(">HHI", 0x8003, 1, 0xFFFFFF),
        control(1, b"\0\0\0\1\0\0\0\0\0\0garbage"),
        control(1, b"\0"),
        control(6, b""),
        control(3, b"\0\0\0\1"),
        ClientFrames().open(2),
        ClientFrames().open(3) + ClientFrames().open(1),
        bomb(),
    ],
    ids=["version", "size", "compression", "short", "ping", "reset", "even", "order", "bomb"],
)
def test_what_is_no_spdy_is_refused(sent: bytes) -> None:
    """The connection is of no use any more."""
    with pytest.raises(SpdyError):
        FrameReader().feed(sent)


@given(st.lists(st.binary(max_size=200)))
def test_any_bytes_are_read_or_refused(pieces: list[bytes]) -> None:
    """No input does anything but give events or a SpdyError."""
    reader = FrameReader()
    with contextlib.suppress(SpdyError):
        for piece in pieces:
            reader.feed(piece)


@given(st.integers(0, 10), st.binary(max_size=100), st.integers(0, 255))
def test_any_control_frame_is_read_or_refused(kind: int, body: bytes, flags: int) -> None:
    """The same for frames that are well formed outside."""
    with contextlib.suppress(SpdyError):
        FrameReader().feed(control(kind, body, flags=flags))


def test_our_frames() -> None:
    """What a client reads."""
    writer = FrameWriter()
    assert writer.data(5, b"ab", finished=True) == data(5, b"ab", finished=True)
    assert writer.reset(5, Reset.CANCEL) == control(3, struct.pack(">II", 5, 5))
    assert writer.ping(3) == control(6, b"\0\0\0\3")
    reply = writer.reply(1)
    assert reply[:4] == b"\x80\x03\0\2"
    assert zlib.decompressobj(zdict=dictionary()).decompress(reply[12:]) == b"\0\0\0\0"
