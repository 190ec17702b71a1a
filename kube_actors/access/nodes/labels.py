"""Which labels a kubelet may put on its own node: none that steer protected workloads to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

RESTRICTED: Final = "node-restriction.kubernetes.io"
KUBERNETES: Final = ("kubernetes.io", "k8s.io")
ALLOWED_DOMAINS: Final = ("kubelet.kubernetes.io", "node.kubernetes.io")
ALLOWED: Final = frozenset(
    {
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/instance-type",
        "beta.kubernetes.io/os",
        "failure-domain.beta.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "kubernetes.io/arch",
        "kubernetes.io/hostname",
        "kubernetes.io/os",
        "node.kubernetes.io/instance-type",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
    }
)


def forbidden_labels(new: Mapping[str, str], old: Mapping[str, str]) -> list[str]:
    """The labels that are set, changed or removed and may not be, sorted."""
    changed = {key for key in new.keys() | old.keys() if new.get(key) != old.get(key)}
    return sorted(key for key in changed if _is_forbidden(key))


def _is_forbidden(key: str) -> bool:
    domain = key.partition("/")[0] if "/" in key else ""
    if _within(domain, RESTRICTED):
        return True
    is_kubernetes = any(_within(domain, each) for each in KUBERNETES)
    return is_kubernetes and key not in ALLOWED and not any(_within(domain, each) for each in ALLOWED_DOMAINS)


def _within(domain: str, parent: str) -> bool:
    return domain == parent or domain.endswith(f".{parent}")
