"""Kernel parameters a pod may set by itself: they are its namespaces' own, and harm nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

NEW_SAFE_SYSCTLS: Final[Mapping[int, tuple[str, ...]]] = {
    0: (
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_syncookies",
    ),
    27: ("net.ipv4.ip_local_reserved_ports",),
    29: (
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
    ),
    32: ("net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"),
}
"""What counts as safe, by the minor version of Kubernetes since which it does."""


def safe_sysctls(minor: int) -> frozenset[str]:
    """All that are safe in a minor version of Kubernetes."""
    return frozenset(name for since, names in NEW_SAFE_SYSCTLS.items() if since <= minor for name in names)


SAFE_SYSCTLS: Final = safe_sysctls(max(NEW_SAFE_SYSCTLS))
"""All that are safe today."""
