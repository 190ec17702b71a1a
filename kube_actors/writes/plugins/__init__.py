"""The admission plugins every cluster has."""

from __future__ import annotations

import ipaddress
import random

from kube_actors.store import Store
from kube_actors.writes.admission import Admission
from kube_actors.writes.plugins.addresses import ServiceAddresses
from kube_actors.writes.plugins.namespaces import NamespaceLifecycle
from kube_actors.writes.plugins.priorities import Priority
from kube_actors.writes.plugins.tolerations import DefaultTolerationSeconds

__all__ = ["DefaultTolerationSeconds", "NamespaceLifecycle", "Priority", "ServiceAddresses", "built_in_admission"]


def built_in_admission(
    store: Store,
    source: random.Random,
    *,
    toleration_seconds: int = 300,
    service_network: ipaddress.IPv4Network | None = None,
) -> Admission:
    """The plugins in Kubernetes' order. `toleration_seconds`: how long pods stay on a node that is not ready."""
    return Admission(
        mutating=(
            NamespaceLifecycle(store),
            Priority(store),
            DefaultTolerationSeconds(toleration_seconds, toleration_seconds),
        ),
        allocating=(ServiceAddresses.over(store, source, service_network),),
    )
