"""What goes with a Service."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio

from kube_actors.messages.common import Describe

from ..verbs.stage import create, key, simulated_cluster

PATIENCE = 30.0


async def test_endpoints_go_with_their_service(tmp_path: Path) -> None:
    """Those the cluster wrote and those somebody wrote by hand, and the slices of both."""
    async with simulated_cluster(tmp_path, nodes=1) as cluster:
        store, clock = cluster.plane.store, cluster.plane.clock

        def names(resource: str) -> set[str]:
            return {one.key.name for one in store.list(resource, "default")} - {"kubernetes"}

        for name, selector in (("web", {"app": "web"}), ("away", None)):
            spec = {"ports": [{"port": 80}], **({"selector": selector} if selector else {})}
            service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}
            await create(cluster.session, service)
        subsets = [{"addresses": [{"ip": "192.0.2.1"}], "ports": [{"port": 80}]}]
        hand_made = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "away"}, "subsets": subsets}
        await create(cluster.session, hand_made)
        with trio.fail_after(PATIENCE):
            while names("endpoints") != {"web", "away"}:
                await clock.sleep(0.1)
            await cluster.session.client.delete(key("services", "web"))
            await cluster.session.client.delete(key("services", "away"))
            while names("endpoints") or names("endpointslices.discovery.k8s.io"):
                await clock.sleep(0.1)
        assert not cluster.failures


async def test_a_service_that_no_pod_serves(tmp_path: Path) -> None:
    """Its slice has null for endpoints and ports, and its Endpoints have no subsets, as Kubernetes writes them."""
    async with simulated_cluster(tmp_path, nodes=1) as cluster:
        store, slices = cluster.plane.store, "endpointslices.discovery.k8s.io"
        spec = {"ports": [{"port": 80}], "selector": {"app": "web"}}
        await create(
            cluster.session, {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}
        )

        def made(resource: str) -> list[dict[str, Any]]:
            return [one.body() for one in store.list(resource, "default") if one.key.name.startswith("web")]

        with trio.fail_after(PATIENCE):
            while not (made(slices) and made("endpoints")):
                await cluster.plane.clock.sleep(0.1)
        (found,), (old,) = made(slices), made("endpoints")
        assert (found["endpoints"], found["ports"], "subsets" in old) == (None, None, False)


async def test_services_of_another_proxy(tmp_path: Path) -> None:
    """A label gives a Service to another proxy or calls it headless: its address is not served until the label goes."""
    async with simulated_cluster(tmp_path, nodes=1) as cluster:
        client, network = cluster.session.client, cluster.plane.directory.network
        assert network is not None

        async def until_served(*, ports: int) -> None:
            with trio.fail_after(PATIENCE):
                while dict((await network.ask(Describe(), deadline=PATIENCE)).facts)["ports"] != str(ports):
                    await cluster.plane.clock.sleep(0.1)

        def labelled(labels: dict[str, str]) -> Callable[[dict[str, Any]], None]:
            return lambda body: body["metadata"].__setitem__("labels", labels)

        spec = {"ports": [{"port": 80}], "selector": {"app": "web"}}
        await until_served(ports=0)
        await create(
            cluster.session, {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}
        )
        await until_served(ports=1)
        for label in ("service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"):
            await client.mutate(key("services", "web"), labelled({label: "other"}))
            await until_served(ports=0)
            await client.mutate(key("services", "web"), labelled({}))
            await until_served(ports=1)
        assert not cluster.failures
