"""Ending a namespace: its pods first, then everything else, then the namespace. Pure.

Pods go first (KEP-5080, ordered namespace deletion), so that nothing they rely on, such as a NetworkPolicy or a Secret,
is taken away while they still run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import attrs

from kube_actors.api.views.cluster import NamespaceCondition
from kube_actors.records import frozen

PODS = "pods"
FAILED = "ContentDeletionFailed"


@frozen
class Content:
    """An object that is still in the namespace."""

    resource: str
    name: str
    uid: str
    deleting: bool = False
    finalizers: tuple[str, ...] = ()


@frozen
class NamespacePlan:
    """Delete these, then write `conditions` if they differ; with `empty` the namespace itself may go."""

    delete: tuple[Content, ...]
    conditions: tuple[NamespaceCondition, ...]
    empty: bool


def plan_namespace(
    content: Iterable[Content], before: Iterable[NamespaceCondition], now: float, failures: Sequence[str] = ()
) -> NamespacePlan:
    """The next step of ending a namespace with this content. `failures` say what could not be deleted last time.

    While pods are left, nothing else is looked at, nor told of.
    """
    remaining = sorted(content, key=lambda one: (one.resource, one.name))
    now_due = [one for one in remaining if one.resource == PODS] or remaining
    delete = tuple(one for one in now_due if not one.deleting)
    known = {condition.type: condition for condition in before}
    conditions = tuple(_merge(known.get(one.type), one) for one in _conditions(now_due, failures, now))
    return NamespacePlan(delete, conditions, not remaining)


def _merge(known: NamespaceCondition | None, fresh: NamespaceCondition) -> NamespaceCondition:
    """Keep the time of the last transition while the status stays."""
    if known is None or known.status != fresh.status:
        return fresh
    return attrs.evolve(fresh, last_transition_time=known.last_transition_time)


def _conditions(remaining: list[Content], failures: Sequence[str], now: float) -> list[NamespaceCondition]:
    """The five conditions of a namespace that is being deleted, in the order Kubernetes writes them."""
    counts = Counter(one.resource for one in remaining)
    finalizers = Counter(finalizer for one in remaining for finalizer in one.finalizers)
    found = [
        ("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        (
            "NamespaceDeletionContentFailure",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        ("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed"),
        ("NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished"),
    ]
    if failures:
        text = f"Failed to delete all resource types, {len(failures)} remaining: {', '.join(sorted(failures))}"
        found[2] = (found[2][0], FAILED, text)
    if counts:
        # Kubernetes writes RESOURCE.GROUP, and leaves the dot where the group is empty.
        dotted = {name if "." in name else f"{name}.": count for name, count in counts.items()}
        listed = _listed(dotted, "{key} has {count} resource instances")
        found[3] = (found[3][0], "SomeResourcesRemain", f"Some resources are remaining: {listed}")
    if finalizers:
        listed = _listed(finalizers, "{key} in {count} resource instances")
        text = f"Some content in the namespace has finalizers remaining: {listed}"
        found[4] = (found[4][0], "SomeFinalizersRemain", text)
    return [_condition(now, *one) for one in found]


def _condition(now: float, type: str, reason: str, message: str) -> NamespaceCondition:
    true = reason == FAILED or reason.startswith("Some")
    return NamespaceCondition(type, "True" if true else "False", now, reason, message)


def _listed(counts: Mapping[str, int], template: str) -> str:
    return ", ".join(template.format(key=key, count=count) for key, count in sorted(counts.items()))
