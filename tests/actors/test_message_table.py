"""The table in messages/README.md is true: a traced rollout says what it lists, and nothing else."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import kube_actors.messages
from kube_actors.cluster import Cluster, open_cluster
from kube_actors.config.types import ClusterConfig, NodeConfig
from kube_actors.kernel import TraceKind, TraceRecord, VirtualClock
from kube_actors.state import StateDirectory
from kube_actors.store import Key

Row = tuple[str, str, str, str]

TABLE = Path(kube_actors.messages.__file__).parent / "README.md"
DEPLOYMENT = Key("deployments.apps", "default", "web")
ROLES = (
    (r"/deployments/.+", "Deployment"),
    (r"/replicasets/.+", "ReplicaSet"),
    (r"/services/.+", "Service"),
    (r"/scheduler/.+", "Scheduler"),
    (r"/nodes/[^/]+/.+", "Pod"),
    (r"/nodes/[^/]+", "Node"),
    (r"/nodes", "Nodes"),
    (r"/network", "Network"),
    (r"/events", "Events"),
    (r"/node-lifecycle", "NodeLifecycle"),
    (r"/disruption-budgets/.+", "DisruptionBudget"),
)


def listed() -> dict[Row, str]:
    """The table's rows: (from, to, how, message) → where it is seen."""
    rows = {}
    for line in TABLE.read_text().splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 6 and cells[2] in ("ask", "tell"):
            rows[(cells[0], cells[1], cells[2], cells[3])] = cells[4]
    return rows


def role(path: str) -> str:
    """What an actor is, by its path."""
    return next((name for pattern, name in ROLES if re.fullmatch(pattern, path)), path or "outside")


def deployment(image: str) -> dict[str, Any]:
    """Three replicas of one container."""
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": image}]}}
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    metadata = {"name": "web", "namespace": "default"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


@asynccontextmanager
async def simulated(tmp_path: Path) -> AsyncIterator[Cluster]:
    """A cluster of two simulated nodes in virtual time."""
    nodes = tuple(NodeConfig(name, "simulated", {"cpu": "8", "memory": "8Gi", "pods": "50"}) for name in ("a", "b"))
    state = StateDirectory(tmp_path / "state", ephemeral=True)
    async with open_cluster(ClusterConfig(nodes=nodes), state=state, clock=VirtualClock()) as cluster:
        yield cluster


async def rolled_out(cluster: Cluster) -> None:
    """Wait, in cluster time, until the Deployment is complete."""
    while True:
        found = cluster.session.client.get(DEPLOYMENT)
        assert found is not None
        body = found.body()
        status = body.get("status", {})
        current = status.get("observedGeneration") == body["metadata"]["generation"]
        if current and status.get("updatedReplicas") == status.get("availableReplicas") == status.get("replicas") == 3:
            return
        await cluster.system.clock.sleep(0.5)


async def test_a_traced_rollout_says_what_the_table_lists(tmp_path: Path) -> None:
    """From nothing to version 1 to version 2: every message is in the table, and every row marked rollout is seen."""
    said: set[Row] = set()

    def hear(record: TraceRecord) -> None:
        if record.kind in (TraceKind.ASK, TraceKind.TELL):
            message = type(record.message).__name__
            said.add((role(record.sender), role(record.receiver), record.kind.value, message))

    async with simulated(tmp_path) as cluster:
        cluster.system.on_trace(hear)
        await cluster.session.client.create(deployment("app:1"))
        await rolled_out(cluster)
        await cluster.session.client.mutate(
            DEPLOYMENT, lambda body: body["spec"]["template"]["spec"]["containers"][0].update(image="app:2")
        )
        await rolled_out(cluster)
        await cluster.system.clock.sleep(60)
    rows = listed()
    assert said - rows.keys() == set(), "said, but not in the table"
    assert {row for row, seen in rows.items() if seen == "rollout"} - said == set(), "in the table, but not said"
