"""NamespaceLifecycle: nothing is created where no namespace is, or in one that ends; some namespaces never end."""

from __future__ import annotations

from typing import ClassVar

from kube_actors.errors import Cause, forbidden
from kube_actors.records import frozen
from kube_actors.store import Key, Store
from kube_actors.writes.admission import Resources
from kube_actors.writes.request import Operation, Request, missing

IMMORTAL = frozenset({"default", "kube-system", "kube-public"})


@frozen(eq=False)
class NamespaceLifecycle:
    """Reads the namespaces from the store."""

    resources: ClassVar[Resources] = None
    store: Store

    def matches(self, request: Request) -> bool:
        """New objects in namespaces, and namespaces to be deleted."""
        if request.operation is Operation.CREATE:
            return request.resource.namespaced
        return request.operation is Operation.DELETE and request.resource.id == "namespaces"

    def admit(self, request: Request) -> None:
        """404 for a namespace that is not there, 403 for one that is ending or must not end."""
        if request.operation is Operation.DELETE:
            if request.key.name in IMMORTAL:
                raise forbidden("namespaces", request.key.name, "this namespace may not be deleted")
            return
        namespace = request.key.namespace
        live = self.store.get(Key("namespaces", "", namespace))
        if live is None:
            raise missing(Key("namespaces", "", namespace))
        if live.projection.deleting is not None:
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            error = forbidden(request.key.plural, request.key.name, why, group=request.key.group)
            message = f"namespace {namespace} is being terminated"
            error.causes = (Cause("NamespaceTerminating", message, "metadata.namespace"),)
            raise error
