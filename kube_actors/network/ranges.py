"""The three address ranges of a cluster, and the choice of ranges that collide with nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network
from itertools import combinations

from kube_actors.errors import InputError, Problem
from kube_actors.network.machine_networks import NetworkInUse
from kube_actors.records import frozen

CLUSTERS_PER_FAMILY = 16


@frozen
class NetworkRanges:
    """Where a cluster's pods, Services and nodes have their addresses."""

    pod_cidr: IPv4Network
    service_cidr: IPv4Network
    node_cidr: IPv4Network

    @property
    def api_address(self) -> str:
        """ClusterIP of the Service `kubernetes`: the first of the range, as in Kubernetes."""
        return str(self.service_cidr[1])

    @property
    def dns_address(self) -> str:
        """ClusterIP of the cluster's DNS: the tenth of the range, as kubeadm does."""
        return str(self.service_cidr[10])

    def named(self) -> tuple[tuple[str, IPv4Network], ...]:
        """The ranges with the names people write them by."""
        return (("podCIDR", self.pod_cidr), ("serviceCIDR", self.service_cidr), ("nodeCIDR", self.node_cidr))


@frozen
class WantedRanges:
    """What a person asked for; None leaves the choice to us."""

    pod_cidr: IPv4Network | None = None
    service_cidr: IPv4Network | None = None
    node_cidr: IPv4Network | None = None

    def over(self, ranges: NetworkRanges) -> NetworkRanges:
        """`ranges` with the wanted ones in their place."""
        return NetworkRanges(
            self.pod_cidr or ranges.pod_cidr,
            self.service_cidr or ranges.service_cidr,
            self.node_cidr or ranges.node_cidr,
        )

    def named(self) -> tuple[tuple[str, IPv4Network], ...]:
        """Those that were asked for, with their names."""
        all_of_them = (("podCIDR", self.pod_cidr), ("serviceCIDR", self.service_cidr), ("nodeCIDR", self.node_cidr))
        return tuple((name, network) for name, network in all_of_them if network is not None)


@frozen
class Family:
    """Sixteen sets of /16 ranges under one first octet; `*_at` is the second octet of the first set, `pod_step` ±1."""

    first_octet: int
    pod_at: int
    service_at: int
    node_at: int
    pod_step: int = 1

    def sets(self) -> Iterator[NetworkRanges]:
        """The sets of this family, best known first."""
        for index in range(CLUSTERS_PER_FAMILY):
            seconds = (self.pod_at + self.pod_step * index, self.service_at + index, self.node_at + index)
            yield NetworkRanges(*(IPv4Network(f"{self.first_octet}.{second}.0.0/16") for second in seconds))


ROUTED_FAMILIES = (
    # 10.244 and 10.96 are what people know from Kubernetes; 100.64/10 is for machines whose VPN takes all of 10/8.
    Family(10, pod_at=244, service_at=96, node_at=112, pod_step=-1),
    Family(100, pod_at=64, service_at=96, node_at=112),
)
LOOPBACK_FAMILIES = (Family(127, pod_at=64, service_at=96, node_at=112),)
"""For machines where pods are plain processes: every address in 127/8 can be bound without any set-up."""


def parse_cidr(text: str, field: str) -> IPv4Network:
    """An IPv4 network in CIDR notation; InputError says what is wrong with `field` and what would be right."""
    try:
        if "/" not in text:
            raise ValueError("no prefix length")
        network = IPv4Network(text, strict=False)
    except ValueError:
        hint = "IPv6 ranges are not supported" if ":" in text else "for example 10.244.0.0/16"
        raise InputError([Problem(f"{field}: {text!r} is not an IPv4 network", hint=hint)]) from None
    if str(network.network_address) != text.split("/")[0]:
        raise InputError([Problem(f"{field}: {text!r} is not the start of a network", hint=f"{network} is")])
    return network


def choose_ranges(
    wanted: WantedRanges,
    taken: Sequence[NetworkInUse],
    *,
    families: Sequence[Family] = ROUTED_FAMILIES,
    remembered: NetworkRanges | None = None,
) -> NetworkRanges:
    """The first set that overlaps nothing in `taken` nor itself: `remembered` of an earlier run, then by family.

    Wanted ranges are kept as they are; InputError names the holder of each that collides, all of them at once.
    """
    if problems := [*_size_problems(wanted), *_wanted_problems(wanted, taken)]:
        raise InputError(problems)
    candidates = [remembered] if remembered else []
    candidates += [ranges for family in families for ranges in family.sets()]
    for candidate in candidates:
        ranges = wanted.over(candidate)
        networks = [network for _, network in ranges.named()]
        free = not any(network.overlaps(use.network) for network in networks for use in taken)
        if free and not any(one.overlaps(other) for one, other in combinations(networks, 2)):
            return ranges
    raise InputError([_nothing_free(candidates[0], taken)])


def _size_problems(wanted: WantedRanges) -> Iterator[Problem]:
    service = wanted.service_cidr
    if service is not None and not 12 <= service.prefixlen <= 28:
        yield Problem(f"serviceCIDR {service} must be between /12 and /28")
    for name, network in wanted.named():
        if name != "serviceCIDR" and network.prefixlen > 28:
            yield Problem(f"{name} {network} is too small", hint="/28 or wider")


def _wanted_problems(wanted: WantedRanges, taken: Sequence[NetworkInUse]) -> Iterator[Problem]:
    for name, network in wanted.named():
        if use := next((use for use in taken if use.network.overlaps(network)), None):
            hint = "choose another, or leave it out to have a free one chosen"
            yield Problem(f"{name} {network} overlaps {use.network}, which is held by {use.holder}", hint=hint)
    for (name, network), (other_name, other) in combinations(wanted.named(), 2):
        if network.overlaps(other):
            yield Problem(f"{name} {network} overlaps {other_name} {other}")


def _nothing_free(first: NetworkRanges, taken: Sequence[NetworkInUse]) -> Problem:
    holders = [use for use in taken if any(use.network.overlaps(network) for _, network in first.named())]
    reasons = ", ".join(f"{use.network} is held by {use.holder}" for use in holders)
    return Problem(
        f"no free network ranges on this machine: {reasons or 'all are taken'}",
        hint="give podCIDR, serviceCIDR and nodeCIDR",
    )
