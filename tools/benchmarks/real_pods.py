"""Clusters of real pods, opened in this process as `kube-actors run` opens them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.measured import CannotMeasure
from benchmarks.waiting import until
from kube_actors.cluster import Cluster, open_cluster
from kube_actors.config.types import ClusterConfig, NodeConfig
from kube_actors.errors import InputError
from kube_actors.state import StateDirectory

CAPACITY = {"cpu": "64", "memory": "64Gi", "pods": "250"}


@asynccontextmanager
async def cluster_of_processes(nodes: int = 1) -> AsyncIterator[Cluster]:
    """A cluster whose nodes run processes, in the best tier there is; its nodes are ready."""
    config = ClusterConfig(nodes=tuple(NodeConfig(f"node-{number}", capacity=CAPACITY) for number in range(nodes)))
    with tempfile.TemporaryDirectory(prefix="kube-actors-bench-") as directory:
        state = StateDirectory(Path(directory) / "state", ephemeral=True)
        try:
            async with open_cluster(config, state=state) as cluster:
                store = cluster.plane.store
                await until(lambda: sum(node.projection.facts.ready for node in store.list("nodes")) == nodes, "nodes")
                yield cluster
        except InputError as error:
            raise CannotMeasure(f"no cluster of real pods can be had here: {error}") from None


def ready_pods(cluster: Cluster) -> int:
    """How many pods are ready."""
    return sum(pod.projection.facts.ready for pod in cluster.plane.store.list("pods"))


def deployment(name: str, replicas: int, container: dict[str, Any], **pod: Any) -> dict[str, Any]:
    """A Deployment of pods with one container of the machine's own programs, which does not wait to be killed."""
    labels = {"app": name}
    containers = [{"name": name, "image": "host", **container}]
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": containers, "terminationGracePeriodSeconds": 0, **pod},
    }
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def processes_of(cluster: Cluster) -> list[int]:
    """The runtime (this process), the keeper and the agent."""
    link = cluster.link
    assert link is not None
    return [os.getpid(), link.keeper_pid, link.agent_pid]
