"""No pod comes to a node before it is ready, and none waits once it is."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from kube_actors.cluster import Cluster
from kube_actors.config.types import NodeConfig
from kube_actors.store import Key

from .conftest import CAPACITY, OpenSimulated

NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
OWN = {"key": "dedicated", "value": "web", "effect": "NoSchedule"}
STRANGE = Key("nodes", "", "strange")


def node(ready: str = "", *taints: dict[str, str]) -> dict[str, Any]:
    """A Node that nobody stands behind; perhaps it says whether it is ready."""
    status = {"conditions": [{"type": "Ready", "status": ready}]} if ready else {}
    spec = {"taints": list(taints)}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "strange"}, "spec": spec, "status": status}


def taints(cluster: Cluster) -> list[tuple[str, str]]:
    """Key and effect of each taint of the strange node."""
    found = cluster.plane.store.get(STRANGE)
    assert found is not None
    return [(key, effect) for key, _, effect in found.projection.facts.taints]


async def test_new_nodes_are_tainted_until_they_are_ready(open_simulated: OpenSimulated) -> None:
    """The taint is there with the node, once, beside its own, and goes when the node says that it is ready."""
    async with open_simulated("a") as cluster:
        client, clock = cluster.session.client, cluster.system.clock
        made = await client.create(node("False", OWN, NOT_READY))
        assert made.body()["spec"]["taints"] == [OWN, NOT_READY]
        await client.delete(STRANGE)
        made = await client.create(node("False", OWN))
        assert made.body()["spec"]["taints"] == [OWN, NOT_READY]
        await clock.sleep(1)
        assert ("node.kubernetes.io/not-ready", "NoSchedule") in taints(cluster)

        def get_ready(body: dict[str, Any]) -> None:
            body["status"]["conditions"][0]["status"] = "True"

        await client.mutate(STRANGE, get_ready, subresource="status")
        await clock.sleep(1)
        assert taints(cluster) == [("dedicated", "NoSchedule")]


async def test_nodes_that_never_speak(open_simulated: OpenSimulated) -> None:
    """The controller has no condition to go by at first; when the grace is over the node counts as unreachable."""
    async with open_simulated("a") as cluster:
        made = await cluster.session.client.create(node())
        assert made.body()["spec"]["taints"] == [NOT_READY]
        await cluster.system.clock.sleep(1)
        assert taints(cluster) == []
        await cluster.system.clock.sleep(25)
        assert {key for key, _ in taints(cluster)} == {"node.kubernetes.io/unreachable"}


async def test_a_cluster_opens_when_its_nodes_are_free(open_simulated: OpenSimulated) -> None:
    """Their taints are gone before anybody can create a pod: the first one would wait for a second otherwise."""
    names = [f"n{number}" for number in range(20)]
    async with open_simulated(*names) as cluster:
        nodes = cluster.plane.store.list("nodes")
        assert len(nodes) == 20
        assert not any(found.projection.facts.taints for found in nodes)


@pytest.mark.parametrize("seed", [0, 3, 5])
async def test_waiting_pods_get_a_new_node_at_once(open_simulated: OpenSimulated, seed: int) -> None:
    """They are not tried while it is tainted, which would cost them their next back-off."""
    waits = {"containers": [{"name": "c", "image": "app:1"}], "nodeSelector": {"kubernetes.io/hostname": "b"}}
    async with open_simulated("a", seed=seed) as cluster:
        metadata = {"name": "waiting", "namespace": "default"}
        pod = await cluster.session.client.create(
            {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": waits}
        )
        await cluster.system.clock.sleep(7)
        added = NodeConfig("b", "simulated", CAPACITY)
        await cluster.reconfigure(attrs.evolve(cluster.config, nodes=(*cluster.config.nodes, added)))
        await cluster.system.clock.sleep(0.5)
        bound = cluster.plane.find(pod.key, pod.uid)
        assert bound is not None
        assert bound.projection.facts.node == "b"
