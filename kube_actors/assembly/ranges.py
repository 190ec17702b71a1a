"""The address ranges of a cluster: chosen once, remembered beside the journal, claimed while it runs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Network
from pathlib import Path

from kube_actors.config.types import ClusterConfig
from kube_actors.network.claims import claim_ranges
from kube_actors.network.machine_networks import networks_in_use
from kube_actors.network.ranges import NetworkRanges, WantedRanges, parse_cidr
from kube_actors.node.agent.host_link import interface_name
from kube_actors.state import StateDirectory

# Nothing of a simulated cluster is on the machine, so it can have all the addresses it likes.
SIMULATED = NetworkRanges(IPv4Network("10.128.0.0/9"), IPv4Network("10.96.0.0/16"), IPv4Network("10.112.0.0/16"))


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
def hold_ranges(config: ClusterConfig, state: StateDirectory, cluster_id: str) -> Iterator[NetworkRanges]:
    """The cluster's ranges, its own while the block runs. InputError when wanted ones are taken."""
    wanted = wanted_ranges(config)
    if all(node.runtime == "simulated" for node in config.nodes):
        yield wanted.over(SIMULATED)
        return
    remembered_in = state.root / "ranges.json"
    claim = claim_ranges(
        wanted,
        claims_directory(),
        owner=cluster_id,
        in_use=networks_in_use((interface_name(cluster_id),)),
        remembered=_remembered(remembered_in),
    )
    with claim:
        cidrs = {name: str(network) for name, network in claim.ranges.named()}
        remembered_in.write_text(json.dumps(cidrs))
        yield claim.ranges


def _remembered(path: Path) -> NetworkRanges | None:
    with suppress(OSError, ValueError, KeyError):
        cidrs = json.loads(path.read_text())
        return NetworkRanges(*(IPv4Network(cidrs[name]) for name in ("podCIDR", "serviceCIDR", "nodeCIDR")))
    return None
