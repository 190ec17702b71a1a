"""The controllers of Services' addresses: ServiceCIDRs are ready or held back, every ClusterIP has its IPAddress."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network
from typing import Any, Final

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.api.service_addresses import DEFAULT_RANGE
from kube_actors.api.times import rfc3339
from kube_actors.errors import ApiError
from kube_actors.kernel import Actor
from kube_actors.kinds.ipaddresses import IP_ADDRESSES
from kube_actors.kinds.servicecidrs import SERVICE_CIDRS
from kube_actors.messages.common import Describe, Description
from kube_actors.plan.service_ranges import FINALIZER, RangePlan, ip_address, is_wrong, plan_range
from kube_actors.store import Commit, Key, Revision
from kube_actors.writes.plugins.in_use import InUse, addresses_held

RETRY: Final = 0.05
NOT_NOW: Final = frozenset({"AlreadyExists", "Conflict", "NotFound"})
"""Somebody writes the same objects right now."""


class ServiceRanges(Actor[Describe]):
    """Looks at all ServiceCIDRs when one of them, or an address, came or went. The default one is never missing."""

    def __init__(self, plane: ControlPlane, network: IPv4Network) -> None:
        self.plane = plane
        self.network = network
        self.client = plane.controller_client("service-cidrs-controller")
        self.unsubscribe: list[Callable[[], None]] = []

    async def started(self) -> None:
        """The first look."""
        store = self.plane.store
        self.unsubscribe = [
            store.subscribe(self._range_changed, SERVICE_CIDRS),
            store.subscribe(self._address_changed, IP_ADDRESSES),
        ]
        self.context.ref.notify(SERVICE_CIDRS)

    async def stopped(self) -> None:
        """Stop watching."""
        for unsubscribe in self.unsubscribe:
            unsubscribe()

    async def receive(self, message: Describe) -> None:
        """Only questions arrive here."""
        ranges = self.plane.store.list(SERVICE_CIDRS)
        self.context.answer(message, Description((("ranges", str(len(ranges))),)))

    async def changed(self, keys: frozenset[Any]) -> None:
        """Put right what is not as it should be."""
        try:
            await self._look()
        except ApiError as error:
            if error.reason not in NOT_NOW:
                raise
            self.context.notify_at(self.plane.clock.now() + RETRY, SERVICE_CIDRS)

    async def _look(self) -> None:
        store = self.plane.store
        if store.get(Key(SERVICE_CIDRS, "", DEFAULT_RANGE)) is None:
            body = {"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": DEFAULT_RANGE}}
            await self.client.create({**body, "spec": {"cidrs": [str(self.network)]}})
        found = store.list(SERVICE_CIDRS)
        bodies = {revision.key: revision.body() for revision in found}
        ending = any(revision.projection.deleting for revision in found)
        taken = [address.key.name for address in store.list(IP_ADDRESSES)] if ending else []
        for revision in found:
            others = [body for key, body in bodies.items() if key != revision.key]
            await self._perform(revision, plan_range(bodies[revision.key], others, taken))

    async def _perform(self, revision: Revision, plan: RangePlan) -> None:
        def set_finalizer(body: dict[str, Any]) -> None:
            kept = [each for each in body["metadata"].get("finalizers") or () if each != FINALIZER]
            body["metadata"]["finalizers"] = [*kept, FINALIZER] if plan.finalizer else kept

        def set_condition(body: dict[str, Any]) -> None:
            status = body.setdefault("status", {})
            others = [each for each in status.get("conditions") or () if each.get("type") != "Ready"]
            now = rfc3339(self.plane.clock.now())
            status["conditions"] = [*others, {**(plan.condition or {}), "lastTransitionTime": now}]

        if plan.finalizer is not None:
            await self.client.mutate(revision.key, set_finalizer, uid=revision.uid)
        if plan.condition is not None:
            await self.client.mutate(revision.key, set_condition, subresource="status", uid=revision.uid)

    def _range_changed(self, commit: Commit) -> None:
        self.context.ref.notify(SERVICE_CIDRS)

    def _address_changed(self, commit: Commit) -> None:
        """Of interest to ranges that wait to go."""
        if any(revision.projection.deleting for revision in self.plane.store.list(SERVICE_CIDRS)):
            self.context.ref.notify(SERVICE_CIDRS)


class ServiceAddressKeeper(Actor[Describe]):
    """Keeps one IPAddress for every ClusterIP; wakes for the addresses that a Service or an IPAddress was about."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.client = plane.controller_client("service-ip-repair-controller")
        self.holders: InUse[str] | None = None
        self.unsubscribe: list[Callable[[], None]] = []

    async def started(self) -> None:
        """Look at every address there is."""
        store = self.plane.store
        self.holders = InUse(store, "services", addresses_held)
        self.unsubscribe = [
            self.holders.close,
            store.subscribe(self._service_changed, "services"),
            store.subscribe(self._address_changed, IP_ADDRESSES),
        ]
        for service in store.list("services"):
            self._wake(service)
        for address in store.list(IP_ADDRESSES):
            self.context.ref.notify(address.key.name)

    async def stopped(self) -> None:
        """Stop watching."""
        for unsubscribe in self.unsubscribe:
            unsubscribe()

    async def receive(self, message: Describe) -> None:
        """Only questions arrive here."""
        addresses = self.plane.store.list(IP_ADDRESSES)
        self.context.answer(message, Description((("addresses", str(len(addresses))),)))

    async def changed(self, keys: frozenset[Any]) -> None:
        """Put right the addresses of these names."""
        for name in sorted(keys):
            try:
                await self._keep(name)
            except ApiError as error:
                if error.reason not in NOT_NOW:
                    raise
                self.context.notify_at(self.plane.clock.now() + RETRY, name)

    async def _keep(self, name: str) -> None:
        holder = None if self.holders is None else self.holders.holder(name)
        wanted = None if holder is None else ip_address(name, holder.namespace, holder.name)
        live = self.plane.store.get(Key(IP_ADDRESSES, "", name))
        if live is not None and is_wrong(live.body(), wanted):
            await self.client.delete(live.key, uid=live.uid)
            live = self.plane.store.get(live.key)
        if live is None and wanted is not None:
            await self.client.create(wanted)

    def _wake(self, service: Revision) -> None:
        for address in addresses_held(service):
            self.context.ref.notify(address)

    def _service_changed(self, commit: Commit) -> None:
        before = addresses_held(commit.previous) if commit.previous is not None else ()
        if commit.kind == "deleted" or before != addresses_held(commit.revision):
            self._wake(commit.revision)
            for address in before:
                self.context.ref.notify(address)

    def _address_changed(self, commit: Commit) -> None:
        self.context.ref.notify(commit.key.name)
