"""A cluster of simulated nodes for tests: in virtual time, unless a test is about sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from kube_actors.cluster import Cluster, open_cluster
from kube_actors.config.types import ClusterConfig, NodeConfig, Timeouts
from kube_actors.kernel import ClusterClock, VirtualClock
from kube_actors.state import StateDirectory
from kube_actors.store import Key, Revision
from kube_actors.verbs.session import Session

CAPACITY = {"cpu": "8", "memory": "16Gi", "pods": "110"}


@asynccontextmanager
async def simulated_cluster(
    directory: Path,
    *,
    nodes: int = 2,
    clock: ClusterClock | None = None,
    simulation: dict[str, Any] | None = None,
    ephemeral: bool = True,
) -> AsyncIterator[Cluster]:
    """A running cluster, its nodes ready; it keeps its objects in a file unless it is ephemeral."""
    nodes_ = tuple(
        NodeConfig(f"node-{number}", "simulated", capacity=CAPACITY, simulation=simulation or {})
        for number in range(1, nodes + 1)
    )
    config = ClusterConfig(nodes=nodes_, timeouts=Timeouts(default_toleration=5.0))
    state = StateDirectory(directory / "state", ephemeral=ephemeral)
    async with open_cluster(config, state=state, clock=clock or VirtualClock()) as cluster:
        store = cluster.plane.store
        while not all(node.projection.facts.ready for node in store.list("nodes")) or store.count("nodes") < nodes:
            await cluster.plane.clock.sleep(0.1)
        yield cluster


def deployment(name: str, replicas: int = 2, image: str = "app:1", **spec: Any) -> dict[str, Any]:
    """A Deployment with one container `main` and pods labelled `app: <name>`."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": image}]},
            },
            **spec,
        },
    }


def pod(name: str, containers: Sequence[str] = ("main",), **metadata: Any) -> dict[str, Any]:
    """A Pod with these containers."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, **metadata},
        "spec": {"containers": [{"name": each, "image": "app:1"} for each in containers]},
    }


def key(resource: str, name: str, namespace: str = "default") -> Key:
    """The key of an object."""
    return Key(resource, namespace, name)


async def create(session: Session, *bodies: dict[str, Any]) -> None:
    """Create objects in `default`."""
    for body in bodies:
        await session.client.create(body, namespace="default")


async def until_available(session: Session, name: str) -> Revision:
    """The Deployment when all its replicas are available and nothing of an earlier revision is left."""
    while True:
        revision = session.plane.store.get(key("deployments.apps", name))
        if revision is not None:
            facts = revision.projection.facts
            settled = facts.replicas == facts.current == facts.updated == facts.available
            if settled and facts.observed_generation == revision.projection.generation:
                return revision
        await session.plane.clock.sleep(0.1)


async def until_ready(session: Session, name: str) -> Revision:
    """The Pod when it is ready."""
    while True:
        revision = session.plane.store.get(key("pods", name))
        if revision is not None and revision.projection.facts.ready:
            return revision
        await session.plane.clock.sleep(0.1)
