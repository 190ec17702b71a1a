"""Objects that every active namespace has: the account `default`, and the certificate to trust the API by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.errors import ApiError
from kube_actors.kernel import Actor
from kube_actors.messages.common import Describe, Description
from kube_actors.plan.namespace_object import CreateObject, RestoreObject, plan_namespace_object
from kube_actors.store import Commit, Key

NOT_NOW = frozenset({"AlreadyExists", "Conflict", "NotFound", "Forbidden"})
"""Somebody was faster, or the namespace has begun to end: the commit that says so wakes the actor again."""
DEFAULT_ACCOUNT: Mapping[str, Any] = {
    "apiVersion": "v1",
    "kind": "ServiceAccount",
    "metadata": {"name": "default"},
}
EVERYWHERE = ""
"""Notifies a `NamespaceObject` that what it is to create has changed."""
ROOT_CA_DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)


class NamespaceObject(Actor[Describe]):
    """Creates one object of `resource` in every namespace, and again when it is deleted or changed.

    `wanted` is asked for the object at the start and when the actor is notified of EVERYWHERE: its name may not change.
    """

    def __init__(
        self, plane: ControlPlane, controller: str, resource: str, wanted: Callable[[], Mapping[str, Any]]
    ) -> None:
        self.plane = plane
        self.client = plane.controller_client(controller)
        self.resource = resource
        self.ask = wanted
        self.wanted = wanted()
        self.name = str(self.wanted["metadata"]["name"])
        self.unsubscribe: list[Callable[[], None]] = []

    async def started(self) -> None:
        """Look at every namespace once."""
        store = self.plane.store
        self.unsubscribe = [
            store.subscribe(self._namespace_committed, "namespaces"),
            store.subscribe(self._object_committed, self.resource),
        ]
        await self._look_everywhere()

    async def stopped(self) -> None:
        """Stop watching."""
        for unsubscribe in self.unsubscribe:
            unsubscribe()

    async def receive(self, message: Describe) -> None:
        """Only questions arrive here."""
        what = f"{self.resource} {self.name}"
        self.context.answer(message, Description((("in every namespace", what),)))

    async def changed(self, keys: frozenset[Any]) -> None:
        """A namespace came, or its object changed, or another one is wanted."""
        if EVERYWHERE in keys:
            self.wanted = self.ask()
            await self._look_everywhere()
            return
        for namespace in sorted(keys):
            await self._look_at(namespace)

    async def _look_everywhere(self) -> None:
        for namespace in self.plane.store.list("namespaces"):
            await self._look_at(namespace.key.name)

    def _namespace_committed(self, commit: Commit) -> None:
        if commit.kind == "added":
            self.context.ref.notify(commit.key.name)

    def _object_committed(self, commit: Commit) -> None:
        if commit.key.name == self.name:
            self.context.ref.notify(commit.key.namespace)

    async def _look_at(self, namespace: str) -> None:
        found = self.plane.store.get(Key("namespaces", "", namespace))
        key = Key(self.resource, namespace, self.name)
        existing = self.plane.store.get(key)
        active = found is not None and found.projection.deleting is None
        action = plan_namespace_object(self.wanted, active, None if existing is None else existing.body())
        try:
            match action:
                case CreateObject(body):
                    await self.client.create(body, namespace=namespace)
                case RestoreObject(fields):
                    await self.client.mutate(key, lambda body: body.update(fields))
        except ApiError as error:
            if error.reason not in NOT_NOW:
                raise


def service_accounts(plane: ControlPlane) -> NamespaceObject:
    """Every namespace has the account `default`."""
    return NamespaceObject(plane, "service-account-controller", "serviceaccounts", lambda: DEFAULT_ACCOUNT)


def root_certificates(plane: ControlPlane, root_ca_pem: Callable[[], str]) -> NamespaceObject:
    """Every namespace has the ConfigMap `kube-root-ca.crt` with this certificate."""

    def wanted() -> Mapping[str, Any]:
        annotations = {"kubernetes.io/description": ROOT_CA_DESCRIPTION}
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "kube-root-ca.crt", "annotations": annotations},
            "data": {"ca.crt": root_ca_pem()},
        }

    return NamespaceObject(plane, "root-ca-cert-publisher", "configmaps", wanted)
