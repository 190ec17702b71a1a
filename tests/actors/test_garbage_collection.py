"""The garbage collector in a running cluster: circles, strays, owners nobody can look for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kube_actors.cluster import Cluster
from kube_actors.store import Key, Revision
from kube_actors.writes import Client

from .conftest import OpenSimulated

SETTINGS = "configmaps"


async def create(client: Client, name: str, *owners: dict[str, Any], namespace: str = "default") -> Revision:
    """A ConfigMap with these owners."""
    metadata = {"name": name, "namespace": namespace, "ownerReferences": list(owners)}
    return await client.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})


def owned_by(owner: Revision, *, blocks: bool = True) -> dict[str, Any]:
    """A reference to a ConfigMap."""
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": owner.key.name, "uid": owner.uid}
    return {**reference, "blockOwnerDeletion": blocks}


def key(name: str, namespace: str = "default") -> Key:
    """Where a ConfigMap is."""
    return Key(SETTINGS, namespace, name)


async def until(cluster: Cluster, done: Callable[[], bool]) -> None:
    """Wait, in cluster time, until it is so."""
    while not done():
        await cluster.system.clock.sleep(0.05)


async def test_a_circle_of_owners_ends(open_simulated: OpenSimulated) -> None:
    """Each waits for the next, the last for the first: deleted in the foreground, all go."""
    async with open_simulated("a") as cluster:
        client = cluster.session.client
        first = await create(client, "first")
        second = await create(client, "second", owned_by(first))
        third = await create(client, "third", owned_by(second))
        back = owned_by(third)
        await client.mutate(first.key, lambda body: body["metadata"].update(ownerReferences=[back]))
        await client.delete(first.key, propagation="Foreground")
        await until(cluster, lambda: not any(client.get(key(name)) for name in ("first", "second", "third")))


async def test_an_owner_waits_only_for_what_still_blocks_it(open_simulated: OpenSimulated) -> None:
    """A dependent that is held by a finalizer blocks its owner until it gives its owner up."""
    async with open_simulated("a") as cluster:
        client = cluster.session.client
        owner = await create(client, "owner")
        held = await create(client, "held", owned_by(owner))
        await client.mutate(held.key, lambda body: body["metadata"].update(finalizers=["example.com/x"]))
        await client.delete(owner.key, propagation="Foreground")

        def is_going() -> bool:
            found = client.get(held.key)
            return found is not None and found.projection.deleting is not None

        await until(cluster, is_going)
        assert client.get(owner.key) is not None
        await client.mutate(held.key, lambda body: body["metadata"].pop("ownerReferences"))
        await until(cluster, lambda: client.get(owner.key) is None)


async def test_owners_that_cannot_be(open_simulated: OpenSimulated) -> None:
    """An owner in another namespace does not exist, and an Event says so; one nobody can look for keeps its object."""
    async with open_simulated("a") as cluster:
        client = cluster.session.client
        await client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        far = await create(client, "far", namespace="shop")
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
        kept = await client.create({**role, "metadata": {"name": "kept", "ownerReferences": [owned_by(far)]}})
        strange = {"apiVersion": "example.com/v1", "kind": "Unheard", "name": "x", "uid": "1"}
        unknown = await create(client, "unknown", strange, {**owned_by(far), "uid": "2"})
        stray = await create(client, "stray", owned_by(far))
        await until(cluster, lambda: client.get(stray.key) is None)

        def told() -> dict[str, str]:
            events = [one.body() for one in cluster.plane.store.list("events")]
            return {
                event["involvedObject"]["name"]: event["message"]
                for event in events
                if event["reason"] == "OwnerRefInvalidNamespace"
            }

        await until(cluster, lambda: {"stray", "kept"} <= told().keys())
        named = f"[v1/ConfigMap, namespace: default, name: far, uid: {far.uid}]"
        assert told()["stray"] == f'ownerRef {named} does not exist in namespace "default"'
        assert client.get(kept.key) is not None
        left = client.get(unknown.key)
        assert left is not None
        assert len(left.projection.owners) == 2
