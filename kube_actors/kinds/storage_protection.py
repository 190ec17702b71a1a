"""The finalizers that keep claims and volumes for as long as somebody uses them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CLAIMS: Final = "persistentvolumeclaims"
VOLUMES: Final = "persistentvolumes"
PROTECTED_BY: Final[Mapping[str, str]] = {
    CLAIMS: "kubernetes.io/pvc-protection",
    VOLUMES: "kubernetes.io/pv-protection",
}
