"""The Service actor: one per Service. It keeps EndpointSlices and Endpoints equal to the pods behind the Service."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.actors.per_object import ObjectActor, PerObject
from kube_actors.actors.selector_index import SelectorIndex
from kube_actors.actors.slices import SLICES, perform
from kube_actors.api.selectors import LabelSelector
from kube_actors.api.views import ServiceView
from kube_actors.errors import ApiError
from kube_actors.messages.common import Describe
from kube_actors.plan.endpoint_pods import ServicePod
from kube_actors.plan.endpoints import plan_endpoints
from kube_actors.plan.legacy_endpoints import TRUNCATED, WriteEndpoints, plan_legacy_endpoints
from kube_actors.store import Commit, Key, Revision, Store

SERVICE_NAME = "kubernetes.io/service-name"
ZONE = "topology.kubernetes.io/zone"


class ServiceActor(ObjectActor[Describe]):
    """Looks at its Service, the pods it selects and its slices, and writes what differs.

    A look at 500 pods that come up one by one rewrites slices of 100 endpoints each time, so these come at leisure.
    """

    pause_per_object = 0.001
    longest_pause = 1.0

    def __init__(self, plane: ControlPlane, key: Key, uid: str) -> None:
        super().__init__(plane, key, uid)
        self.client = plane.controller_client("endpointslice-controller")
        self.summaries: dict[str, tuple[Revision, ServicePod]] = {}

    async def receive(self, message: Describe) -> None:
        """Only questions arrive here."""
        self.context.answer(message, self.describe())

    async def reconcile(self, revision: Revision) -> int:
        """One look: snapshot, plan, writes."""
        service: ServiceView = revision.view
        if revision.projection.deleting is not None or self._namespace_ends():
            return 0
        pods = self._pods(service)
        selector = LabelSelector.from_object({"matchLabels": {SERVICE_NAME: self.key.name}})
        slices = [one.view for one in self.plane.store.list(SLICES, self.key.namespace, selector)]
        for action in plan_endpoints(service, pods, slices):
            await perform(self.client, self.key.namespace, action)
        existing = self.plane.store.get(Key("endpoints", self.key.namespace, self.key.name))
        write = plan_legacy_endpoints(service, pods, existing.view if existing is not None else None)
        if write is not None:
            await self._write_endpoints(write, existing)
        return len(pods)

    def _pods(self, service: ServiceView) -> list[ServicePod]:
        """The pods its selector matches, summarised once per revision."""
        if not service.spec.selector:
            return []
        selector = LabelSelector.from_object({"matchLabels": dict(service.spec.selector)})
        known, self.summaries = self.summaries, {}
        for revision in self.plane.store.list("pods", self.key.namespace, selector):
            before = known.get(revision.uid)
            if before is None or before[0] is not revision:
                before = (revision, ServicePod.of(revision.view, zone=self._zone(revision.projection.facts.node)))
            self.summaries[revision.uid] = before
        return [pod for _, pod in self.summaries.values()]

    def _namespace_ends(self) -> bool:
        """Whether nothing new can be made there."""
        namespace = self.plane.store.get(Key("namespaces", "", self.key.namespace))
        return namespace is None or namespace.projection.deleting is not None

    def _zone(self, node: str) -> str:
        revision = self.plane.store.get(Key("nodes", "", node)) if node else None
        return revision.projection.labels.get(ZONE, "") if revision is not None else ""

    async def _write_endpoints(self, write: WriteEndpoints, existing: Revision | None) -> None:
        if existing is None:
            await self.client.create({name: value for name, value in write.body.items() if value != []})
            return

        def change(body: dict[str, Any]) -> None:
            metadata, wanted = body["metadata"], write.body["metadata"]
            metadata["labels"] = wanted["labels"]
            metadata.get("annotations", {}).pop(TRUNCATED, None)
            if "annotations" in wanted:
                metadata.setdefault("annotations", {}).update(wanted["annotations"])
            body["subsets"] = write.body["subsets"]
            if not body["subsets"]:
                del body["subsets"]

        await self.client.mutate(existing.key, change, uid=existing.uid)


class ServiceRoutes:
    """Who wakes a Service: pods its selector matches or matched, and changes of its own slices."""

    def __init__(self, store: Store) -> None:
        self._index = SelectorIndex()
        self._store = store
        for service in store.list("services"):
            self._learn(service)

    def _learn(self, service: Revision) -> None:
        self._index.set(service.uid, service.key.namespace, dict(service.projection.facts.selector))

    def service_changed(self, commit: Commit) -> Iterable[str]:
        """Not a reason to wake anybody else: the index learns the selector."""
        if commit.kind == "deleted":
            self._index.remove(commit.revision.uid)
        else:
            self._learn(commit.revision)
        return ()

    def pod_changed(self, commit: Commit) -> Iterable[str]:
        """A status write that changes nothing a Service looks at wakes nobody."""
        revision, previous = commit.revision, commit.previous
        if commit.kind == "modified" and previous is not None and _same_to_services(revision, previous):
            return ()
        found: dict[str, None] = {}
        for one in (revision, previous):
            if one is not None:
                found.update(dict.fromkeys(self._index.matching(one.key.namespace, one.projection.labels)))
        return found

    def slice_changed(self, commit: Commit) -> Iterable[str]:
        """Somebody changed or deleted a slice: it is put right."""
        return [owner.uid for owner in commit.revision.projection.owners if owner.kind == "Service"]


def _same_to_services(one: Revision, other: Revision) -> bool:
    now, before = one.projection, other.projection
    return (
        now.facts.ready == before.facts.ready
        and now.facts.address == before.facts.address
        and now.facts.terminal == before.facts.terminal
        and now.facts.node == before.facts.node
        and now.labels == before.labels
        and now.deleting == before.deleting
    )


def services(plane: ControlPlane) -> PerObject[Describe]:
    """The supervisor of all Service actors."""
    routes = ServiceRoutes(plane.store)
    client = plane.controller_client("endpoint-controller")

    async def clear_up(service: Key) -> None:
        """Endpoints go with the Service of their name, whoever wrote them; its slices are its own and collected."""
        endpoints = Key("endpoints", service.namespace, service.name)
        if plane.store.get(service) is None and (left := plane.store.get(endpoints)) is not None:
            try:
                await client.delete(endpoints, uid=left.uid)
            except ApiError as error:
                if error.reason not in ("NotFound", "Conflict"):
                    raise

    return PerObject(
        plane,
        "services",
        lambda key, uid: ServiceActor(plane, key, uid),
        routes={"services": routes.service_changed, "pods": routes.pod_changed, SLICES: routes.slice_changed},
        clear_up=clear_up,
    )
