"""Names of finalizers."""

from __future__ import annotations

from typing import Final

from kube_actors.errors import Cause
from kube_actors.kinds import causes

STANDARD: Final = ("kubernetes", "orphan", "foregroundDeletion")


def standard_or_qualified(finalizer: str, field: str) -> list[Cause]:
    """Only Kubernetes' own have no domain; that there may be one is another rule."""
    if "/" in finalizer or finalizer in STANDARD:
        return []
    why = "name is neither a standard finalizer name nor is it fully qualified"
    return [causes.invalid(field, finalizer, why)]
