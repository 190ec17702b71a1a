"""The Namespace actor: one per Namespace. It empties a namespace that is being deleted, pods first, and lets it go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.actors.per_object import ObjectActor, PerObject, Route
from kube_actors.api.views import NamespaceView, body_of
from kube_actors.errors import ApiError
from kube_actors.messages.common import Describe
from kube_actors.plan.namespace import FAILED, Content, plan_namespace
from kube_actors.store import Commit, Key, Revision, Store

FINALIZER = "kubernetes"
SERVER_ERROR = 500
TRY_AGAIN = 5.0
"""Seconds until a deletion that was forbidden is tried again."""


class NamespaceActor(ObjectActor[Describe]):
    """Does nothing while its namespace is active."""

    def __init__(self, plane: ControlPlane, key: Key, uid: str) -> None:
        super().__init__(plane, key, uid)
        self.client = plane.controller_client("namespace-controller")

    async def receive(self, message: Describe) -> None:
        """Only questions arrive here."""
        self.context.answer(message, self.describe())

    async def reconcile(self, revision: Revision) -> int:
        """Delete what is there; when nothing is, remove the finalizer."""
        if revision.projection.deleting is None:
            return 0
        namespace: NamespaceView = revision.view
        content = [_content(one) for one in self.plane.store.in_namespace(self.key.name)]
        plan = plan_namespace(content, namespace.status.conditions, self.plane.clock.now())
        failures = [failure for one in plan.delete if (failure := await self._delete(one))]
        if failures:
            plan = plan_namespace(content, namespace.status.conditions, self.plane.clock.now(), failures)
            self.context.notify_at(self.plane.clock.now() + TRY_AGAIN, FAILED)
        if plan.conditions != namespace.status.conditions:
            conditions = [body_of(condition) for condition in plan.conditions]
            await self._write_conditions(conditions)
        if plan.empty and FINALIZER in namespace.spec.finalizers:
            await self.client.finalize(self.key, FINALIZER, uid=self.uid)
        return 0

    async def _delete(self, one: Content) -> str:
        """Answers why it could not be deleted, if somebody forbids it."""
        try:
            await self.client.delete(Key(one.resource, self.key.name, one.name), uid=one.uid, propagation="Background")
        except ApiError as error:
            if error.reason == "NotFound":
                return ""
            if error.code >= SERVER_ERROR or error.reason == "Conflict":
                raise
            return error.message
        return ""

    async def _write_conditions(self, conditions: list[dict[str, Any]]) -> None:
        def change(body: dict[str, Any]) -> None:
            body.setdefault("status", {})["conditions"] = conditions

        await self.client.mutate(self.key, change, subresource="status", uid=self.uid)


def _content(revision: Revision) -> Content:
    projection, key = revision.projection, revision.key
    return Content(key.resource, key.name, revision.uid, projection.deleting is not None, projection.finalizers)


def namespace_route(store: Store) -> Route:
    """Whatever changes in a namespace that is being deleted wakes its actor."""

    def content_changed(commit: Commit) -> Iterable[str]:
        name = commit.revision.key.namespace
        namespace = store.get(Key("namespaces", "", name)) if name else None
        if namespace is None or namespace.projection.deleting is None:
            return ()
        return (namespace.uid,)

    return content_changed


def namespaces(plane: ControlPlane) -> PerObject[Describe]:
    """The supervisor of all Namespace actors."""
    return PerObject(
        plane,
        "namespaces",
        lambda key, uid: NamespaceActor(plane, key, uid),
        everything=namespace_route(plane.store),
    )
