"""How endpoints share the slots of the service table."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from kube_actors.node.agent.services import SLOTS, Endpoint, by_client, evenly

ENDPOINTS = st.lists(
    st.tuples(st.from_regex(r"10\.0\.0\.[1-9]", fullmatch=True), st.integers(1, 65535)),
    min_size=1,
    max_size=9,
    unique=True,
)


@given(ENDPOINTS)
def test_every_endpoint_has_as_many_slots(endpoints: list[Endpoint]) -> None:
    """Give or take one slot."""
    counts = Counter(evenly(tuple(endpoints)))
    assert sum(counts.values()) == SLOTS
    assert set(counts) == set(endpoints)
    assert max(counts.values()) - min(counts.values()) <= 1


@given(ENDPOINTS)
def test_losing_an_endpoint_moves_only_its_clients(endpoints: list[Endpoint]) -> None:
    """With affinity every other client stays where it was."""
    gone, *left = endpoints
    if left:
        before, after = by_client(tuple(endpoints)), by_client(tuple(left))
        assert all(now == then for then, now in zip(before, after, strict=True) if then != gone)
