"""The claims a pod's volumes name. What they mean for placing it is `volume_rules`, loaded for the first such pod."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from kube_actors.api.views.pods import PodView
from kube_actors.records import frozen


@frozen
class PodClaim:
    """A claim in the pod's namespace; `ephemeral`: it is made for a volume of this very pod."""

    name: str
    ephemeral: bool = False


class StoredObjects(Protocol):
    """Objects as they are stored now, as fresh bodies."""

    def body(self, resource: str, name: str, namespace: str = "") -> Mapping[str, Any] | None:
        """An object, or None."""

    def bodies(self, resource: str) -> Iterable[Mapping[str, Any]]:
        """All objects of a resource."""


class NothingStored:
    """What a plan is given that is not about claims."""

    def body(self, resource: str, name: str, namespace: str = "") -> None:
        """There is none."""

    def bodies(self, resource: str) -> tuple[()]:
        """There are none."""
        return ()


def pod_claims(pod: PodView) -> tuple[PodClaim, ...]:
    """The claims of a pod's volumes, in their order."""
    found = []
    for volume in pod.spec.volumes:
        if volume.persistent_volume_claim is not None:
            found.append(PodClaim(volume.persistent_volume_claim.claim_name))
        elif volume.ephemeral is not None:
            found.append(PodClaim(f"{pod.metadata.name}-{volume.name}", ephemeral=True))
    return tuple(found)
