"""A cluster whose ranges somebody else has taken since its last run moves its stored addresses."""

from __future__ import annotations

import random
from ipaddress import IPv4Network, ip_address
from typing import Any

from kube_actors.assembly.readdressing import move_to_ranges
from kube_actors.network.ranges import NetworkRanges
from kube_actors.store import Key

from ..writes.world import World

NETWORKS = ("10.243.0.0/16", "10.97.0.0/16", "10.113.0.0/16")
RANGES = NetworkRanges(*(IPv4Network(text) for text in NETWORKS))


def service(name: str, **spec: Any) -> dict[str, Any]:
    """A Service with one port."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"ports": [{"port": 80}], **spec},
    }


async def test_services_get_an_address_in_the_new_range() -> None:
    """One that lies outside moves, one inside and one without an address stay; a second look changes nothing."""
    world = await World().with_namespace()
    await world.client.create(service("outside", clusterIP="10.96.0.50"))
    await world.client.create(service("inside", clusterIP="10.97.0.50"))
    await world.client.create(service("headless", clusterIP="None"))

    move_to_ranges(world.store, RANGES, random.Random(1))

    found = {each.key.name: each.body()["spec"] for each in world.store.list("services")}
    assert ip_address(found["outside"]["clusterIP"]) in RANGES.service_cidr
    assert found["outside"]["clusterIPs"] == [found["outside"]["clusterIP"]]
    assert (found["inside"]["clusterIP"], found["headless"]["clusterIP"]) == ("10.97.0.50", "None")
    head = world.store.head
    move_to_ranges(world.store, RANGES, random.Random(1))
    assert world.store.head == head


async def test_the_api_keeps_the_first_address() -> None:
    """Programs in pods find the Service `kubernetes` where they always do."""
    world = await World().with_namespace()
    await world.client.create(service("kubernetes", clusterIP="10.96.0.1"))
    move_to_ranges(world.store, RANGES, random.Random(1))
    moved = world.store.get(Key("services", "default", "kubernetes"))
    assert moved is not None
    assert moved.body()["spec"]["clusterIPs"] == ["10.97.0.1"]


async def test_nodes_forget_a_slice_of_the_old_range() -> None:
    """So that they are given one of the new range; a slice that is still theirs stays."""
    world = World()
    for name, cidr in (("moved", "10.244.1.0/24"), ("kept", "10.243.1.0/24")):
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {"podCIDR": cidr}}
        await world.client.create(node)

    move_to_ranges(world.store, RANGES, random.Random(1))

    moved, kept = (world.store.get(Key("nodes", "", name)) for name in ("moved", "kept"))
    assert moved is not None
    assert kept is not None
    assert "podCIDR" not in moved.body()["spec"]
    assert kept.body()["spec"]["podCIDR"] == "10.243.1.0/24"


def service_cidr(name: str, cidr: str) -> dict[str, Any]:
    """A ServiceCIDR that is ready, and waits for its finalizer when it is deleted."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "ServiceCIDR",
        "metadata": {"name": name, "finalizers": ["networking.k8s.io/service-cidr-finalizer"]},
        "spec": {"cidrs": [cidr]},
    }


async def test_ranges_that_are_being_deleted_still_hold_their_addresses() -> None:
    """Their Services stay; one that no range holds is moved even when the default ServiceCIDR is being deleted."""
    world = await World().with_namespace()
    await world.client.create(service("outside", clusterIP="10.96.0.50"))
    await world.client.create(service("extra", clusterIP="10.100.0.5"))
    for name, cidr in (("kubernetes", "10.97.0.0/16"), ("extra", "10.100.0.0/28")):
        await world.client.create(service_cidr(name, cidr))
        await world.client.delete(Key("servicecidrs.networking.k8s.io", "", name))

    move_to_ranges(world.store, RANGES, random.Random(1))

    found = {each.key.name: each.body()["spec"]["clusterIP"] for each in world.store.list("services")}
    assert found["extra"] == "10.100.0.5"
    assert ip_address(found["outside"]) in RANGES.service_cidr
