"""Priority, its other half: only one PriorityClass is the default of the cluster."""

from __future__ import annotations

from typing import ClassVar

from kube_actors.errors import forbidden
from kube_actors.records import frozen
from kube_actors.store import Store
from kube_actors.writes.admission import Resources
from kube_actors.writes.plugins.priorities import RESOURCE
from kube_actors.writes.request import Operation, Request


@frozen(eq=False)
class OneDefaultPriority:
    """Reads the priority classes from the store."""

    resources: ClassVar[Resources] = frozenset({RESOURCE})
    store: Store

    def matches(self, request: Request) -> bool:
        """Priority classes that are created or changed."""
        return request.operation is not Operation.DELETE

    def admit(self, request: Request) -> None:
        """403 for a second default."""
        if not request.new.get("globalDefault"):
            return
        for revision in self.store.list(RESOURCE):
            name = revision.key.name
            if name != request.key.name and revision.body().get("globalDefault"):
                why = f"PriorityClass {name} is already marked as default. Only one default can exist"
                raise forbidden(request.key.plural, request.key.name, why, group=request.key.group)
