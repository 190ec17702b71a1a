"""How endpoints share the slots of the service table."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.node.agent.service_rules import SIZES
from kube_actors.node.agent.services import Backends, Endpoint, affinity_seconds, evenly

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


@pytest.mark.parametrize("affinity", [None, 10])
@pytest.mark.parametrize(("endpoints", "slots"), [(1, 64), (64, 64), (65, 1024), (300, 1024)])
def test_no_endpoint_is_left_out(endpoints: int, slots: int, affinity: int | None) -> None:
    """However many there are, each gets its share of the clients."""
    backends = Backends(tuple((f"10.0.{n // 250}.{n % 250 + 1}", 80) for n in range(endpoints)), affinity)
    chosen = evenly(backends.endpoints, backends.slots)
    assert len(chosen) == backends.slots == slots
    assert slots in SIZES
    assert set(chosen) == set(backends.endpoints)


def test_what_earlier_runtimes_say_of_affinity() -> None:
    """Only whether: then it is three hours."""
    assert [affinity_seconds(said) for said in (None, False, True, 7)] == [None, None, 10800, 7]
