"""Choosing and claiming address ranges."""

from __future__ import annotations

import subprocess
import sys
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from kube_actors.errors import InputError
from kube_actors.network.claims import claim_ranges
from kube_actors.network.machine_networks import (
    NetworkInUse,
    machine_addresses,
    networks_in_use,
    parse_fib,
    parse_routes,
)
from kube_actors.network.ranges import LOOPBACK_FAMILIES, NetworkRanges, WantedRanges, choose_ranges, parse_cidr

ROUTES = """Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
ka-web	0000F40A	00000000	0001	0	0	0	0000FFFF	0	0	0
"""
FIB = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.0
           /8 host LOCAL
     |-- 192.0.2.0
        /24 link UNICAST
     |-- 192.0.2.2
        /32 host LOCAL
     |-- 192.0.2.255
        /32 link BROADCAST
Id 51820:
     |-- 10.0.0.0
        /24 link UNICAST
        /9 universe UNICAST
"""


def network(cidr: str) -> IPv4Network:
    """Short for an IPv4Network."""
    return IPv4Network(cidr)


def in_use(cidr: str, holder: str = "a route by eth0") -> NetworkInUse:
    """A network held by somebody."""
    return NetworkInUse(network(cidr), holder)


def test_an_empty_machine_gets_the_ranges_people_know() -> None:
    """10.244 for pods and 10.96 for Services, with the API at .1 and DNS at .10."""
    ranges = choose_ranges(WantedRanges(), [])
    assert ranges == NetworkRanges(network("10.244.0.0/16"), network("10.96.0.0/16"), network("10.112.0.0/16"))
    assert (ranges.api_address, ranges.dns_address) == ("10.96.0.1", "10.96.0.10")


def test_a_route_of_the_machine_moves_the_choice() -> None:
    """One colliding network of the three is enough to take the next set."""
    ranges = choose_ranges(WantedRanges(), [in_use("10.96.7.0/24")])
    assert ranges == NetworkRanges(network("10.243.0.0/16"), network("10.97.0.0/16"), network("10.113.0.0/16"))


def test_a_vpn_over_all_of_ten_moves_to_another_family() -> None:
    """With 10/8 taken the cluster lives in 100.64/10."""
    assert choose_ranges(WantedRanges(), [in_use("10.0.0.0/8")]).pod_cidr == network("100.64.0.0/16")


def test_nothing_free_names_the_holders() -> None:
    """When all is taken the message says by whom and what to do."""
    taken = [in_use("10.0.0.0/8", "a route by tun0"), in_use("100.64.0.0/10")]
    with pytest.raises(InputError, match=r"10\.0\.0\.0/8 is held by a route by tun0.*give podCIDR"):
        choose_ranges(WantedRanges(), taken)


def test_wanted_ranges_that_collide_are_refused_all_at_once() -> None:
    """Every collision is named with its holder."""
    wanted = WantedRanges(pod_cidr=network("192.0.2.0/24"), service_cidr=network("10.96.0.0/12"))
    with pytest.raises(InputError) as caught:
        choose_ranges(wanted, [in_use("192.0.2.0/24"), in_use("10.100.0.0/16", "cluster dev (pid 7)")])
    assert [problem.message for problem in caught.value.problems] == [
        "podCIDR 192.0.2.0/24 overlaps 192.0.2.0/24, which is held by a route by eth0",
        "serviceCIDR 10.96.0.0/12 overlaps 10.100.0.0/16, which is held by cluster dev (pid 7)",
    ]


def test_wanted_ranges_must_not_overlap_each_other() -> None:
    """Two of one's own ranges over each other are a mistake too."""
    wanted = WantedRanges(pod_cidr=network("10.0.0.0/8"), service_cidr=network("10.96.0.0/16"))
    with pytest.raises(InputError, match=r"podCIDR 10\.0\.0\.0/8 overlaps serviceCIDR 10\.96\.0\.0/16"):
        choose_ranges(wanted, [])


def test_what_is_not_wanted_is_chosen_around_what_is() -> None:
    """A wanted service range pushes the pods' range out of its way."""
    ranges = choose_ranges(WantedRanges(service_cidr=network("10.240.0.0/12")), [])
    assert ranges.service_cidr == network("10.240.0.0/12")
    assert ranges.pod_cidr == network("10.239.0.0/16")


def test_remembered_ranges_come_first_and_give_way() -> None:
    """A restarted cluster keeps its ranges when it can."""
    remembered = NetworkRanges(network("10.9.0.0/16"), network("10.8.0.0/16"), network("10.7.0.0/16"))
    assert choose_ranges(WantedRanges(), [], remembered=remembered) == remembered
    assert choose_ranges(WantedRanges(), [in_use("10.8.1.0/24")], remembered=remembered) != remembered


@pytest.mark.parametrize("cidr", ["10.96.0.0/8", "10.96.0.0/29"])
def test_a_service_range_has_a_sensible_size(cidr: str) -> None:
    """Too wide for an allocation map, or too narrow for the DNS address."""
    with pytest.raises(InputError, match="between /12 and /28"):
        choose_ranges(WantedRanges(service_cidr=IPv4Network(cidr, strict=False)), [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10.244.1.0/16", "not the start of a network .10.244.0.0/16 is"),
        ("fd00::/64", "IPv6 ranges are not supported"),
        ("10.244.0.0", "not an IPv4 network"),
        ("wide", "podCIDR: 'wide' is not an IPv4 network"),
    ],
)
def test_cidrs_are_checked_with_a_hint(text: str, message: str) -> None:
    """A person learns what would be right."""
    with pytest.raises(InputError, match=message):
        parse_cidr(text, "podCIDR")


def test_cidrs_that_are_right() -> None:
    """A network comes back as one."""
    assert parse_cidr("10.244.0.0/16", "podCIDR") == network("10.244.0.0/16")


def test_routes_are_read_from_proc() -> None:
    """Little-endian hexadecimal, one line each."""
    assert list(parse_routes(ROUTES)) == [
        (network("0.0.0.0/0"), "eth0"),
        (network("192.0.2.0/24"), "eth0"),
        (network("10.244.0.0/16"), "ka-web"),
    ]


def test_routes_of_every_table_are_read() -> None:
    """A VPN's own table counts, broadcasts do not."""
    assert list(parse_fib(FIB)) == [
        (network("0.0.0.0/0"), "UNICAST"),
        (network("127.0.0.0/8"), "LOCAL"),
        (network("192.0.2.0/24"), "UNICAST"),
        (network("192.0.2.2/32"), "LOCAL"),
        (network("10.0.0.0/24"), "UNICAST"),
        (network("10.0.0.0/9"), "UNICAST"),
    ]


def test_addresses_of_the_machine(tmp_path: Path) -> None:
    """Those others reach it by: neither loopback nor networks; none where there is nothing to read."""
    assert machine_addresses(tmp_path) == ()
    (tmp_path / "fib_trie").write_text(FIB)
    assert machine_addresses(tmp_path) == ("192.0.2.2",)


def test_the_machine_is_described_without_loopback_and_own_links(tmp_path: Path) -> None:
    """Default route, loopback and the cluster's own interface are no obstacle; the rest has a holder."""
    (tmp_path / "route").write_text(ROUTES)
    (tmp_path / "fib_trie").write_text(FIB)
    (tmp_path / "resolv.conf").write_text("nameserver 10.255.255.53\nnameserver 127.0.0.53\n")
    found = networks_in_use({"ka-web"}, proc_net=tmp_path, resolv_conf=tmp_path / "resolv.conf")
    assert {str(use.network): use.holder for use in found} == {
        "192.0.2.0/24": "a route by eth0",
        "192.0.2.2/32": "an address of this machine",
        "10.0.0.0/24": "a route of this machine",
        "10.0.0.0/9": "a route of this machine",
        "10.255.255.53/32": f"a nameserver in {tmp_path}/resolv.conf",
    }


def test_this_machine_can_be_described() -> None:
    """The real files parse, and loopback is not among them."""
    assert not [use for use in networks_in_use() if use.network.overlaps(network("127.0.0.0/8"))]


def test_clusters_side_by_side_take_different_ranges(tmp_path: Path) -> None:
    """The second cluster moves on; when the first ends its ranges are free again."""
    one = claim_ranges(WantedRanges(), tmp_path, owner="one")
    with claim_ranges(WantedRanges(), tmp_path, owner="two") as two:
        assert two.ranges.pod_cidr == network("10.243.0.0/16")
        one.close()
        with claim_ranges(WantedRanges(), tmp_path, owner="three") as three:
            assert three.ranges.pod_cidr == network("10.244.0.0/16")
    assert not list(tmp_path.glob("*.claim"))


def test_a_collision_with_another_cluster_names_it(tmp_path: Path) -> None:
    """The holder is a name and a pid, in the words of the person's file."""
    wanted = WantedRanges(pod_cidr=network("10.244.0.0/16"))
    with (
        claim_ranges(WantedRanges(), tmp_path, owner="dev"),
        pytest.raises(InputError, match=r"podCIDR 10\.244\.0\.0/16 overlaps .* held by cluster dev \(pid \d+\)"),
    ):
        claim_ranges(wanted, tmp_path, owner="other")


def test_a_cluster_does_not_collide_with_itself(tmp_path: Path) -> None:
    """Its keeper may hold the claim of the run before."""
    with claim_ranges(WantedRanges(), tmp_path, owner="dev") as before:
        again = claim_ranges(WantedRanges(), tmp_path, owner="dev", remembered=before.ranges)
        with again:
            assert again.ranges == before.ranges


def test_a_claim_ends_with_its_last_holder(tmp_path: Path) -> None:
    """A killed runtime leaves nothing behind, unless a keeper inherited the descriptor."""
    claim = claim_ranges(WantedRanges(), tmp_path, owner="dev")
    keeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[claim.fileno()])
    claim.close(keep=True)
    with claim_ranges(WantedRanges(), tmp_path, owner="two") as two:
        assert two.ranges.pod_cidr == network("10.243.0.0/16")
    keeper.communicate(b"\n")
    with claim_ranges(WantedRanges(), tmp_path, owner="three") as three:
        assert three.ranges.pod_cidr == network("10.244.0.0/16")
        assert len(list(tmp_path.glob("*.claim"))) == 1, "what the dead left behind is swept away"


def test_claims_are_private(tmp_path: Path) -> None:
    """Whatever the umask, others cannot read who runs what."""
    with claim_ranges(WantedRanges(), tmp_path / "claims", owner="dev"):
        assert {path.stat().st_mode & 0o077 for path in [tmp_path / "claims", *(tmp_path / "claims").iterdir()]} == {0}


def test_loopback_ranges_for_machines_without_namespaces(tmp_path: Path) -> None:
    """Plain processes live in 127/8, clear of 127.0 and 127.1."""
    with claim_ranges(WantedRanges(), tmp_path, owner="dev", families=LOOPBACK_FAMILIES) as claim:
        assert [str(cidr) for _, cidr in claim.ranges.named()] == ["127.64.0.0/16", "127.96.0.0/16", "127.112.0.0/16"]


def test_a_claim_that_is_given_back_while_another_looks(tmp_path: Path) -> None:
    """It is no longer there when its turn comes, which is as good as never."""
    (tmp_path / "7-0.claim").symlink_to(tmp_path / "gone")
    with claim_ranges(WantedRanges(), tmp_path, owner="one") as claim:
        assert claim.ranges.pod_cidr == network("10.244.0.0/16")
