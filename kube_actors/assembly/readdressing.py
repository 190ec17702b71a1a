"""What a start does when the ranges of the run before are somebody else's now: stored addresses move to the new ones.

Two clusters take turns on a machine: while the first is stopped, the second is given its ranges, and the first comes
back with others. Kubernetes knows no such day, so its rules have no write for it (`clusterIP` and `podCIDR` cannot be
changed): this is done to the store before anything runs.
"""

from __future__ import annotations

import random
from ipaddress import IPv4Network, ip_address

from kube_actors.api.service_addresses import DEFAULT_RANGE
from kube_actors.kinds import project
from kube_actors.kinds.servicecidrs import SERVICE_CIDRS
from kube_actors.log import Log
from kube_actors.network.ranges import NetworkRanges
from kube_actors.store import Candidate, Key, Revision, Store
from kube_actors.writes.plugins.addresses import ServiceAddresses
from kube_actors.writes.plugins.in_use import HEADLESS

API = Key("services", "default", "kubernetes")
"""The Service whose address is fixed: the first of its range."""

log = Log(__name__)


def move_to_ranges(store: Store, ranges: NetworkRanges, source: random.Random) -> None:
    """Give Services whose ClusterIP no range holds another one; nodes forget a podCIDR outside theirs.

    A ServiceCIDR that somebody made, or that is being deleted, holds the addresses of its Services as before.

    A node that knows no podCIDR is given one when it registers. Pods get their addresses with their new sandboxes.
    """
    _move_default_range(store, ranges.service_cidr)
    moved = _move_services(store, ranges, source)
    _forget_pod_cidrs(store, ranges.pod_cidr)
    if moved:
        text = "the Service range of the run before is taken: Services have new addresses"
        log.warning(text, range=str(ranges.service_cidr), services=moved)


def _move_services(store: Store, ranges: NetworkRanges, source: random.Random) -> int:
    addresses = ServiceAddresses.over(store, source, ranges.service_cidr)
    networks = [ranges.service_cidr, *_stored_ranges(store)]
    moved = 0
    for revision in store.list("services"):
        held = [each for each in revision.projection.facts.cluster_ips if each != HEADLESS]
        if all(any(ip_address(each) in one for one in networks) for each in held):
            continue
        body = revision.body()
        body["spec"]["clusterIP"] = (
            ranges.api_address if revision.key == API else addresses.free_address_in(ranges.service_cidr)
        )
        body["spec"]["clusterIPs"] = [body["spec"]["clusterIP"]]
        _commit(store, revision, body)
        moved += 1
    return moved


def _stored_ranges(store: Store) -> list[IPv4Network]:
    """What all ServiceCIDRs cover, in whatever state they are."""
    cidrs = [cidr for each in store.list(SERVICE_CIDRS) for cidr in each.projection.facts.cidrs]
    return [IPv4Network(cidr) for cidr in cidrs if ":" not in cidr]


def _move_default_range(store: Store, network: IPv4Network) -> None:
    """The ServiceCIDR `kubernetes` is that range."""
    revision = store.get(Key(SERVICE_CIDRS, "", DEFAULT_RANGE))
    if revision is not None and revision.projection.facts.cidrs != (str(network),):
        body = revision.body()
        body["spec"]["cidrs"] = [str(network)]
        _commit(store, revision, body)


def _forget_pod_cidrs(store: Store, network: IPv4Network) -> None:
    for revision in store.list("nodes"):
        body = revision.body()
        cidr = body.get("spec", {}).get("podCIDR")
        if cidr and not IPv4Network(cidr).subnet_of(network):
            for name in ("podCIDR", "podCIDRs"):
                body["spec"].pop(name, None)
            _commit(store, revision, body)


def _commit(store: Store, revision: Revision, body: dict[str, object]) -> None:
    candidate = Candidate(revision.key, revision.uid, body, project(revision.key.resource, body))
    store.commit(candidate, revision.resource_version)
