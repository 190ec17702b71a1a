"""PersistentVolumeClaimResize: only claims whose class says so may ask for more than they have."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from kube_actors.api.quantity import Quantity
from kube_actors.errors import forbidden
from kube_actors.kinds.storage_annotations import class_of
from kube_actors.records import frozen
from kube_actors.store import Key, Store
from kube_actors.writes.admission import Resources
from kube_actors.writes.request import Operation, Request

CLAIMS: Final = "persistentvolumeclaims"
STORAGE_CLASSES: Final = "storageclasses.storage.k8s.io"


@frozen(eq=False)
class ClaimSizes:
    """Reads the classes from the store."""

    resources: ClassVar[Resources] = frozenset({CLAIMS})
    store: Store

    def matches(self, request: Request) -> bool:
        """Claims that are changed, not their status."""
        return request.operation is Operation.UPDATE and not request.subresource

    def admit(self, request: Request) -> None:
        """403 for a claim that grows where its class does not let it, or before it is bound."""
        old = request.old or {}
        if _size(request.new).nano <= _size(old).nano:
            return
        if (old.get("status") or {}).get("phase") != "Bound":
            raise forbidden(CLAIMS, request.key.name, "Only bound persistent volume claims can be expanded")
        if not self._may_grow(class_of(request.new), class_of(old)):
            why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must "
            raise forbidden(CLAIMS, request.key.name, f"{why}support resize")

    def _may_grow(self, name: str, before: str) -> bool:
        found = self.store.get(Key(STORAGE_CLASSES, "", name)) if name and name == before else None
        return found is not None and bool(found.body().get("allowVolumeExpansion"))


def _size(claim: dict[str, Any]) -> Quantity:
    requests = ((claim.get("spec") or {}).get("resources") or {}).get("requests") or {}
    return Quantity.parse(str(requests.get("storage", "0")))
