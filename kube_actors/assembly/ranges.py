"""The address ranges of a cluster: chosen once, remembered beside the journal, claimed while it runs."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from ipaddress import IPv4Network
from pathlib import Path

import attrs

from kube_actors.config.types import ClusterConfig
from kube_actors.network.claims import RangeClaim, claim_ranges
from kube_actors.network.machine_networks import LOOPBACK, NetworkInUse, networks_in_use
from kube_actors.network.ranges import (
    LOOPBACK_FAMILIES,
    ROUTED_FAMILIES,
    Family,
    NetworkRanges,
    WantedRanges,
    parse_cidr,
)
from kube_actors.node.agent.host_link import interface_name
from kube_actors.node.agent.settings import SOCKET_NAME
from kube_actors.records import frozen
from kube_actors.state import StateDirectory

# Nothing of a simulated cluster is on the machine, so it can have all the addresses it likes.
SIMULATED = NetworkRanges(IPv4Network("10.128.0.0/9"), IPv4Network("10.96.0.0/16"), IPv4Network("10.112.0.0/16"))

MARK_PORT = 61_440
"""UDP port of a range's first address that is bound by whoever holds the range."""


@frozen
class HeldRanges:
    """A cluster's ranges for tiers A and B, and those of 127.0.0.0/8 for tier C: which it is, only the agent finds out.

    `descriptors` are the claims, for a keeper to hold on to.
    """

    routed: NetworkRanges
    loopback: NetworkRanges
    descriptors: tuple[int, ...] = ()

    def of_tier(self, tier: str) -> NetworkRanges:
        """The ranges of a cluster whose pods are kept apart so."""
        return self.loopback if tier == "C" else self.routed


def wanted_ranges(config: ClusterConfig) -> WantedRanges:
    """What cluster.yaml asks for. InputError for what is no network."""
    network = config.network
    pairs = (("podCIDR", network.pod_cidr), ("serviceCIDR", network.service_cidr), ("nodeCIDR", network.node_cidr))
    return WantedRanges(*(parse_cidr(text, f"$.spec.network.{name}") if text else None for name, text in pairs))


def claims_directory() -> Path:
    """Where the clusters of one user on this machine tell each other which ranges they hold."""
    base = "/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR") or f"/tmp/kube-actors-{os.geteuid()}"
    return Path(base) / "kube-actors" / "ranges"


@contextmanager
def hold_ranges(config: ClusterConfig, state: StateDirectory, cluster_id: str) -> Iterator[HeldRanges]:
    """The cluster's ranges, its own while the block runs, and while a keeper holds them that outlives it.

    InputError when wanted ones are taken.
    """
    wanted = wanted_ranges(config)
    if all(node.runtime == "simulated" for node in config.nodes):
        ranges = wanted.over(SIMULATED)
        yield HeldRanges(ranges, ranges)
        return
    remembered_in = state.root / "ranges.json"
    remembered = _remembered(remembered_in)
    keep = config.on_runtime_exit == "keep"
    routed = _claim(wanted, ROUTED_FAMILIES, cluster_id, remembered.get("routed"))
    try:
        # Every cluster holds both, for it is not known yet what the machine allows.
        inside = WantedRanges(*(_in_loopback(one) for one in attrs.astuple(wanted, recurse=False)))
        loopback, mark = _claim_loopback(inside, cluster_id, remembered.get("loopback"), kept=_has_keeper(state))
        try:
            _remember(remembered_in, {"routed": routed.ranges, "loopback": loopback.ranges})
            descriptors = (routed.fileno(), loopback.fileno(), *([mark.fileno()] if mark is not None else []))
            yield HeldRanges(routed.ranges, loopback.ranges, descriptors)
        finally:
            loopback.close(keep=keep)
            if mark is not None:
                mark.close()
    finally:
        routed.close(keep=keep)


def _has_keeper(state: StateDirectory) -> bool:
    """Whether keeper and agent of an earlier run are still there."""
    return (Path(state.agent) / SOCKET_NAME).exists()


def _in_loopback(network: IPv4Network | None) -> IPv4Network | None:
    return network if network is not None and network.subnet_of(LOOPBACK) else None


def _claim_loopback(
    wanted: WantedRanges, cluster_id: str, remembered: NetworkRanges | None, *, kept: bool
) -> tuple[RangeClaim, socket.socket | None]:
    """Ranges nobody has on this machine, and the socket that says so.

    Claims are files of one user, and addresses of 127.0.0.0/8 leave no trace in the routes that others could see: a
    bound socket is seen by all. None: this cluster's own keeper (`kept`) holds it.
    """
    taken: list[NetworkInUse] = []
    while True:
        claim = _claim(wanted, LOOPBACK_FAMILIES, cluster_id, remembered, taken)
        mark = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            mark.bind((str(claim.ranges.pod_cidr.network_address), MARK_PORT))
        except OSError:
            mark.close()
            if kept and claim.ranges == remembered:
                return claim, None
            claim.close()
            taken += [NetworkInUse(network, "another user's cluster") for _, network in claim.ranges.named()]
        else:
            return claim, mark


def _claim(
    wanted: WantedRanges,
    families: Sequence[Family],
    cluster_id: str,
    remembered: NetworkRanges | None,
    taken: Sequence[NetworkInUse] = (),
) -> RangeClaim:
    in_use = (*networks_in_use((interface_name(cluster_id),)), *taken)
    return claim_ranges(
        wanted, claims_directory(), owner=cluster_id, in_use=in_use, families=families, remembered=remembered
    )


def _remember(path: Path, ranges: dict[str, NetworkRanges]) -> None:
    path.write_text(json.dumps({kind: {name: str(cidr) for name, cidr in one.named()} for kind, one in ranges.items()}))


def _remembered(path: Path) -> dict[str, NetworkRanges]:
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        return {
            kind: NetworkRanges(*(IPv4Network(cidrs[name]) for name in ("podCIDR", "serviceCIDR", "nodeCIDR")))
            for kind, cidrs in json.loads(path.read_text()).items()
        }
    return {}
