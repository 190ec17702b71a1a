"""How endpoints share the slots of the service table."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.node.agent.services import SIZES, Backends, Endpoint, by_client, evenly

ENDPOINTS = st.lists(
    st.tuples(st.from_regex(r"10\.0\.0\.[1-9]", fullmatch=True), st.integers(1, 65535)),
    min_size=1,
    max_size=9,
    unique=True,
)


@given(ENDPOINTS)
def test_every_endpoint_has_as_many_slots(endpoints: list[Endpoint]) -> None:
    """Give or take one slot."""
    counts = Counter(evenly(tuple(endpoints), 64))
    assert sum(counts.values()) == 64
    assert set(counts) == set(endpoints)
    assert max(counts.values()) - min(counts.values()) <= 1


@given(ENDPOINTS)
def test_losing_an_endpoint_moves_only_its_clients(endpoints: list[Endpoint]) -> None:
    """With affinity every other client stays where it was."""
    gone, *left = endpoints
    if left:
        before, after = by_client(tuple(endpoints), 64), by_client(tuple(left), 64)
        assert all(now == then for then, now in zip(before, after, strict=True) if then != gone)


@pytest.mark.parametrize(
    ("endpoints", "affinity", "slots"),
    [(1, False, 64), (64, False, 64), (65, False, 1024), (300, False, 1024), (16, True, 64), (17, True, 1024)],
)
def test_no_endpoint_is_left_out(endpoints: int, affinity: bool, slots: int) -> None:
    """However many there are, each gets its share of the clients (with a hash: all but one in fifty)."""
    backends = Backends(tuple((f"10.0.{n // 250}.{n % 250 + 1}", 80) for n in range(endpoints)), affinity)
    chosen = (by_client if affinity else evenly)(backends.endpoints, backends.slots)
    assert len(chosen) == backends.slots == slots
    assert slots in SIZES
    assert len(set(backends.endpoints) - set(chosen)) <= (1 if affinity else 0)
