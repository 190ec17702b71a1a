"""Whole clusters on simulated nodes in virtual time, for tests of actors together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kube_actors.cluster import Cluster, open_cluster
from kube_actors.config.types import ClusterConfig, NodeConfig, Timeouts
from kube_actors.kernel import VirtualClock
from kube_actors.state import StateDirectory

OpenSimulated = Callable[..., AbstractAsyncContextManager[Cluster]]
CAPACITY = {"cpu": "8", "memory": "8Gi", "pods": "50"}


def deployment(name: str = "web", *, replicas: int = 3, image: str = "app:1", **spec: Any) -> dict[str, Any]:
    """A Deployment of one container in the namespace default; `spec` adds to its spec."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, **spec},
    }


@pytest.fixture
def open_simulated(tmp_path_factory: pytest.TempPathFactory) -> OpenSimulated:
    """Opens a cluster of simulated nodes in virtual time: `async with open_simulated("a", "b") as cluster`."""

    @asynccontextmanager
    async def open_one(*names: str, seed: int = 0, **simulation: Any) -> AsyncIterator[Cluster]:
        nodes = tuple(NodeConfig(name, "simulated", CAPACITY, simulation=simulation) for name in names)
        timeouts = Timeouts(node_heartbeat=5.0, node_grace=20.0, default_toleration=30.0)
        state = StateDirectory(Path(tmp_path_factory.mktemp("state")), ephemeral=True)
        config = ClusterConfig(nodes=nodes, timeouts=timeouts, seed=seed)
        async with open_cluster(config, state=state, clock=VirtualClock()) as cluster:
            yield cluster

    return open_one
