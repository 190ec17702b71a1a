"""The admission plugins every cluster has."""

from __future__ import annotations

import ipaddress
import random

from kube_actors.kernel import ClusterClock
from kube_actors.store import Store
from kube_actors.writes.admission import Admission, Plugin
from kube_actors.writes.plugins.addresses import ServiceAddresses
from kube_actors.writes.plugins.certificate_requests import CertificateRequests
from kube_actors.writes.plugins.claim_sizes import ClaimSizes
from kube_actors.writes.plugins.default_classes import DefaultClasses
from kube_actors.writes.plugins.endpoint_addresses import EndpointAddresses
from kube_actors.writes.plugins.limit_ranges import LimitRanger, Limits
from kube_actors.writes.plugins.namespaces import NamespaceLifecycle
from kube_actors.writes.plugins.node_taints import NodeTaints
from kube_actors.writes.plugins.pod_security import PodSecurity
from kube_actors.writes.plugins.priorities import Priority
from kube_actors.writes.plugins.priority_classes import OneDefaultPriority
from kube_actors.writes.plugins.resource_quotas import QuotaUsage, ResourceQuota
from kube_actors.writes.plugins.runtime_classes import RuntimeClasses
from kube_actors.writes.plugins.service_accounts import ServiceAccounts
from kube_actors.writes.plugins.stop_signals import StopSignals
from kube_actors.writes.plugins.storage_protection import StorageProtection
from kube_actors.writes.plugins.tolerations import DefaultTolerationSeconds
from kube_actors.writes.plugins.topology_labels import TopologyLabels
from kube_actors.writes.plugins.volume_phases import VolumePhases

__all__ = [
    "CertificateRequests",
    "ClaimSizes",
    "DefaultClasses",
    "DefaultTolerationSeconds",
    "EndpointAddresses",
    "LimitRanger",
    "Limits",
    "NamespaceLifecycle",
    "NodeTaints",
    "OneDefaultPriority",
    "PodSecurity",
    "Priority",
    "QuotaUsage",
    "ResourceQuota",
    "RuntimeClasses",
    "ServiceAccounts",
    "ServiceAddresses",
    "StopSignals",
    "StorageProtection",
    "TopologyLabels",
    "VolumePhases",
    "built_in_admission",
]


def built_in_admission(
    store: Store,
    source: random.Random,
    *,
    toleration_seconds: int = 300,
    service_network: ipaddress.IPv4Network | None = None,
    clock: ClusterClock | None = None,
) -> Admission:
    """The plugins in Kubernetes' order. `toleration_seconds`: how long pods stay on a node that is not ready.

    `clock` is what a pod waits by for the account of a new namespace. A store that no controllers look after has no
    accounts either: without a clock pods get none, nobody dates what is decided about certificate requests and what
    becomes of volumes, and nothing is protected or tainted that nobody would let go.
    """
    addresses = ServiceAddresses.over(store, source, service_network)
    looked_after: tuple[Plugin, ...] = ()
    if clock is not None:
        dating = CertificateRequests(clock.now), VolumePhases(clock.now)
        looked_after = (ServiceAccounts(store, clock, source), NodeTaints(), *dating, StorageProtection())
    return Admission(
        mutating=(
            NamespaceLifecycle(store),
            StopSignals(),
            LimitRanger(store),
            *looked_after,
            Priority(store),
            DefaultTolerationSeconds(toleration_seconds, toleration_seconds),
            DefaultClasses(store),
            RuntimeClasses(store),
            TopologyLabels(store),
        ),
        validating=(
            Limits(store),
            PodSecurity(store),
            OneDefaultPriority(store),
            ClaimSizes(store),
            EndpointAddresses(addresses.network),
        ),
        allocating=(addresses, ResourceQuota(QuotaUsage(store), float if clock is None else clock.now)),
    )
