"""Claims and volumes that are deleted while somebody uses them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kube_actors.cluster import Cluster
from kube_actors.store import Key

from .conftest import OpenSimulated

PVC, PV = "kubernetes.io/pvc-protection", "kubernetes.io/pv-protection"
STORAGE = {"storage": "1Gi"}


def claim(name: str, namespace: str = "default") -> dict[str, Any]:
    """A claim."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": STORAGE}}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def volume(name: str, **metadata: Any) -> dict[str, Any]:
    """A volume."""
    spec = {"accessModes": ["ReadWriteOnce"], "capacity": STORAGE, "hostPath": {"path": "/data"}}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name, **metadata}, "spec": spec}


def pod(name: str, claimed: str, namespace: str = "default", **spec: Any) -> dict[str, Any]:
    """A pod with a claim."""
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claimed}}]
    spec = {"containers": [{"name": "c", "image": "app:1"}], "volumes": volumes, **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def claim_key(name: str, namespace: str = "default") -> Key:
    """Where a claim is kept."""
    return Key("persistentvolumeclaims", namespace, name)


def finalizers(cluster: Cluster, key: Key) -> tuple[str, ...]:
    """What holds an object that is still there."""
    found = cluster.plane.store.get(key)
    assert found is not None
    return found.projection.finalizers


async def until_gone(cluster: Cluster, *keys: Key) -> None:
    """Wait until there is none of these, for a minute of the cluster's time at most."""
    await until(cluster, lambda: not any(cluster.plane.store.get(key) for key in keys))


async def until(cluster: Cluster, holds: Callable[[], bool]) -> None:
    """Wait until something holds, as long."""
    clock = cluster.system.clock
    late = clock.now() + 60
    while not holds():
        assert clock.now() < late, "it should have come about by now"
        await clock.sleep(0.1)


async def test_claims_stay_while_pods_use_them(open_simulated: OpenSimulated) -> None:
    """A claim nobody uses goes at once, another when its last pod does; a pod that waits for a node keeps nothing."""
    async with open_simulated("a") as cluster:
        client, clock = cluster.session.client, cluster.system.clock
        for name in ("unused", "wanted", "used"):
            assert (await client.create(claim(name))).projection.finalizers == (PVC,)
        await client.create(pod("waiting", "wanted", nodeSelector={"nowhere": "to-be-found"}))
        await client.create(pod("first", "used", nodeName="a"))
        await client.create(pod("second", "used", nodeName="a"))
        for name in ("unused", "wanted", "used"):
            await client.delete(claim_key(name))
        await until_gone(cluster, claim_key("unused"), claim_key("wanted"))
        await client.delete(Key("pods", "default", "first"))
        await until_gone(cluster, Key("pods", "default", "first"))
        await clock.sleep(5)
        kept = client.get(claim_key("used"))
        assert kept is not None
        assert kept.projection.finalizers == (PVC,)
        assert kept.projection.deleting is not None
        await client.delete(Key("pods", "default", "second"))
        await until_gone(cluster, claim_key("used"))


async def test_volumes_stay_while_they_are_bound(open_simulated: OpenSimulated) -> None:
    """One that is bound goes when its claim has let it go; other finalizers are other people's."""
    async with open_simulated("a") as cluster:
        client, clock = cluster.session.client, cluster.system.clock
        free, bound = Key("persistentvolumes", "", "free"), Key("persistentvolumes", "", "bound")
        await client.create(volume("free"))
        made = await client.create(volume("bound", finalizers=["example.com/mine"]))
        assert made.projection.finalizers == ("example.com/mine", PV)
        await client.mutate(bound, lambda body: body["status"].update(phase="Bound"), subresource="status")
        for key in (free, bound):
            await client.delete(key)
        await until_gone(cluster, free)
        await clock.sleep(5)
        kept = client.get(bound)
        assert kept is not None
        assert PV in kept.projection.finalizers
        await client.mutate(bound, lambda body: body["status"].update(phase="Released"), subresource="status")
        await until(cluster, lambda: finalizers(cluster, bound) == ("example.com/mine",))


async def test_protection_comes_back_and_lasts(open_simulated: OpenSimulated) -> None:
    """A finalizer that somebody takes away, or whose claim an apply writes again, is there again."""
    async with open_simulated("a") as cluster:
        client = cluster.session.client
        for _ in range(2):
            applied = await client.apply(claim("data"))
            assert applied.revision.projection.finalizers == (PVC,)
        await client.mutate(claim_key("data"), lambda body: body["metadata"].pop("finalizers"))
        await until(cluster, lambda: finalizers(cluster, claim_key("data")) == (PVC,))


async def test_namespaces_with_claims_end(open_simulated: OpenSimulated) -> None:
    """The pods go first, and their claims after them."""
    async with open_simulated("a") as cluster:
        client = cluster.session.client
        await client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}})
        await client.create(claim("used", "team"))
        await client.create(claim("unused", "team"))
        await client.create(pod("user", "used", "team", nodeName="a"))
        await client.delete(Key("namespaces", "", "team"))
        await until_gone(cluster, Key("namespaces", "", "team"))
        assert client.get(claim_key("used", "team")) is None
