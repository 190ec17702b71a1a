"""Pools of addresses, ports and node slices."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_actors.network.addresses import (
    AddressPool,
    AlreadyAllocated,
    NodeSlices,
    NumberPool,
    OutsidePool,
    PoolExhausted,
    node_port_pool,
    service_address_pool,
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


def test_a_named_address_is_checked_in_kubernetes_words() -> None:
    """Taken, outside, and no address at all."""
    pool = AddressPool(IPv4Network("10.96.0.0/24"))
    pool.claim("10.96.0.7")
    assert "10.96.0.7" in pool
    with pytest.raises(AlreadyAllocated, match=r"failed to allocate IP 10\.96\.0\.7: provided IP is already allocated"):
        pool.claim("10.96.0.7")
    for outside in ("10.97.0.1", "10.96.0.0", "10.96.0.255"):
        with pytest.raises(
            OutsidePool, match=r"the provided IP is not in the valid range. The range of valid IPs is 10"
        ):
            pool.claim(outside)
    with pytest.raises(OutsidePool, match="must be a valid IPv4 address"):
        pool.claim("web")


def test_a_restart_goes_on_behind_what_exists() -> None:
    """Existing addresses are taken, foreign ones ignored, and the next is a fresh one."""
    pool = AddressPool(IPv4Network("10.244.0.0/24"))
    pool.restore(["10.244.0.9", "10.244.0.4", "10.9.9.9"])
    assert pool.free == 252
    assert pool.allocate() == "10.244.0.10"


@pytest.mark.parametrize(
    ("cidr", "first"),
    # 65534/16 = 4095, at most 256; 254/16 = 15, at least 16; 14 addresses have no static band.
    [("10.96.0.0/16", "10.96.1.1"), ("10.96.0.0/24", "10.96.0.17"), ("10.96.0.0/28", "10.96.0.1")],
)
def test_cluster_ips_leave_the_static_band_for_those_who_ask(cidr: str, first: str) -> None:
    """The first automatic ClusterIP is above the static band."""
    assert service_address_pool(IPv4Network(cidr)).allocate() == first


def test_the_static_band_is_used_when_nothing_else_is_left() -> None:
    """No Service is refused while an address is free."""
    pool = service_address_pool(IPv4Network("10.96.0.0/27"))
    given_out = [pool.allocate() for _ in range(30)]
    assert given_out[0] == "10.96.0.17"
    assert given_out[14] == "10.96.0.1"
    assert len(set(given_out)) == 30


def test_node_ports_start_above_their_static_band() -> None:
    """2768/32 = 86 ports are kept for those who ask."""
    pool = node_port_pool()
    pool.claim(30000)
    assert pool.allocate() == 30086
    with pytest.raises(OutsidePool, match="30000-32767"):
        pool.claim(80)


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
@given(st.lists(st.one_of(st.just("allocate"), st.integers(0, 12), st.integers(0, 12).map(lambda n: ("release", n)))))
def test_a_pool_never_gives_a_number_twice(steps: list[object]) -> None:
    """Against a plain set: what is given out is free, inside, and everything free can be had."""
    pool = NumberPool(1, 10, static_band=3, reserved=[5])
    used: set[int] = set()
    for step in steps:
        if step == "allocate":
            try:
                number = pool.allocate()
            except PoolExhausted:
                assert len(used) == 9
            else:
                assert number not in used
                assert 1 <= number <= 10
                assert number != 5
                assert number > 3 or used >= {4, 6, 7, 8, 9, 10}
                used.add(number)
        elif isinstance(step, int):
            try:
                pool.claim(step)
            except (OutsidePool, AlreadyAllocated):
                assert step in used or step == 5 or not 1 <= step <= 10
            else:
                assert step not in used
                used.add(step)
        elif isinstance(step, tuple):
            pool.release(step[1])
            used.discard(step[1])
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
