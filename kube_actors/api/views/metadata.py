"""What every object carries: `metadata`, owners, conditions and references."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from kube_actors.api.views.converter import Time, always
from kube_actors.records import frozen


@frozen
class OwnerReference:
    """An owner in the same namespace (or cluster scoped). At most one of an object's owners is its `controller`."""

    api_version: str = always(default="")
    kind: str = always(default="")
    name: str = always(default="")
    uid: str = always(default="")
    controller: bool = False
    block_owner_deletion: bool = False


@frozen
class ObjectMeta:
    """`metadata`. Times are epoch seconds; `deletion_timestamp` is when the grace of a deletion ends."""

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: Time = 0.0
    deletion_timestamp: Time | None = None
    deletion_grace_period_seconds: int | None = None
    labels: Mapping[str, str] = attrs.field(factory=dict)
    annotations: Mapping[str, str] = attrs.field(factory=dict)
    owner_references: tuple[OwnerReference, ...] = ()
    finalizers: tuple[str, ...] = ()

    @property
    def controller(self) -> OwnerReference | None:
        """The owner that manages this object, if any."""
        return next((owner for owner in self.owner_references if owner.controller), None)

    @property
    def deleting(self) -> bool:
        """Whether deletion has been asked for."""
        return self.deletion_timestamp is not None


@frozen
class ObjectReference:
    """A pointer to an object, as events and endpoints hold it."""

    api_version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    resource_version: str = ""
    field_path: str = ""
