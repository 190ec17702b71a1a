"""PersistentVolumeClaims, PersistentVolumes, StorageClasses, and what CSI drivers say of nodes and of their room.

Views of their own beside `VIEWS`: only what places pods that have claims reads them, and loads this module.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from kube_actors.api.quantity import Quantity
from kube_actors.api.selectors import LabelSelector
from kube_actors.api.views.metadata import ObjectMeta, ObjectReference
from kube_actors.api.views.placement import NodeSelectorSpec
from kube_actors.records import frozen

CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"
"""How claims and volumes named their class once; where it stands it still counts."""


@frozen
class ClaimResources:
    """What a claim asks for; `storage` is its size."""

    requests: Mapping[str, Quantity] = attrs.field(factory=dict)


@frozen
class ClaimSpec:
    """What a claim is to get. Without a `volume_name` it has none yet."""

    access_modes: tuple[str, ...] = ()
    storage_class_name: str = ""
    volume_name: str = ""
    volume_mode: str = "Filesystem"
    selector: LabelSelector | None = None
    resources: ClaimResources = ClaimResources()


@frozen
class ClaimStatus:
    """Pending, Bound or Lost."""

    phase: str = ""


@frozen
class ClaimView:
    """A PersistentVolumeClaim."""

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: ClaimSpec = ClaimSpec()
    status: ClaimStatus = ClaimStatus()

    @property
    def class_name(self) -> str:
        """Its class; "" for none."""
        return self.metadata.annotations.get(CLASS_ANNOTATION, self.spec.storage_class_name)

    @property
    def size(self) -> Quantity | None:
        """The room it asks for."""
        return self.spec.resources.requests.get("storage")


@frozen
class VolumeNodeAffinity:
    """From which nodes a volume can be reached."""

    required: NodeSelectorSpec | None = None


@frozen
class CsiVolumeSource:
    """A volume of a CSI driver, by the driver's own name for it."""

    driver: str = ""
    volume_handle: str = ""


@frozen
class VolumeSpec:
    """What a volume is, and whose: `claim_ref` without a uid waits for a claim of that name."""

    capacity: Mapping[str, Quantity] = attrs.field(factory=dict)
    access_modes: tuple[str, ...] = ()
    claim_ref: ObjectReference | None = None
    storage_class_name: str = ""
    volume_mode: str = "Filesystem"
    node_affinity: VolumeNodeAffinity | None = None
    csi: CsiVolumeSource | None = None


@frozen
class VolumeStatus:
    """Pending, Available, Bound, Released or Failed."""

    phase: str = ""


@frozen
class VolumeView:
    """A PersistentVolume."""

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: VolumeSpec = VolumeSpec()
    status: VolumeStatus = VolumeStatus()

    @property
    def class_name(self) -> str:
        """Its class; "" for none."""
        return self.metadata.annotations.get(CLASS_ANNOTATION, self.spec.storage_class_name)

    @property
    def size(self) -> Quantity | None:
        """The room it has."""
        return self.spec.capacity.get("storage")


@frozen
class TopologyRequirement:
    """A label of nodes, and the values that are allowed."""

    key: str = ""
    values: tuple[str, ...] = ()


@frozen
class TopologyTerm:
    """Requirements that must all hold."""

    match_label_expressions: tuple[TopologyRequirement, ...] = ()


@frozen
class StorageClassView:
    """A StorageClass: who makes its volumes, when, and for which nodes (`allowed_topologies`: one must hold)."""

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    provisioner: str = ""
    volume_binding_mode: str = "Immediate"
    allowed_topologies: tuple[TopologyTerm, ...] = ()


@frozen
class VolumeNodeResources:
    """How many volumes of a driver a node can have; None: any number."""

    count: int | None = None


@frozen
class CsiNodeDriver:
    """A driver that runs on a node."""

    name: str = ""
    allocatable: VolumeNodeResources = VolumeNodeResources()


@frozen
class CsiNodeSpec:
    """The drivers of a node."""

    drivers: tuple[CsiNodeDriver, ...] = ()


@frozen
class CsiNodeView:
    """A CSINode, named after its node."""

    metadata: ObjectMeta = attrs.field(factory=ObjectMeta)
    spec: CsiNodeSpec = CsiNodeSpec()


@frozen
class CsiDriverSpec:
    """Whether the driver says how much room it has, in CSIStorageCapacities."""

    storage_capacity: bool = False


@frozen
class CsiDriverView:
    """A CSIDriver."""

    spec: CsiDriverSpec = CsiDriverSpec()


@frozen
class StorageCapacityView:
    """A CSIStorageCapacity: the room for volumes of a class that nodes with these labels can reach."""

    storage_class_name: str = ""
    node_topology: LabelSelector | None = None
    capacity: Quantity | None = None
    maximum_volume_size: Quantity | None = None
