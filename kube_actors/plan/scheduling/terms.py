"""Pod affinity terms, ready to be matched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kube_actors.api.selectors import LabelSelector
from kube_actors.api.views.placement import PodAffinity, PodAffinityTerm
from kube_actors.api.views.pods import PodView
from kube_actors.records import frozen

Labels = Mapping[str, str]


@frozen
class Term:
    """Pods meant by one affinity term of a pod, and the node label whose values make the neighbourhoods."""

    selector: LabelSelector
    namespaces: frozenset[str]
    namespace_selector: LabelSelector | None
    topology_key: str
    weight: int = 0
    same: tuple[tuple[str, str], ...] = ()
    different: tuple[tuple[str, str], ...] = ()

    def matches(self, namespace: str, labels: Labels, namespace_labels: Mapping[str, Labels]) -> bool:
        """Whether a pod is meant."""
        if not self._namespace_matches(namespace, namespace_labels) or not self.selector.matches(labels):
            return False
        if any(labels.get(key) != value for key, value in self.same):
            return False
        return not any(labels.get(key) == value for key, value in self.different)

    def _namespace_matches(self, namespace: str, namespace_labels: Mapping[str, Labels]) -> bool:
        if namespace in self.namespaces:
            return True
        return self.namespace_selector is not None and self.namespace_selector.matches(
            namespace_labels.get(namespace, {})
        )


@frozen
class AffinityTerms:
    """All pod affinity terms of a pod."""

    required: tuple[Term, ...] = ()
    forbidden: tuple[Term, ...] = ()
    preferred: tuple[Term, ...] = ()
    avoided: tuple[Term, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.required or self.forbidden or self.preferred or self.avoided)


NO_TERMS = AffinityTerms()


def affinity_terms(pod: PodView) -> AffinityTerms:
    """The terms of a pod's spec."""
    affinity = pod.spec.affinity
    if affinity is None or (affinity.pod_affinity is None and affinity.pod_anti_affinity is None):
        return NO_TERMS
    near, away = affinity.pod_affinity or PodAffinity(), affinity.pod_anti_affinity or PodAffinity()
    return AffinityTerms(
        tuple(_term(pod, term) for term in near.required_during_scheduling_ignored_during_execution),
        tuple(_term(pod, term) for term in away.required_during_scheduling_ignored_during_execution),
        _weighted(pod, near),
        _weighted(pod, away),
    )


def _weighted(pod: PodView, affinity: PodAffinity) -> tuple[Term, ...]:
    wishes = affinity.preferred_during_scheduling_ignored_during_execution
    return tuple(_term(pod, wish.pod_affinity_term, wish.weight) for wish in wishes)


def _term(pod: PodView, term: PodAffinityTerm, weight: int = 0) -> Term:
    own = () if term.namespaces or term.namespace_selector is not None else (pod.metadata.namespace,)
    return Term(
        term.label_selector,
        frozenset((*term.namespaces, *own)),
        term.namespace_selector,
        term.topology_key,
        weight,
        _labels_of(pod, term.match_label_keys),
        _labels_of(pod, term.mismatch_label_keys),
    )


def _labels_of(pod: PodView, keys: Iterable[str]) -> tuple[tuple[str, str], ...]:
    return tuple((key, pod.metadata.labels[key]) for key in keys if key in pod.metadata.labels)
