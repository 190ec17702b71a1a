"""Nodes whose objects other people have written: no actor fails of it, and none answers without end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kube_actors.store import Commit, Key

from ..verbs.stage import create, deployment, simulated_cluster, until_available

NODE = Key("nodes", "", "node-1")


async def test_a_node_declared_not_ready_is_no_endless_argument(tmp_path: Path) -> None:
    """Somebody writes Ready=False into the status of a node that is well, as tests of operators do.

    Its pods are marked once, they report themselves ready again, and the next heartbeat settles it.
    """
    async with simulated_cluster(tmp_path) as cluster:
        session, commits = cluster.session, list[Commit]()
        await create(session, deployment("web", replicas=4))
        await until_available(session, "web")
        cluster.plane.store.subscribe(commits.append, "pods")

        def declare(body: dict[str, Any]) -> None:
            for condition in body["status"]["conditions"]:
                if condition["type"] == "Ready":
                    condition["status"] = "False"

        await session.client.mutate(NODE, declare, subresource="status")
        await cluster.plane.clock.sleep(4)
        assert sorted(one.revision.projection.facts.ready for one in commits) == [False, False, True, True]
        await cluster.plane.clock.sleep(20)
        await until_available(session, "web")
        node = cluster.plane.store.get(NODE)
        assert node is not None
        assert node.projection.facts.ready
        assert not cluster.failures


async def test_half_written_nodes_fail_nobody(tmp_path: Path) -> None:
    """A Node without spec and status, a Lease without spec, a condition with nothing but its type."""
    async with simulated_cluster(tmp_path) as cluster:
        client = cluster.session.client
        await client.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "stray"}})
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "stray"}}
        await client.create(lease, namespace="kube-node-lease")

        def spoil(body: dict[str, Any]) -> None:
            body["status"] = {"conditions": [{"type": "Ready"}]}

        await client.mutate(NODE, spoil, subresource="status")
        await cluster.plane.clock.sleep(60)
        stray = cluster.plane.store.get(Key("nodes", "", "stray"))
        assert stray is not None
        assert {taint["key"] for taint in stray.body()["spec"]["taints"]} == {"node.kubernetes.io/unreachable"}
        assert not cluster.failures
