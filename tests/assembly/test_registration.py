"""Nodes that register while a cluster comes up."""

from __future__ import annotations

from pathlib import Path

import pytest

from kube_actors.assembly import actor_tree
from kube_actors.cluster import open_cluster
from kube_actors.config.types import ClusterConfig, NodeConfig
from kube_actors.kernel import VirtualClock
from kube_actors.state import StateDirectory


async def test_a_slow_machine_changes_nothing_in_virtual_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All nodes are there when a virtual cluster is, however little machine time was meant to wait for them."""
    monkeypatch.setattr(actor_tree, "REGISTER_WITHIN", 1e-9)
    names = [f"node-{number}" for number in range(50)]
    config = ClusterConfig(name="slow", nodes=tuple(NodeConfig(name=name, runtime="simulated") for name in names))
    state = StateDirectory(tmp_path / "slow", ephemeral=True)
    async with open_cluster(config, state=state, clock=VirtualClock()) as cluster:
        assert {each.key.name for each in cluster.plane.store.list("nodes")} == set(names)
