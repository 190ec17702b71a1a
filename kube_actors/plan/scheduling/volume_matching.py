"""Claims that wait for a pod: the volume each would get on a node, or whether one could be made there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kube_actors.api.quantity import Quantity
from kube_actors.api.views.storage import ClaimView, StorageCapacityView, StorageClassView, VolumeView
from kube_actors.plan.scheduling.framework import NodeFilter
from kube_actors.plan.scheduling.node_rules import term_matches
from kube_actors.plan.scheduling.outcome import Refusal
from kube_actors.plan.scheduling.storage import Storage, names_claim
from kube_actors.plan.scheduling.summaries import NodeSummary

WAITS_FOR_POD = "WaitForFirstConsumer"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
"""Annotation of a claim whose volume is being made for a node."""
NO_PROVISIONER = "kubernetes.io/no-provisioner"
"""The provisioner of classes whose volumes people make."""

# Phases of volumes that are nobody's any more, or of no use. One that is Pending has just not been looked at yet.
_GIVEN_OUT = frozenset({"Bound", "Released", "Failed"})
_NONE_AVAILABLE = Refusal(("node(s) didn't find available persistent volumes to bind",))
_NO_ROOM = Refusal(("node(s) did not have enough free storage",))


def can_reach(volume: VolumeView, node: NodeSummary) -> bool:
    """Whether a volume's node affinity lets it be used on a node; it goes by labels only."""
    required = volume.spec.node_affinity.required if volume.spec.node_affinity is not None else None
    if required is None:
        return True
    return any(term_matches(term, NodeSummary("", node.labels)) for term in required.node_selector_terms)


def unbound_volumes(claims: Sequence[ClaimView], storage: Storage) -> NodeFilter:
    """Whether every claim finds a volume on a node: an available one, the smallest first, or one that can be made."""
    volumes = [volume for volume in storage.volumes() if not volume.metadata.deleting]

    def judge(node: NodeSummary) -> Refusal | None:
        missing: list[ClaimView] = []
        taken: set[str] = set()
        for claim in sorted(claims, key=_asked):
            selected = claim.metadata.annotations.get(SELECTED_NODE)
            if selected not in (None, node.name):
                return _NONE_AVAILABLE
            free = [volume for volume in volumes if volume.metadata.name not in taken]
            found = None if selected else _smallest(claim, free, node)
            if found is None:
                missing.append(claim)
            else:
                taken.add(found.metadata.name)
        return _not_provided(missing, node, storage)

    return judge


def _asked(claim: ClaimView) -> int:
    return _bytes(claim.size)


def _bytes(size: Quantity | None) -> int:
    return size.value if size is not None else 0


def _smallest(claim: ClaimView, volumes: Iterable[VolumeView], node: NodeSummary) -> VolumeView | None:
    """The volume that is meant for the claim, or the smallest of those that would do."""
    fitting: list[VolumeView] = []
    for volume in volumes:
        if _bytes(volume.size) < _asked(claim) or volume.spec.volume_mode != claim.spec.volume_mode:
            continue
        if volume.spec.claim_ref is not None:
            if names_claim(volume, claim):
                return volume if can_reach(volume, node) else None
        elif _would_do(claim, volume) and can_reach(volume, node):
            fitting.append(volume)
    return min(fitting, key=lambda volume: (_bytes(volume.size), volume.metadata.name), default=None)


def _would_do(claim: ClaimView, volume: VolumeView) -> bool:
    selector = claim.spec.selector
    return (
        volume.status.phase not in _GIVEN_OUT
        and volume.class_name == claim.class_name
        and set(claim.spec.access_modes) <= set(volume.spec.access_modes)
        and (selector is None or selector.matches(volume.metadata.labels))
    )


def _not_provided(claims: list[ClaimView], node: NodeSummary, storage: Storage) -> Refusal | None:
    """Why a volume cannot be made on the node for one of these claims."""
    for claim in claims:
        described = storage.storage_class(claim.class_name)
        if described is None or described.provisioner in ("", NO_PROVISIONER) or not _allowed(described, node):
            return _NONE_AVAILABLE
        if not _has_room(claim, described, node, storage):
            return _NO_ROOM
    return None


def _allowed(described: StorageClassView, node: NodeSummary) -> bool:
    terms = described.allowed_topologies
    return not terms or any(
        all(node.labels.get(one.key) in one.values for one in term.match_label_expressions) for term in terms
    )


def _has_room(claim: ClaimView, described: StorageClassView, node: NodeSummary, storage: Storage) -> bool:
    """Drivers that say how much room they have must have enough where the node can reach it."""
    driver = storage.csi_driver(described.provisioner)
    if claim.size is None or driver is None or not driver.spec.storage_capacity:
        return True
    return any(
        one.storage_class_name == described.metadata.name and _offers(one, claim.size, node)
        for one in storage.capacities()
    )


def _offers(capacity: StorageCapacityView, size: Quantity, node: NodeSummary) -> bool:
    most = capacity.maximum_volume_size or capacity.capacity
    reached = capacity.node_topology is not None and capacity.node_topology.matches(node.labels)
    return reached and most is not None and most.value >= size.value
