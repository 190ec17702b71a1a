"""The ResourceQuota actor: one per quota. It writes into its status how much is used."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.actors.per_object import ObjectActor, PerObject, Route
from kube_actors.api.quantity import Quantity
from kube_actors.kinds.pod_amounts import Amounts, amounts_of
from kube_actors.kinds.quota_usage import MEASURED, counts_for, gives_up_at, usage_of
from kube_actors.messages.common import Describe
from kube_actors.store import Commit, Key, Revision, Store
from kube_actors.writes.plugins.resource_quotas import PODS, QUOTAS, uses_the_same

GIVE_UP = "give up"
JUST_AFTER = 0.001
"""Seconds."""


class ResourceQuotaActor(ObjectActor[Describe]):
    """Counts everything in its namespace anew; what each object uses is read once per revision."""

    pause_per_object = 0.0005
    longest_pause = 1.0

    def __init__(self, plane: ControlPlane, key: Key, uid: str) -> None:
        super().__init__(plane, key, uid)
        self.client = plane.controller_client("resourcequota-controller")
        self.shares: dict[Key, tuple[Revision, Amounts]] = {}

    async def receive(self, message: Describe) -> None:
        """Only questions arrive here."""
        self.context.answer(message, self.describe())

    async def reconcile(self, revision: Revision) -> int:
        """One look: count, write the status if it differs."""
        body = revision.body()
        spec: dict[str, Any] = body.get("spec") or {}
        hard = amounts_of(spec.get("hard"))
        found, now = self.plane.store.in_namespace(self.key.namespace), self.plane.clock.now()
        ends = (gives_up_at(one.body()) for one in found if _is_ending(one))
        self.context.notify_at(min((end for end in ends if end >= now), default=math.inf) + JUST_AFTER, GIVE_UP)
        used = dict.fromkeys(hard, Quantity(0))
        known, self.shares = self.shares, {}
        for one in found:
            before = known.get(one.key)
            same = before is not None and before[0] is one and not _is_ending(one)
            share = before if before is not None and same else (one, _share(spec, hard, one, now))
            self.shares[one.key] = share
            for name, amount in share[1].items():
                used[name] = used[name] + amount
        status = {}
        if hard:
            status["hard"] = {name: str(amount) for name, amount in hard.items()}
            status["used"] = {name: str(amount) for name, amount in used.items()}
        if status != body.get("status", {}):
            await self.client.mutate(
                self.key, lambda quota: quota.update(status=status), subresource="status", uid=self.uid
            )
        return len(found)


def _share(spec: dict[str, Any], hard: Amounts, revision: Revision, now: float) -> Amounts:
    resource = revision.key.resource
    if not any(_may_count(name, resource) for name in hard):
        return {}
    body = revision.body()
    if not counts_for(spec, resource, body):
        return {}
    return {name: amount for name, amount in usage_of(resource, body, now).items() if name in hard}


def _is_ending(revision: Revision) -> bool:
    return revision.key.resource == PODS and revision.projection.deleting is not None


def _may_count(name: str, resource: str) -> bool:
    """Whether a quota for `name` can be about this resource at all; the rest need not be read."""
    if name.startswith("count/"):
        return name == f"count/{resource}"
    return resource in MEASURED or name == resource


def quota_route(store: Store) -> Route:
    """Whatever changes usage in a namespace wakes its quotas."""

    def content_changed(commit: Commit) -> Iterable[str]:
        namespace = commit.key.namespace
        if not namespace or uses_the_same(commit):
            return ()
        return [quota.uid for quota in store.list(QUOTAS, namespace)]

    return content_changed


def resource_quotas(plane: ControlPlane) -> PerObject[Describe]:
    """The supervisor of all ResourceQuota actors."""
    return PerObject(
        plane,
        QUOTAS,
        lambda key, uid: ResourceQuotaActor(plane, key, uid),
        everything=quota_route(plane.store),
    )
