"""StorageObjectInUseProtection: new claims and volumes are not to go while somebody uses them."""

from __future__ import annotations

from typing import ClassVar

from kube_actors.kinds.storage_protection import PROTECTED_BY
from kube_actors.records import frozen
from kube_actors.writes.admission import Resources
from kube_actors.writes.request import Operation, Request


@frozen(eq=False)
class StorageProtection:
    """Adds the finalizer; the controllers of `actors/storage_protection` take it away."""

    resources: ClassVar[Resources] = frozenset(PROTECTED_BY)

    def matches(self, request: Request) -> bool:
        """New objects."""
        return request.operation is Operation.CREATE and not request.subresource

    def admit(self, request: Request) -> None:
        """Behind the finalizers that the client wants."""
        metadata, finalizer = request.new["metadata"], PROTECTED_BY[request.resource.id]
        wanted = metadata.get("finalizers") or []
        if finalizer not in wanted:
            metadata["finalizers"] = [*wanted, finalizer]
