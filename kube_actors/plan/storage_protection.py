"""Whether claims and volumes are in use, and what that means for the finalizer that keeps them. Pure.

As Kubernetes' pvc-protection and pv-protection controllers see it: a pod uses its claims from the moment it is bound to
a node until it is gone, finished or not; before that no node would start it once the claim is being deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Body = Mapping[str, Any]


def uses_claim(pod: Body, claim: Body) -> bool:
    """Whether a pod of the claim's namespace keeps the claim.

    The claim of an ephemeral volume is let go a little earlier, once the node is done with the pod or the pod was
    deleted by force: a finalizer of the pod may wait for this very claim.
    """
    spec, name = pod.get("spec") or {}, claim["metadata"]["name"]
    if not spec.get("nodeName"):
        return False
    volumes = spec.get("volumes") or ()
    if any((volume.get("persistentVolumeClaim") or {}).get("claimName") == name for volume in volumes):
        return True
    made_for = {f"{pod['metadata']['name']}-{volume['name']}" for volume in volumes if volume.get("ephemeral")}
    return name in made_for and not _is_shut_down(pod) and _is_controlled_by(claim, pod)


def is_bound(volume: Body) -> bool:
    """Whether a PersistentVolume belongs to a claim."""
    return (volume.get("status") or {}).get("phase") == "Bound"


def protect(body: dict[str, Any], finalizer: str, *, used: bool) -> None:
    """Put the finalizer where it should be: on all that stay, and on what is deleted for as long as it is used."""
    metadata = body["metadata"]
    present = metadata.get("finalizers") or []
    if "deletionTimestamp" not in metadata:
        if finalizer not in present:
            metadata["finalizers"] = [*present, finalizer]
    elif finalizer in present and not used:
        metadata["finalizers"] = [each for each in present if each != finalizer]


def _is_shut_down(pod: Body) -> bool:
    metadata = pod["metadata"]
    return "deletionTimestamp" in metadata and metadata.get("deletionGracePeriodSeconds") == 0


def _is_controlled_by(claim: Body, pod: Body) -> bool:
    owners = claim["metadata"].get("ownerReferences") or ()
    return any(owner.get("controller") and owner.get("uid") == pod["metadata"].get("uid") for owner in owners)
