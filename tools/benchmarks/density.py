"""density_*: a Deployment of 500 replicas on ten simulated nodes, through `open_cluster`, as `kube-actors run` has it.

Created until all are available, rolled to another image until all are new, deleted in the foreground until no pod is
left. The clock starts with the client's write. The median of three clusters in one process, so the first one warms up.
"""

from __future__ import annotations

import gc
import tempfile
import time
from pathlib import Path
from typing import Any

import trio

from benchmarks.measured import Values, medians_of, say
from benchmarks.waiting import until
from kube_actors.cluster import Cluster, open_cluster
from kube_actors.config.types import ClusterConfig, NodeConfig
from kube_actors.state import StateDirectory
from kube_actors.store import Key

REPLICAS, NODES, RUNS = 500, 10, 3
WEB = Key("deployments.apps", "default", "web")


def deployment(replicas: int, image: str) -> dict[str, Any]:
    """A Deployment of pods with one container."""
    labels = {"app": "web"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": image}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": pod}
    metadata = {"name": WEB.name, "namespace": WEB.namespace}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def is_rolled_out(cluster: Cluster) -> bool:
    """The Deployment's newest version is fully available and nothing else is left of it."""
    revision = cluster.plane.store.get(WEB)
    body = {} if revision is None else revision.body()
    status = body.get("status", {})
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return counts == [REPLICAS] * 3 and status.get("observedGeneration") == body["metadata"]["generation"]


async def _run() -> Values:
    capacity = {"cpu": "32", "memory": "64Gi", "pods": "110"}
    nodes = tuple(NodeConfig(f"node-{number}", "simulated", capacity=capacity) for number in range(NODES))
    with tempfile.TemporaryDirectory() as directory:
        state = StateDirectory(Path(directory) / "state", ephemeral=True)
        async with open_cluster(ClusterConfig(nodes=nodes), state=state) as cluster:
            store, client = cluster.plane.store, cluster.session.client
            await until(lambda: sum(node.projection.facts.ready for node in store.list("nodes")) == NODES, "nodes")
            found: Values = {}
            began = time.perf_counter()
            await client.create(deployment(REPLICAS, "web:1"))
            await until(lambda: is_rolled_out(cluster), "creation")
            found["density_create"] = REPLICAS / (time.perf_counter() - began)
            began = time.perf_counter()
            await client.mutate(WEB, _to_second_version)
            await until(lambda: is_rolled_out(cluster), "the rolling update")
            found["density_roll"] = REPLICAS / (time.perf_counter() - began)
            began = time.perf_counter()
            await client.delete(WEB, propagation="Foreground")
            await until(lambda: store.get(WEB) is None and store.count("pods") == 0, "deletion")
            found["density_delete"] = REPLICAS / (time.perf_counter() - began)
            return found


def _to_second_version(body: dict[str, Any]) -> None:
    body["spec"]["template"]["spec"]["containers"][0]["image"] = "web:2"


def measure(names: list[str]) -> Values:
    """`density_create`, `density_roll`, `density_delete`."""
    gc.set_threshold(50_000, 20, 1000)  # as the command line does
    runs = [trio.run(_run) for _ in range(RUNS)]
    say(f"runs: {runs}")
    found = medians_of(runs)
    return {name: found[name] for name in names}
