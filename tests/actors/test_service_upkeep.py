"""What goes with a Service."""

from __future__ import annotations

from pathlib import Path

import trio

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
