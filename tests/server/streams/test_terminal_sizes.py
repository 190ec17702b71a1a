"""Sizes of terminals, as clients send them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kube_actors.server.streams.terminal_sizes import LARGEST, SizeReader


def test_sizes_come_one_after_the_other_and_in_pieces() -> None:
    """As a JSON encoder writes them into a stream."""
    reader = SizeReader()
    assert reader.feed(b'{"Width":80,"Height":24}\n{"Wi') == [(24, 80)]
    assert reader.feed(b'dth":132,"Height":50}\n') == [(50, 132)]


def test_what_is_no_size_is_passed_over() -> None:
    """A wrong one does not keep the next from being understood."""
    reader = SizeReader()
    assert reader.feed(b'{"Width":-1,"Height":24}[]{"Width":"x"}null{"Width":10,"Height":20}') == [(20, 10)]


@given(st.lists(st.binary(max_size=5000)))
def test_anything_is_bounded(pieces: list[bytes]) -> None:
    """Whatever comes, little is kept of it."""
    reader = SizeReader()
    for piece in pieces:
        reader.feed(piece)
        assert len(reader._text) <= LARGEST + 5000
