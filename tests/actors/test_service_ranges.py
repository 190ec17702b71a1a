"""ServiceCIDRs and IPAddresses in a running cluster."""

from __future__ import annotations

from collections.abc import Callable

from kube_actors.cluster import Cluster
from kube_actors.store import Key

from .conftest import OpenSimulated

RANGES = "servicecidrs.networking.k8s.io"
ADDRESSES = "ipaddresses.networking.k8s.io"
FINALIZER = "networking.k8s.io/service-cidr-finalizer"


async def _until(cluster: Cluster, holds: Callable[[], bool]) -> None:
    while not holds():
        await cluster.system.clock.sleep(0.05)


async def test_ranges_and_addresses(open_simulated: OpenSimulated) -> None:
    """The default range is ready; every ClusterIP has an IPAddress, which comes back; a range in use waits to go."""
    async with open_simulated("a") as cluster:
        client, store = cluster.session.client, cluster.plane.store

        def names() -> set[str]:
            return {each.key.name for each in store.list(ADDRESSES)}

        default = Key(RANGES, "", "kubernetes")
        await _until(cluster, lambda: (found := store.get(default)) is not None and bool(found.projection.finalizers))
        await client.create(
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "ServiceCIDR",
                "metadata": {"name": "more"},
                "spec": {"cidrs": ["10.201.0.0/24"]},
            }
        )
        spec = {"clusterIP": "10.201.0.20", "ports": [{"port": 80}]}
        metadata = {"name": "web", "namespace": "default"}
        await client.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
        await _until(cluster, lambda: "10.201.0.20" in names())
        address = Key(ADDRESSES, "", "10.201.0.20")
        before = store.get(address)
        assert before is not None
        await client.delete(address)
        await _until(cluster, lambda: (found := store.get(address)) is not None and found.uid != before.uid)

        more = Key(RANGES, "", "more")
        await _until(cluster, lambda: (found := store.get(more)) is not None and bool(found.projection.finalizers))
        await client.delete(more)
        await _until(cluster, lambda: (found := store.get(more)) is not None and not found.projection.facts.ready)
        await client.delete(Key("services", "default", "web"))
        await _until(cluster, lambda: store.get(more) is None)
        assert "10.201.0.20" not in names()
