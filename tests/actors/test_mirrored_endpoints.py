"""Endpoints written by hand reach the data plane: their slices are kept by a controller."""

from __future__ import annotations

from typing import Any

from kube_actors.cluster import Cluster
from kube_actors.store import Key

from .conftest import OpenSimulated

SLICES = "endpointslices.discovery.k8s.io"
DB = Key("endpoints", "default", "db")


def slices(cluster: Cluster) -> list[dict[str, Any]]:
    """The slices of the service, as far as they matter here."""
    return [one.body() for one in cluster.plane.store.list(SLICES, "default")]


async def until_addresses(cluster: Cluster, *addresses: str) -> dict[str, Any]:
    """The only slice when it has exactly these."""
    while True:
        found = slices(cluster)
        if len(found) == 1 and [each["addresses"][0] for each in found[0]["endpoints"]] == list(addresses):
            return found[0]
        await cluster.system.clock.sleep(0.05)


async def test_slices_follow_endpoints(open_simulated: OpenSimulated) -> None:
    """Made, changed, restored when somebody deletes one, and gone with the Endpoints."""
    async with open_simulated("a") as cluster:
        client = cluster.session.client
        ports = [{"port": 5432}]
        metadata = {"name": "db", "namespace": "default"}
        await client.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports}})
        subset = {"addresses": [{"ip": "192.0.2.1"}], "ports": ports}
        await client.create({"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": [subset]})
        first = await until_addresses(cluster, "192.0.2.1")
        assert first["metadata"]["labels"]["kubernetes.io/service-name"] == "db"
        more = {**subset, "addresses": [{"ip": "192.0.2.1"}, {"ip": "192.0.2.2"}]}
        await client.mutate(DB, lambda body: body.update(subsets=[more]))
        second = await until_addresses(cluster, "192.0.2.1", "192.0.2.2")
        assert second["metadata"]["name"] == first["metadata"]["name"]
        await client.delete(Key(SLICES, "default", first["metadata"]["name"]))
        third = await until_addresses(cluster, "192.0.2.1", "192.0.2.2")
        assert third["metadata"]["uid"] != first["metadata"]["uid"]
        await client.delete(DB)
        while slices(cluster):
            await cluster.system.clock.sleep(0.05)


async def test_a_selector_takes_over(open_simulated: OpenSimulated) -> None:
    """Once the Service has a selector, its slices are the Service controller's alone."""
    async with open_simulated("a") as cluster:
        client = cluster.session.client
        metadata = {"name": "db", "namespace": "default"}
        spec = {"ports": [{"port": 5432}]}
        await client.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
        subset = {"addresses": [{"ip": "192.0.2.1"}], "ports": spec["ports"]}
        await client.create({"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": [subset]})
        await until_addresses(cluster, "192.0.2.1")
        await client.mutate(Key("services", "default", "db"), lambda body: body["spec"].update(selector={"app": "db"}))
        mine = "endpointslice-controller.k8s.io"
        while [one["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"] for one in slices(cluster)] != [
            mine
        ]:
            await cluster.system.clock.sleep(0.05)
