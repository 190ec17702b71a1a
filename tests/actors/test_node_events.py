"""What a node's events tell of its absence."""

from __future__ import annotations

from typing import Any

from kube_actors.messages.node import PartitionNode, StartNode

from .conftest import OpenSimulated


async def test_leaving_and_coming_back_are_told(open_simulated: OpenSimulated) -> None:
    """`NodeNotReady` when its heartbeats are missed, `NodeReady` when it is back, and neither at its first start."""
    async with open_simulated("a", "b") as cluster:
        clock, store = cluster.system.clock, cluster.plane.store
        node: Any = cluster.plane.directory.nodes["a"]

        def told() -> list[str]:
            bodies = [each.body() for each in store.list("events")]
            return sorted(each["reason"] for each in bodies if each["involvedObject"]["name"] == "a")

        await clock.sleep(30)
        assert told() == ["Starting"]
        await node.ask(PartitionNode(), deadline=60)
        await clock.sleep(60)
        assert told() == ["NodeNotReady", "Starting"]
        await node.ask(StartNode(), deadline=60)
        await clock.sleep(30)
        assert told() == ["NodeNotReady", "NodeReady", "Starting"]
