"""The mirror of an Endpoints object: one actor per object. It keeps slices for what people write by hand."""

from __future__ import annotations

from collections.abc import Iterable

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.actors.per_object import ObjectActor, PerObject, Route
from kube_actors.actors.slices import SLICES, perform
from kube_actors.api.selectors import LabelSelector
from kube_actors.messages.common import Describe
from kube_actors.plan.endpoints import SERVICE_NAME
from kube_actors.plan.mirrored_slices import plan_mirrored_slices
from kube_actors.store import Commit, Key, Revision, Store

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
            await perform(self.client, self.key.namespace, action)
        return len(slices)


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
