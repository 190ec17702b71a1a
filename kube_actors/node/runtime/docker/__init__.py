"""The runtime whose pods are containers of a Docker Engine on this machine.

A pod is a tiny container that holds its namespaces open (`pause`) and its containers beside it. Volumes are directories
bound into them. Everything is marked with labels, by which a later runtime finds and adopts it. Images are those the
engine has; nothing is pulled.
"""

from __future__ import annotations

import trio

from kube_actors.node.runtime.docker.bodies import node_labels
from kube_actors.node.runtime.docker.engine import Engine
from kube_actors.node.runtime.docker.pod_files import PodFiles
from kube_actors.node.runtime.docker.preparation import DockerSettings
from kube_actors.node.runtime.docker.runtime import DockerRuntime

__all__ = ["DockerRuntime", "DockerSettings", "start_docker_runtime"]


def start_docker_runtime(
    nursery: trio.Nursery, settings: DockerSettings, *, cluster: str, node: str, directory: str
) -> DockerRuntime:
    """A node's runtime on the engine at `settings.socket`, its tasks in `nursery`; `directory` is the node's own.
    The engine need not be there: calls raise RuntimeGone until it is. Cancelling the nursery keeps what runs."""
    engine = Engine(settings.socket)
    runtime = DockerRuntime(engine, settings, node_labels(cluster, node), PodFiles(directory))
    nursery.start_soon(runtime.run, name=f"docker {node}")
    return runtime
