"""`matchLabelKeys` and `mismatchLabelKeys`: a pod's own labels, in what it asks of other pods' labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Body = dict[str, Any]


def merge_label_keys(pod: Body) -> None:
    """Write the values into the selectors of affinities and spread constraints, in place: once, for a new pod."""
    spec, labels = pod.get("spec") or {}, pod["metadata"].get("labels") or {}
    affinity = spec.get("affinity") or {}
    for kind in ("podAffinity", "podAntiAffinity"):
        terms = affinity.get(kind) or {}
        for term in terms.get("requiredDuringSchedulingIgnoredDuringExecution") or ():
            _merge(term, labels)
        for preferred in terms.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
            _merge(preferred.get("podAffinityTerm") or {}, labels)
    for constraint in spec.get("topologySpreadConstraints") or ():
        _merge(constraint, labels)


def _merge(term: Body, labels: Mapping[str, str]) -> None:
    selector = term.get("labelSelector")
    if not isinstance(selector, dict):
        return
    for name, operator in (("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")):
        for key in term.get(name) or ():
            if key in labels:
                requirement = {"key": key, "operator": operator, "values": [labels[key]]}
                selector["matchExpressions"] = [*(selector.get("matchExpressions") or ()), requirement]
