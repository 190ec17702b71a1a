"""Pools of addresses, ports and node slices."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_actors.network.addresses import (
    AddressPool,
    NodeSlices,
    NumberPool,
    OutsidePool,
    PoolExhausted,
    slice_prefix,
)


def test_addresses_go_up_and_come_back_last() -> None:
    """A released address is not given to the next pod, whose clients might still talk to the one before."""
    pool = AddressPool(IPv4Network("10.244.3.0/29"), reserved=["10.244.3.1"])
    assert [pool.allocate() for _ in range(2)] == ["10.244.3.2", "10.244.3.3"]
    pool.release("10.244.3.2")
    assert [pool.allocate() for _ in range(4)] == ["10.244.3.4", "10.244.3.5", "10.244.3.6", "10.244.3.2"]
    with pytest.raises(PoolExhausted, match="range is full"):
        pool.allocate()


def test_a_restart_goes_on_behind_what_exists() -> None:
    """Existing addresses are taken, foreign ones ignored, and the next is a fresh one."""
    pool = AddressPool(IPv4Network("10.244.0.0/24"))
    pool.restore(["10.244.0.9", "10.244.0.4", "10.9.9.9"])
    assert pool.free == 252
    assert pool.allocate() == "10.244.0.10"
    empty = AddressPool(IPv4Network("10.244.1.0/24"))
    empty.restore(())
    assert empty.allocate() == "10.244.1.1"


def test_nodes_get_slices_of_the_pod_range() -> None:
    """/24 each, released with the node, restored after a restart."""
    slices = NodeSlices(IPv4Network("10.244.0.0/16"))
    assert [str(slices.allocate()) for _ in range(2)] == ["10.244.0.0/24", "10.244.1.0/24"]
    slices.restore([IPv4Network("10.244.7.0/24"), IPv4Network("10.9.0.0/24"), IPv4Network("10.244.9.0/25")])
    assert str(slices.allocate()) == "10.244.8.0/24"
    slices.release(IPv4Network("10.244.0.0/24"))
    assert len({slices.allocate() for _ in range(253)}) == 253
    with pytest.raises(PoolExhausted):
        slices.allocate()


@pytest.mark.parametrize(("nodes", "prefix"), [(1, 24), (2, 24), (256, 24), (257, 25), (1000, 26)])
def test_many_nodes_get_smaller_slices(nodes: int, prefix: int) -> None:
    """A thousand nodes share 10.244/16 in /26 slices."""
    assert slice_prefix(IPv4Network("10.244.0.0/16"), nodes) == prefix


def test_a_slice_that_does_not_fit_is_refused() -> None:
    """A node's slice is no wider than the range."""
    with pytest.raises(OutsidePool):
        NodeSlices(IPv4Network("10.244.0.0/24"), 16)


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(0, 12))))
def test_a_pool_never_gives_a_number_twice(steps: list[int | None]) -> None:
    """Against a plain set: what is given out is free and inside, and all that is free can be had. A number is given
    back, None stands for one more that is taken."""
    pool = NumberPool(1, 10, reserved=[5])
    used: set[int] = set()
    for step in steps:
        if step is not None:
            pool.release(step)
            used.discard(step)
        elif len(used) == 9:
            with pytest.raises(PoolExhausted):
                pool.allocate()
        else:
            number = pool.allocate()
            assert number in set(range(1, 11)) - used - {5}
            used.add(number)
        assert pool.free == 9 - len(used)


@settings(deadline=None)
@given(st.integers(1, 8))
def test_no_quick_reuse(free: int) -> None:
    """With `free` numbers left, one that is released comes back after all of them."""
    pool = NumberPool(1, 10)
    for _ in range(10 - free):
        pool.allocate()
    pool.release(1)
    assert [pool.allocate() for _ in range(free + 1)][-1] == 1
