"""ResourceQuota: a write that would use more of a namespace than its quotas allow is refused.

Usage is counted in the very step that commits, so however many writes come at once, none gets past a quota. The numbers
in a quota's status are the quota controller's, a moment later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import attrs

from kube_actors.api.quantity import Quantity
from kube_actors.errors import forbidden
from kube_actors.kinds.pod_amounts import Amounts, amounts_of
from kube_actors.kinds.quota_usage import counts_for, gives_up_at, unsaid, usage_of
from kube_actors.kinds.resourcequotas import QuotaFacts
from kube_actors.records import define, frozen
from kube_actors.store import Commit, Key, Revision, Store
from kube_actors.writes.admission import Resources
from kube_actors.writes.request import Operation, Request

PODS = "pods"
QUOTAS = "resourcequotas"
CHANGE_WITH_UPDATES = frozenset({"persistentvolumeclaims", "resourceclaims.resource.k8s.io", "services"})
COUNTED_SUBRESOURCES = frozenset({(PODS, "resize"), ("persistentvolumeclaims", "status")})


@define(eq=False)
class CountedQuota:
    """A quota, what each object takes of it, and the sum."""

    spec: dict[str, Any]
    hard: Amounts
    used: Amounts = attrs.field(factory=dict)
    shares: dict[Key, Amounts] = attrs.field(factory=dict)

    def share_of(self, resource: str, body: dict[str, Any], now: float = 0.0) -> Amounts:
        """What the object takes of what this quota counts."""
        if not counts_for(self.spec, resource, body):
            return {}
        return {name: amount for name, amount in usage_of(resource, body, now).items() if name in self.hard}

    def count(self, key: Key, share: Amounts) -> None:
        """The object takes this much from now on."""
        before = self.shares.pop(key, {})
        for name in before.keys() | share.keys():
            change = share.get(name, Quantity(0)) - before.get(name, Quantity(0))
            self.used[name] = self.used[name] + change if name in self.used else change
        if share:
            self.shares[key] = share


class QuotaUsage:
    """The quotas of every namespace, kept up to date by the store's commits; namespaces without any cost nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._quotas: dict[str, dict[str, CountedQuota]] = {}
        for quota in store.list(QUOTAS):
            self._learn(quota)
        store.subscribe(self._committed)

    def of(self, namespace: str) -> dict[str, CountedQuota]:
        """The namespace's quotas by name."""
        return self._quotas.get(namespace, {})

    def give_up_pods(self, namespace: str, now: float) -> None:
        """Count no more what pods take that should have ended long ago."""
        for pod in self._store.list(PODS, namespace):
            if pod.projection.deleting is not None and now > gives_up_at(body := pod.body()):
                for counted in self.of(namespace).values():
                    counted.count(pod.key, counted.share_of(PODS, body, now))

    def _learn(self, quota: Revision) -> None:
        """Count everything there is."""
        facts: QuotaFacts = quota.projection.facts
        counted = CountedQuota(dict(facts.spec), amounts_of(facts.spec.get("hard")))
        counted.used = dict.fromkeys(counted.hard, Quantity(0))
        for revision in self._store.in_namespace(quota.key.namespace):
            counted.count(revision.key, counted.share_of(revision.key.resource, revision.body()))
        self._quotas.setdefault(quota.key.namespace, {})[quota.key.name] = counted

    def _committed(self, commit: Commit) -> None:
        key = commit.key
        quotas = self._quotas.get(key.namespace) if key.namespace else None
        if quotas and not uses_the_same(commit):
            body = None if commit.kind == "deleted" else commit.revision.body()
            for counted in quotas.values():
                counted.count(key, {} if body is None else counted.share_of(key.resource, body))
        if key.resource != QUOTAS:
            return
        if commit.kind == "deleted":
            self._quotas.get(key.namespace, {}).pop(key.name, None)
        elif commit.previous is None or commit.previous.projection.facts != commit.revision.projection.facts:
            self._learn(commit.revision)


def uses_the_same(commit: Commit) -> bool:
    """Whether the commit cannot have changed what its object uses, seen without reading the body."""
    revision, previous = commit.revision, commit.previous
    if commit.kind != "modified" or previous is None:
        return False
    if revision.key.resource == PODS:
        now, before = revision.projection, previous.projection
        return bool(now.facts.terminal == before.facts.terminal and now.generation == before.generation)
    return revision.key.resource not in CHANGE_WITH_UPDATES


@frozen(eq=False)
class ResourceQuota:
    """Holds what a write adds against the quotas of its namespace, as the last step before the commit.

    `now` is the time by which pods are given up (epoch seconds).
    """

    resources: ClassVar[Resources] = None
    usage: QuotaUsage
    now: Callable[[], float]

    def matches(self, request: Request) -> bool:
        """New objects in namespaces with quotas; of others those whose usage can grow."""
        if not self.usage.of(request.key.namespace):
            return False
        if request.operation is Operation.CREATE:
            return not request.subresource
        if request.subresource:
            return (request.resource.id, request.subresource) in COUNTED_SUBRESOURCES
        if request.operation is not Operation.UPDATE:
            return False
        if request.resource.id == PODS:  # with a deadline it counts for other quotas than without
            return _has_deadline(request.new) != _has_deadline(request.old or {})
        return request.resource.id in CHANGE_WITH_UPDATES

    def allocate(self, request: Request) -> None:
        """403 in Kubernetes' words for the first quota, by name, that stands in the way."""
        resource, key = request.resource.id, request.key
        quotas = sorted(self.usage.of(key.namespace).items())
        relevant = [(name, counted) for name, counted in quotas if counts_for(counted.spec, resource, request.new)]
        if resource == PODS:
            for name, counted in relevant:
                if why := unsaid(request.new, counted.hard):
                    raise forbidden(key.plural, key.name, f"failed quota: {name}: {why}", group=key.group)
        for name, counted in relevant:
            before = {} if request.old is None else counted.share_of(resource, request.old)
            added = _added(counted.share_of(resource, request.new), before)
            if not _exceeded(counted, added):
                continue
            self.usage.give_up_pods(key.namespace, self.now())
            if exceeded := _exceeded(counted, added):
                raise forbidden(key.plural, key.name, _words(name, counted, added, exceeded), group=key.group)


def _added(new: Amounts, old: Amounts) -> Amounts:
    """By how much usage grows; what shrinks is always allowed."""
    grown = {name: amount - old.get(name, Quantity(0)) for name, amount in new.items()}
    return {name: amount for name, amount in grown.items() if amount.nano > 0}


def _has_deadline(pod: dict[str, Any]) -> bool:
    return (pod.get("spec") or {}).get("activeDeadlineSeconds") is not None


def _exceeded(counted: CountedQuota, added: Amounts) -> list[str]:
    return [name for name in sorted(added) if counted.hard[name] < counted.used[name] + added[name]]


def _words(name: str, counted: CountedQuota, added: Amounts, exceeded: list[str]) -> str:
    requested, used, limited = (
        ",".join(f"{each}={amounts[each]}" for each in exceeded) for amounts in (added, counted.used, counted.hard)
    )
    return f"exceeded quota: {name}, requested: {requested}, used: {used}, limited: {limited}"
