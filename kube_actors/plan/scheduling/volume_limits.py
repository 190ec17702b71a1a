"""NodeVolumeLimits: no more volumes of a CSI driver on a node than its CSINode says it can have."""

from __future__ import annotations

from collections import Counter

from kube_actors.plan.scheduling.framework import NodeFilter
from kube_actors.plan.scheduling.outcome import Refusal
from kube_actors.plan.scheduling.storage import Storage
from kube_actors.plan.scheduling.summaries import NodeSummary, PodSummary

CsiVolume = tuple[str, str]
"""A driver, and its name for the volume."""

_TOO_MANY = Refusal(("node(s) exceed max volume count",), resolvable=True)


def volume_limits(pod: PodSummary, storage: Storage) -> NodeFilter | None:
    """The rule for a pod with volumes of CSI drivers. A volume that several pods of a node use counts once."""
    wanted = csi_volumes(pod, storage)
    if not wanted:
        return None

    def judge(node: NodeSummary) -> Refusal | None:
        limits = _limits(node, storage)
        if not limits:
            return None
        there = {volume for other in node.pods.values() for volume in csi_volumes(other, storage)}
        counts = Counter(driver for driver, _ in there | wanted)
        drivers = {driver for driver, _ in wanted - there}
        return _TOO_MANY if any(counts[driver] > limits[driver] for driver in drivers & limits.keys()) else None

    return judge


def csi_volumes(pod: PodSummary, storage: Storage) -> frozenset[CsiVolume]:
    """The CSI volumes of a pod's claims; those still to be made go by their claim."""
    found = (_csi_volume(pod.namespace, one.name, storage) for one in pod.claims)
    return frozenset(volume for volume in found if volume is not None)


def _csi_volume(namespace: str, name: str, storage: Storage) -> CsiVolume | None:
    claim = storage.claim(namespace, name)
    if claim is None:
        return None
    volume = storage.volume(claim.spec.volume_name) if claim.spec.volume_name else None
    if volume is not None:
        return None if volume.spec.csi is None else (volume.spec.csi.driver, volume.spec.csi.volume_handle)
    described = storage.storage_class(claim.class_name) if claim.class_name else None
    return None if described is None else (described.provisioner, f"{namespace}/{name}")


def _limits(node: NodeSummary, storage: Storage) -> dict[str, int]:
    csi_node = storage.csi_node(node.name)
    drivers = csi_node.spec.drivers if csi_node is not None else ()
    return {one.name: one.allocatable.count for one in drivers if one.allocatable.count is not None}
