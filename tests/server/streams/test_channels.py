"""Kubernetes' channel protocols, without I/O."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.server.streams.channels import (
    PROTOCOLS,
    ChannelClosed,
    ChannelData,
    ChannelError,
    ChannelEvent,
    ChannelReader,
    encode,
    negotiate,
)

V5, V4, BASE64 = (PROTOCOLS[name] for name in ("v5.channel.k8s.io", "v4.channel.k8s.io", "base64.channel.k8s.io"))


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["v5.channel.k8s.io", "v4.channel.k8s.io"], "v5.channel.k8s.io"),
        (["v9.channel.k8s.io", "v4.channel.k8s.io"], "v4.channel.k8s.io"),
        (["base64.channel.k8s.io"], "base64.channel.k8s.io"),
        ([], ""),
        (["soap"], None),
    ],
)
def test_the_clients_first_known_protocol_is_taken(offered: list[str], chosen: str | None) -> None:
    """In the client's order; none at all means the oldest, only unknown ones mean no."""
    protocol = negotiate(offered)
    assert (protocol.name if protocol is not None else None) == chosen


def test_a_message_in_pieces_keeps_its_channel() -> None:
    """The channel's number comes once, with the first piece; empty messages mean nothing."""
    reader = ChannelReader(V4)
    assert reader.feed(b"", last=True) == []
    assert reader.feed(b"\0ab", last=False) == [ChannelData(0, b"ab", False)]
    assert reader.feed(b"cd", last=True) == [ChannelData(0, b"cd", True)]
    assert reader.feed(b"\4{}", last=True) == [ChannelData(4, b"{}", True)]


def test_only_version_5_closes_channels() -> None:
    """255 and a number end a channel in version 5; before, 255 is a channel like any other."""
    assert ChannelReader(V5).feed(b"\xff\0", last=True) == [ChannelClosed(0)]
    assert ChannelReader(V4).feed(b"\xff\0", last=True) == [ChannelData(255, b"\0", True)]
    split = ChannelReader(V5)
    assert split.feed(b"\xff", last=False) == []
    assert split.feed(b"\0", last=True) == [ChannelClosed(0)]


@pytest.mark.parametrize("message", ["x", "0!!", "0abc"])
def test_what_is_not_base64_is_refused(message: str) -> None:
    """A digit, then base64."""
    with pytest.raises(ChannelError):
        ChannelReader(BASE64).feed(message, last=True)


def test_either_kind_of_message_is_read() -> None:
    """Python's client sends text where bytes are spoken."""
    assert ChannelReader(V4).feed("\0typed", last=True) == [ChannelData(0, b"typed", True)]
    assert ChannelReader(BASE64).feed(b"0YQ==", last=True) == [ChannelData(0, b"a", True)]


def test_text_is_bounded() -> None:
    """A base64 message that never ends is not kept."""
    reader = ChannelReader(BASE64)
    with pytest.raises(ChannelError):
        for _ in range(100):
            reader.feed("A" * 65536, last=False)


@given(st.sampled_from([V5, V4, BASE64]), st.integers(0, 9), st.binary())
def test_what_is_written_is_read(protocol, channel: int, data: bytes) -> None:  # type: ignore[no-untyped-def]
    """Every channel and any data, both ways."""
    assert ChannelReader(protocol).feed(encode(protocol, channel, data), last=True) == [
        ChannelData(channel, data, True)
    ]


@given(st.sampled_from(sorted(PROTOCOLS)), st.lists(st.tuples(st.binary() | st.text(), st.booleans())))
def test_anything_is_read_or_refused(name: str, pieces: list[tuple[bytes | str, bool]]) -> None:
    """No input does anything but give events or a ChannelError."""
    reader, events = ChannelReader(PROTOCOLS[name]), list[ChannelEvent]()
    try:
        for piece, last in pieces:
            events += reader.feed(piece, last=last)
    except ChannelError:
        return
    assert all(0 <= event.channel <= 255 for event in events)
