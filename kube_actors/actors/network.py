"""The service network: one actor that keeps the data plane equal to Services and EndpointSlices.

It is the only writer of the data plane, so the answer to `WithdrawEndpoint` means what it says: from then on no new
connection reaches the pod, and its preStop hook may begin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, assert_never

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.actors.network_view import SERVICE_NAME_LABEL, proxied_here, published, slice_of
from kube_actors.api.selectors import LabelSelector
from kube_actors.kernel import Actor
from kube_actors.messages.common import Describe, Description
from kube_actors.messages.network import NetworkMessage, WithdrawEndpoint, Withdrawn
from kube_actors.network.data_plane import DataPlane
from kube_actors.network.dns_records import RecordIndex
from kube_actors.network.services import Changes, EndpointSlice, ServiceName, ServiceTable, service_ports
from kube_actors.store import Commit, Key

SLICES = "endpointslices.discovery.k8s.io"
WITHDRAWN = "withdrawn"


class NetworkActor(Actor[NetworkMessage]):
    """Follows Services and their slices into the data plane and the DNS records."""

    def __init__(
        self,
        plane: ControlPlane,
        data_plane: DataPlane,
        records: RecordIndex,
        node_addresses: Callable[[], Iterable[str]],
    ) -> None:
        self.plane = plane
        self.data_plane = data_plane
        self.records = records
        self.node_addresses = node_addresses
        self.table = ServiceTable()
        self.withdrawn: set[str] = set()
        self.services_of: dict[str, set[ServiceName]] = {}
        self.endpoints_of: dict[ServiceName, frozenset[str]] = {}
        self.waiting: list[WithdrawEndpoint] = []
        self.unsubscribe: Callable[[], None] | None = None

    async def started(self) -> None:
        """Begin with every Service there is, in one change of the data plane."""
        self.plane.directory.network = self.context.ref
        self.unsubscribe = self.plane.store.subscribe(self._committed, "services", SLICES, "pods")
        services = self.plane.store.list("services")
        await self._follow([ServiceName(service.key.namespace, service.key.name) for service in services])

    async def stopped(self) -> None:
        """Stop watching; the data plane stays as it is for the next instance."""
        if self.unsubscribe is not None:
            self.unsubscribe()

    def _committed(self, commit: Commit) -> None:
        key = commit.revision.key
        if key.resource == "services":
            self.context.ref.notify(ServiceName(key.namespace, key.name))
        elif key.resource == SLICES:
            for revision in (commit.revision, commit.previous):
                if revision is not None and (name := revision.projection.labels.get(SERVICE_NAME_LABEL)):
                    self.context.ref.notify(ServiceName(key.namespace, name))
        elif key.resource == "pods" and commit.kind == "deleted":
            self.withdrawn.discard(commit.revision.uid)

    async def changed(self, keys: frozenset[Any]) -> None:
        """Services or their endpoints changed, or pods were withdrawn: one change of the data plane for all of it."""
        waiting, self.waiting = self.waiting, []
        await self._follow(name for name in keys if isinstance(name, ServiceName))
        for ask in waiting:
            self.context.answer(ask, Withdrawn())

    async def _follow(self, names: Iterable[ServiceName]) -> None:
        changes = [self._update(name) for name in names]
        program = tuple(port for change in changes for port in change.program)
        remove = tuple(key for change in changes for key in change.remove)
        if program or remove:
            await self.data_plane.apply(Changes(program, remove))

    def _update(self, name: ServiceName) -> Changes:
        service = self.plane.store.get(Key("services", name.namespace, name.name))
        slices = self._slices(name) if service is not None else ()
        self._remember_endpoints(name, slices)
        if service is None:
            self.records.remove_service(name)
            return self.table.update(name, ())
        wanted = published(service.view)
        self.records.set_service(wanted, slices)
        if not proxied_here(service.view):
            return self.table.update(name, ())
        ports = service_ports(wanted, slices, node_addresses=tuple(self.node_addresses()), withdrawn=self.withdrawn)
        return self.table.update(name, ports)

    def _slices(self, name: ServiceName) -> tuple[EndpointSlice, ...]:
        selector = LabelSelector.from_object({"matchLabels": {SERVICE_NAME_LABEL: name.name}})
        revisions = self.plane.store.list(SLICES, name.namespace, selector)
        return tuple(slice_of(revision.view) for revision in revisions)

    def _remember_endpoints(self, name: ServiceName, slices: Iterable[EndpointSlice]) -> None:
        uids = frozenset(e.target_uid for one in slices for e in one.endpoints if e.target_uid)
        before = self.endpoints_of.get(name, frozenset())
        for uid in before - uids:
            services = self.services_of.get(uid, set())
            services.discard(name)
            if not services:
                self.services_of.pop(uid, None)
        for uid in uids - before:
            self.services_of.setdefault(uid, set()).add(name)
        if uids:
            self.endpoints_of[name] = uids
        else:
            self.endpoints_of.pop(name, None)

    async def receive(self, message: NetworkMessage) -> None:
        """Withdraw a pod at once, without waiting for its slice to say so."""
        match message:
            case WithdrawEndpoint(pod_uid):
                self.withdrawn.add(pod_uid)
                self.waiting.append(message)
                for name in sorted(self.services_of.get(pod_uid, ())) or (WITHDRAWN,):
                    self.context.ref.notify(name)
            case Describe():
                facts = (("services", str(len(self.endpoints_of))), ("ports", str(len(self.table.ports()))))
                self.context.answer(message, Description((*facts, ("withdrawn", str(len(self.withdrawn))))))
            case _:
                assert_never(message)
