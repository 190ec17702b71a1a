"""The FlowSchema controller: says of each schema whether the priority level it names is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.api.times import rfc3339
from kube_actors.errors import ApiError
from kube_actors.kernel import Actor
from kube_actors.messages.common import Describe, Description
from kube_actors.plan.flow_schema import plan_condition, with_condition
from kube_actors.store import Commit, Key, Revision
from kube_actors.writes import Identity

SCHEMAS = "flowschemas.flowcontrol.apiserver.k8s.io"
LEVELS = "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io"
IDENTITY = Identity(
    "system:apiserver", ("system:masters", "system:authenticated"), "api-priority-and-fairness-config-consumer-v1"
)
RETRY = 0.05


class FlowSchemas(Actor[Describe]):
    """Looks at all schemas when one of them, or a priority level, comes, goes or changes: they are few."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.client = plane.client_for(IDENTITY)
        self.unsubscribe: list[Callable[[], None]] = []

    async def started(self) -> None:
        """The first look."""
        self.unsubscribe = [self.plane.store.subscribe(self._committed, each) for each in (SCHEMAS, LEVELS)]
        self.context.ref.notify(SCHEMAS)

    async def stopped(self) -> None:
        """Stop watching."""
        for unsubscribe in self.unsubscribe:
            unsubscribe()

    async def receive(self, message: Describe) -> None:
        """Only questions arrive here."""
        count = self.plane.store.count(SCHEMAS)
        self.context.answer(message, Description((("schemas", str(count)),)))

    async def changed(self, keys: frozenset[Any]) -> None:
        """Write the conditions that are not what they should be."""
        for revision in self.plane.store.list(SCHEMAS):
            await self._look_at(revision)

    async def _look_at(self, revision: Revision) -> None:
        body = revision.body()
        level = Key(LEVELS, "", body["spec"]["priorityLevelConfiguration"]["name"])
        exists = self.plane.store.get(level) is not None
        wanted = plan_condition(body, level_exists=exists, time=rfc3339(self.plane.clock.now()))
        if wanted is None:
            return

        def change(current: dict[str, Any]) -> None:
            current["status"] = {"conditions": with_condition(current, wanted)}

        try:
            await self.client.mutate(revision.key, change, subresource="status", uid=revision.uid)
        except ApiError as error:
            if error.reason not in ("Conflict", "NotFound"):
                raise
            self.context.notify_at(self.plane.clock.now() + RETRY, SCHEMAS)

    def _committed(self, commit: Commit) -> None:
        self.context.ref.notify(SCHEMAS)
