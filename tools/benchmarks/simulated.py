"""A cluster of one simulated node: what is measured there is not what pods cost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from kube_actors.api.codecs.yaml import load_documents
from kube_actors.cluster import Cluster, open_cluster
from kube_actors.config.cluster_document import Problems, parse_cluster
from kube_actors.state import StateDirectory

CLUSTER = """
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {name: bench}
spec:
  nodes: [{name: node, count: 1, runtime: simulated}]
"""


@asynccontextmanager
async def simulated_cluster(directory: Path, *, serve: bool) -> AsyncIterator[Cluster]:
    """In this process; `serve`: with its API."""
    problems = Problems()
    body = load_documents(CLUSTER, "cluster.yaml")[0].body
    config = parse_cluster(body, directory=directory, problems=problems)
    async with open_cluster(config, state=StateDirectory(directory / "bench", ephemeral=True), serve=serve) as cluster:
        yield cluster
