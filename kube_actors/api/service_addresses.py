"""The words by which ServiceCIDRs and IPAddresses know each other (`networking.k8s.io`)."""

from __future__ import annotations

from typing import Final

DEFAULT_RANGE: Final = "kubernetes"
"""The ServiceCIDR that every cluster has."""
FAMILY_LABEL: Final = "ipaddress.kubernetes.io/ip-family"
MANAGER_LABEL: Final = "ipaddress.kubernetes.io/managed-by"
ALLOCATOR: Final = "ipallocator.k8s.io"
"""Who takes addresses for Services, as the label of the manager says."""
