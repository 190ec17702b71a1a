"""Where a pod may run: affinities, tolerations and topology spreading."""

from __future__ import annotations

from kube_actors.api.selectors import NOTHING, LabelSelector
from kube_actors.records import frozen


@frozen
class NodeSelectorRequirement:
    """A demand on a node's label or field; operators In, NotIn, Exists, DoesNotExist, Gt, Lt."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()


@frozen
class NodeSelectorTerm:
    """Requirements on a node's labels and fields, all of which must hold; an empty term matches nothing."""

    match_expressions: tuple[NodeSelectorRequirement, ...] = ()
    match_fields: tuple[NodeSelectorRequirement, ...] = ()


@frozen
class NodeSelectorSpec:
    """Terms of which one must hold."""

    node_selector_terms: tuple[NodeSelectorTerm, ...] = ()


@frozen
class PreferredSchedulingTerm:
    """A wish with a weight from 1 to 100."""

    weight: int = 0
    preference: NodeSelectorTerm = NodeSelectorTerm()


@frozen
class NodeAffinity:
    """Required and preferred nodes."""

    required_during_scheduling_ignored_during_execution: NodeSelectorSpec | None = None
    preferred_during_scheduling_ignored_during_execution: tuple[PreferredSchedulingTerm, ...] = ()


@frozen
class PodAffinityTerm:
    """Pods to be near to (or away from), in topologies given by a node label."""

    label_selector: LabelSelector = NOTHING
    namespaces: tuple[str, ...] = ()
    namespace_selector: LabelSelector | None = None
    topology_key: str = ""
    match_label_keys: tuple[str, ...] = ()
    mismatch_label_keys: tuple[str, ...] = ()


@frozen
class WeightedPodAffinityTerm:
    """A wish with a weight from 1 to 100."""

    weight: int = 0
    pod_affinity_term: PodAffinityTerm = PodAffinityTerm()


@frozen
class PodAffinity:
    """Required and preferred neighbours; the same shape serves anti-affinity."""

    required_during_scheduling_ignored_during_execution: tuple[PodAffinityTerm, ...] = ()
    preferred_during_scheduling_ignored_during_execution: tuple[WeightedPodAffinityTerm, ...] = ()


@frozen
class Affinity:
    """All affinities of a pod."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAffinity | None = None


@frozen
class Toleration:
    """A taint the pod puts up with. An empty key with Exists tolerates everything; None seconds means for ever."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""
    toleration_seconds: int | None = None


@frozen
class TopologySpreadConstraint:
    """How evenly pods of one kind stand over the values of a node label."""

    max_skew: int = 1
    topology_key: str = ""
    when_unsatisfiable: str = "DoNotSchedule"
    label_selector: LabelSelector = NOTHING
    min_domains: int | None = None
    node_affinity_policy: str = "Honor"
    node_taints_policy: str = "Ignore"
    match_label_keys: tuple[str, ...] = ()
