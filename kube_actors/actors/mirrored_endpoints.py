"""The mirror of an Endpoints object: one actor per object. It keeps slices for what people write by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, assert_never

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.actors.per_object import ObjectActor, PerObject, Route
from kube_actors.api.selectors import LabelSelector
from kube_actors.api.views import body_of
from kube_actors.errors import ApiError
from kube_actors.messages.common import Describe
from kube_actors.plan.endpoints import SERVICE_NAME, CreateSlice, DeleteSlice, EndpointsAction, UpdateSlice
from kube_actors.plan.mirrored_slices import plan_mirrored_slices
from kube_actors.store import Commit, Key, Revision, Store

SLICES = "endpointslices.discovery.k8s.io"
ENDPOINTS = "endpoints"


class MirroredEndpointsActor(ObjectActor[Describe]):
    """Looks at its Endpoints, the Service of that name, and the slices made from them."""

    def __init__(self, plane: ControlPlane, key: Key, uid: str) -> None:
        super().__init__(plane, key, uid)
        self.client = plane.controller_client("endpointslicemirroring-controller")

    async def receive(self, message: Describe) -> None:
        """Only questions arrive here."""
        self.context.answer(message, self.describe())

    async def reconcile(self, revision: Revision) -> int:
        """One look: snapshot, plan, writes."""
        store = self.plane.store
        service = store.get(Key("services", self.key.namespace, self.key.name))
        if service is not None and service.projection.facts.selector and not store.owned_by(self.uid):
            return 0  # the usual case: the slices are the Service actor's
        selector = LabelSelector.from_labels({SERVICE_NAME: self.key.name})
        slices = [one.view for one in store.list(SLICES, self.key.namespace, selector)]
        for action in plan_mirrored_slices(revision.view, None if service is None else service.view, slices):
            await self._perform(action)
        return len(slices)

    async def _perform(self, action: EndpointsAction) -> None:
        match action:
            case CreateSlice(body):
                await self.client.create(dict(body))
            case UpdateSlice(name, uid):
                await self.client.mutate(self._slice(name), lambda body: _update(body, action), uid=uid)
            case DeleteSlice(name, uid):
                await self._delete(name, uid)
            case _:
                assert_never(action)

    async def _delete(self, name: str, uid: str) -> None:
        try:
            await self.client.delete(self._slice(name), uid=uid)
        except ApiError as error:
            if error.reason != "NotFound":
                raise

    def _slice(self, name: str) -> Key:
        return Key(SLICES, self.key.namespace, name)


def _update(body: dict[str, Any], action: UpdateSlice) -> None:
    body["metadata"]["labels"] = dict(action.labels)
    body["endpoints"] = [body_of(endpoint) for endpoint in action.endpoints]


def service_route(store: Store) -> Route:
    """A Service that comes, goes or changes its selector wakes the Endpoints of its name."""

    def service_changed(commit: Commit) -> Iterable[str]:
        found = store.get(Key(ENDPOINTS, commit.key.namespace, commit.key.name))
        return () if found is None else (found.uid,)

    return service_changed


def _owner(commit: Commit) -> Iterable[str]:
    """Somebody changed or deleted a slice: it is put right."""
    return [owner.uid for owner in commit.revision.projection.owners if owner.kind == "Endpoints"]


def mirrored_endpoints(plane: ControlPlane) -> PerObject[Describe]:
    """The supervisor of all mirrors."""
    return PerObject(
        plane,
        ENDPOINTS,
        lambda key, uid: MirroredEndpointsActor(plane, key, uid),
        routes={"services": service_route(plane.store), SLICES: _owner},
    )
