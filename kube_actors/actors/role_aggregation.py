"""The cluster-role aggregation controller: gives ClusterRoles that gather others by label their rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.errors import ApiError
from kube_actors.kernel import Actor
from kube_actors.messages.common import Describe, Description
from kube_actors.plan.role_aggregation import cluster_role, plan_aggregation
from kube_actors.store import Commit, Revision

CLUSTER_ROLES = "clusterroles.rbac.authorization.k8s.io"
NAME = "clusterrole-aggregation-controller"
RETRY = 0.05


class RoleAggregation(Actor[Describe]):
    """Looks at all ClusterRoles when one changed: they are few, and change by hand."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        client = plane.controller_client(NAME)
        self.client = client.with_identity(attrs.evolve(client.identity, field_manager=NAME))
        self.unsubscribe: Callable[[], None] | None = None
        self.written = 0

    async def started(self) -> None:
        """The first look."""
        self.unsubscribe = self.plane.store.subscribe(self._committed, CLUSTER_ROLES)
        self.context.ref.notify(CLUSTER_ROLES)

    async def stopped(self) -> None:
        """Stop watching."""
        if self.unsubscribe is not None:
            self.unsubscribe()

    async def receive(self, message: Describe) -> None:
        """Only questions arrive here."""
        self.context.answer(message, Description((("roles written", str(self.written)),)))

    async def changed(self, keys: frozenset[Any]) -> None:
        """Write the rules that are not what they should be; a role that gathers from these is looked at next."""
        found = self.plane.store.list(CLUSTER_ROLES)
        plan = plan_aggregation(cluster_role(revision.body()) for revision in found)
        for revision in found:
            if revision.key.name in plan:
                await self._write(revision, [dict(rule) for rule in plan[revision.key.name]])

    async def _write(self, revision: Revision, rules: list[dict[str, Any]]) -> None:
        body = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": revision.key.name, "uid": revision.uid},
            "rules": rules,
        }
        try:
            await self.client.apply(body, force=True)
            self.written += 1
        except ApiError as error:
            if error.reason not in ("Conflict", "NotFound"):
                raise
            self.context.notify_at(self.plane.clock.now() + RETRY, CLUSTER_ROLES)

    def _committed(self, commit: Commit) -> None:
        self.context.ref.notify(CLUSTER_ROLES)
