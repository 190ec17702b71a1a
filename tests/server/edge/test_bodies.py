"""Bodies on their way out."""

from __future__ import annotations

import gzip

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.server.edge.bodies import accepts_gzip, gzip_chunks, slices


@given(st.lists(st.binary(max_size=40)), st.binary(max_size=10))
def test_slices_are_the_body(pieces: list[bytes], first: bytes) -> None:
    """Joined they are what was given; none is empty or too large."""
    found = [bytes(one) for one in slices(tuple(pieces), first, size=16)]
    assert b"".join(found) == first + b"".join(pieces)
    assert all(0 < len(one) <= 16 for one in found)


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("identity", False),
        ("", False),
        ("*", False),
    ],
)
def test_who_takes_gzip(header: str, accepted: bool) -> None:
    """As kube-apiserver reads the header: only gzip by its name."""
    assert accepts_gzip(header) is accepted


async def test_gzip_is_sent_in_chunks() -> None:
    """Taken apart as HTTP and unpacked it is the body, the last chunk included."""
    body = (b"a" * 3_000_000, b"b", b"c" * 100)
    data = b"".join([part async for part in gzip_chunks(body, trio.CapacityLimiter(1))])
    packed = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        if size == b"0":
            break
        packed, data = packed + data[: int(size, 16)], data[int(size, 16) + 2 :]
    assert data == b"\r\n"
    assert gzip.decompress(packed) == b"".join(body)
