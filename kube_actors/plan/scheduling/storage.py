"""Claims, volumes and classes as the rules about them ask for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from kube_actors.api.views.converter import structure
from kube_actors.api.views.storage import (
    ClaimView,
    CsiDriverView,
    CsiNodeView,
    StorageCapacityView,
    StorageClassView,
    VolumeView,
)
from kube_actors.plan.scheduling.claims import StoredObjects
from kube_actors.records import frozen

V = TypeVar("V")

BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
"""Annotation of a claim whose binding has been carried through."""


@frozen
class Storage:
    """What is stored about storage. Everything is looked up when it is asked for: few pods have claims."""

    stored: StoredObjects

    def claim(self, namespace: str, name: str) -> ClaimView | None:
        """A PersistentVolumeClaim."""
        return self._one(ClaimView, "persistentvolumeclaims", name, namespace)

    def volume(self, name: str) -> VolumeView | None:
        """A PersistentVolume."""
        return self._one(VolumeView, "persistentvolumes", name)

    def volumes(self) -> Iterator[VolumeView]:
        """All PersistentVolumes."""
        return self._all(VolumeView, "persistentvolumes")

    def storage_class(self, name: str) -> StorageClassView | None:
        """A StorageClass."""
        return self._one(StorageClassView, "storageclasses.storage.k8s.io", name)

    def csi_node(self, name: str) -> CsiNodeView | None:
        """The CSINode of a node."""
        return self._one(CsiNodeView, "csinodes.storage.k8s.io", name)

    def csi_driver(self, name: str) -> CsiDriverView | None:
        """A CSIDriver."""
        return self._one(CsiDriverView, "csidrivers.storage.k8s.io", name)

    def capacities(self) -> Iterator[StorageCapacityView]:
        """The CSIStorageCapacities of all namespaces."""
        return self._all(StorageCapacityView, "csistoragecapacities.storage.k8s.io")

    def _one(self, view: type[V], resource: str, name: str, namespace: str = "") -> V | None:
        body: Any = self.stored.body(resource, name, namespace)
        return None if body is None else structure(view, body)

    def _all(self, view: type[V], resource: str) -> Iterator[V]:
        return (structure(view, body) for body in self.stored.bodies(resource))


def names_claim(volume: VolumeView, claim: ClaimView) -> bool:
    """Whether a volume is meant for that claim; one of its name made anew does not inherit it."""
    reference = volume.spec.claim_ref
    if reference is None:
        return False
    same = (reference.namespace, reference.name) == (claim.metadata.namespace, claim.metadata.name)
    return same and reference.uid in ("", claim.metadata.uid)


def is_bound(claim: ClaimView, volume: VolumeView | None) -> bool:
    """Whether a claim has its volume: it says so itself, or claim and volume name each other."""
    if not claim.spec.volume_name:
        return False
    said = BIND_COMPLETED in claim.metadata.annotations or claim.status.phase == "Bound"
    return said or (volume is not None and names_claim(volume, claim))
