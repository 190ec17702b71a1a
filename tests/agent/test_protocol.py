"""Frames survive any cutting of the stream, with their descriptors."""

from __future__ import annotations

import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.node.agent.protocol import MAX_FRAME, Channel, FrameReader, ProtocolError, encode


@given(st.lists(st.dictionaries(st.text(), st.integers()), max_size=5), st.data())
def test_frames_come_out_as_they_went_in(frames: list[dict[str, int]], data: st.DataObject) -> None:
    """However the bytes are cut."""
    stream = b"".join(encode(frame) for frame in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    reader, got = FrameReader(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += [frame for frame, _ in reader.feed(stream[start:end], [])]
    assert got == frames


def test_descriptors_stay_with_their_frame() -> None:
    """Large frames before and after do not shift them; an unread one is closed with the channel."""
    ours, theirs = (Channel(sock) for sock in socket.socketpair())
    reading, writing = os.pipe()
    ours.send({"n": 1, "text": "x" * 500_000})
    ours.send({"n": 2}, [reading, writing])
    ours.send({"n": 3}, [reading])
    got: list[tuple[int, int]] = []
    while len(got) < 3:
        ours.flush()
        for frame, fds in theirs.receive() or []:
            got.append((frame["n"], len(fds)))
            for fd in fds:
                assert os.fstat(fd).st_ino == os.fstat(reading).st_ino
                assert not os.get_inheritable(fd)
                os.close(fd)
    assert got == [(1, 0), (2, 2), (3, 1)]
    ours.close()
    assert theirs.receive() is None
    theirs.close()
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("raw", [b"\xff\xff\xff\xff\x00", encode({}).replace(b"{}", b"[]"), encode({}, 3)])
def test_what_is_no_frame_is_refused(raw: bytes) -> None:
    """Too long, not an object, or promising descriptors that did not come."""
    assert MAX_FRAME < 0xFFFFFFFF
    with pytest.raises(ProtocolError):
        FrameReader().feed(raw, [])
