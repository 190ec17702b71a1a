"""VolumeRestrictions, NodeVolumeLimits, VolumeBinding and VolumeZone: where the claims of a pod can be used.

First what rules out every node (a claim that is missing, lost, leaving, or not bound though nothing is waited for),
then node by node. Kubernetes: pkg/scheduler/framework/plugins/volume*, nodevolumelimits.
"""

from __future__ import annotations

from collections.abc import Mapping

from kube_actors.api.views.storage import ClaimView, VolumeView
from kube_actors.plan.scheduling.claims import PodClaim
from kube_actors.plan.scheduling.framework import NodeFilter
from kube_actors.plan.scheduling.outcome import Refusal
from kube_actors.plan.scheduling.storage import Storage, is_bound
from kube_actors.plan.scheduling.summaries import Cluster, NodeSummary, PodSummary
from kube_actors.plan.scheduling.volume_limits import volume_limits
from kube_actors.plan.scheduling.volume_matching import WAITS_FOR_POD, can_reach, unbound_volumes
from kube_actors.records import frozen

ONE_POD = "ReadWriteOncePod"
"""The access mode that lets one pod at a time use a claim."""

_UNBOUND = Refusal(("pod has unbound immediate PersistentVolumeClaims",))
_OUT_OF_REACH = Refusal(("node(s) didn't match PersistentVolume's node affinity",))
_OTHER_ZONE = Refusal(("node(s) had no available volume zone",))
_IN_USE_ELSEWHERE = "PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod"
_IN_USE = Refusal((f"node(s) unavailable due to {_IN_USE_ELSEWHERE}",), resolvable=True)
# Labels of volumes and nodes that say where they are, by the name that nodes have them under today.
_PLACES: Mapping[str, str] = {
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region": "topology.kubernetes.io/region",
}


@frozen
class _Found:
    """The pod's claims: those with their volumes, and those a volume is sought for when the pod has a node."""

    bound: tuple[VolumeView, ...]
    waiting: tuple[ClaimView, ...]


def usable_volumes(pod: PodSummary, cluster: Cluster) -> NodeFilter | Refusal | None:
    """The rules for a pod that has claims."""
    storage = Storage(cluster.stored)
    reason = _missing(pod, storage) or _unusable(pod, storage)
    if reason is not None:
        return Refusal((reason,))
    claims = [claim for one in pod.claims if (claim := storage.claim(pod.namespace, one.name)) is not None]
    found = _sorted(claims, storage)
    if isinstance(found, Refusal):
        return found
    exclusive = {claim.metadata.name for claim in claims if ONE_POD in claim.spec.access_modes}
    if _used_by_others(pod, exclusive, cluster):
        return lambda node: _IN_USE
    judges = [volume_limits(pod, storage), _reachable(found, storage), _in_zone(found.bound)]

    def judge(node: NodeSummary) -> Refusal | None:
        return next((refusal for each in judges if each is not None and (refusal := each(node)) is not None), None)

    return judge


def _missing(pod: PodSummary, storage: Storage) -> str | None:
    """Claims that the pod names are looked for before those that are made for it."""
    for one in pod.claims:
        if not one.ephemeral and storage.claim(pod.namespace, one.name) is None:
            return f'persistentvolumeclaim "{one.name}" not found'
    return None


def _unusable(pod: PodSummary, storage: Storage) -> str | None:
    for one in pod.claims:
        reason = _why_unusable(pod, one, storage)
        if reason is not None:
            return reason
    return None


def _why_unusable(pod: PodSummary, one: PodClaim, storage: Storage) -> str | None:
    claim = storage.claim(pod.namespace, one.name)
    if claim is None:
        return f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{one.name}"'
    if _is_lost(claim, storage):
        return f'persistentvolumeclaim "{one.name}" bound to non-existent persistentvolume "{claim.spec.volume_name}"'
    if claim.metadata.deleting:
        return f'persistentvolumeclaim "{one.name}" is being deleted'
    owner = claim.metadata.controller
    if one.ephemeral and (owner is None or owner.uid != pod.uid):
        names = f"{pod.namespace}/{one.name} was not created for pod {pod.namespace}/{pod.name}"
        return f"PVC {names} (pod is not owner)"
    return None


def _is_lost(claim: ClaimView, storage: Storage) -> bool:
    """A claim says so itself, or says it is bound to a volume that has gone."""
    if claim.status.phase == "Lost":
        return True
    name = claim.spec.volume_name
    return bool(name) and storage.volume(name) is None and is_bound(claim, None)


def _sorted(claims: list[ClaimView], storage: Storage) -> _Found | Refusal:
    bound, waiting = [], []
    for claim in claims:
        volume = storage.volume(claim.spec.volume_name) if claim.spec.volume_name else None
        if volume is not None and is_bound(claim, volume):
            bound.append(volume)
        elif claim.spec.volume_name or not _waits_for_pod(claim, storage):
            return _UNBOUND
        else:
            waiting.append(claim)
    return _Found(tuple(bound), tuple(waiting))


def _waits_for_pod(claim: ClaimView, storage: Storage) -> bool:
    described = storage.storage_class(claim.class_name) if claim.class_name else None
    return described is not None and described.volume_binding_mode == WAITS_FOR_POD


def _used_by_others(pod: PodSummary, exclusive: set[str], cluster: Cluster) -> bool:
    """Whether a pod that has a node uses one of these claims of the namespace."""
    return bool(exclusive) and any(
        one.name in exclusive and not one.ephemeral
        for node in cluster.order
        for there in node.pods.values()
        if there.claims and there.namespace == pod.namespace
        for one in there.claims
    )


def _reachable(found: _Found, storage: Storage) -> NodeFilter:
    """VolumeBinding: the volumes that are bound can be reached, and for the others there is one, or can be one."""
    choose = unbound_volumes(found.waiting, storage) if found.waiting else None

    def judge(node: NodeSummary) -> Refusal | None:
        near = all(can_reach(volume, node) for volume in found.bound)
        refusal = choose(node) if choose is not None else None
        if near:
            return refusal
        return _OUT_OF_REACH if refusal is None else Refusal((*_OUT_OF_REACH.reasons, *refusal.reasons))

    return judge


def _in_zone(volumes: tuple[VolumeView, ...]) -> NodeFilter | None:
    """VolumeZone: a volume labelled with a zone or region is used there; `a__b` is a volume in both."""
    wanted = [
        (label, today, frozenset(value.split("__")))
        for volume in volumes
        for label, today in _PLACES.items()
        if (value := volume.metadata.labels.get(label)) is not None
    ]
    if not wanted:
        return None

    def judge(node: NodeSummary) -> Refusal | None:
        if not any(label in node.labels for label in _PLACES):
            return None
        at_home = all(node.labels.get(label, node.labels.get(today)) in values for label, today, values in wanted)
        return None if at_home else _OTHER_ZONE

    return judge
