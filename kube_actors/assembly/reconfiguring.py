"""What of a Cluster document can change while the cluster runs."""

from __future__ import annotations

import attrs

from kube_actors.config.types import ClusterConfig, NodeConfig
from kube_actors.errors import InputError, Problem

CHANGEABLE = frozenset({"nodes", "images", "host_image"})
UNSAID_SEED = ClusterConfig().seed
PATHS = {"name": "$.metadata.name", "on_runtime_exit": "$.spec.onRuntimeExit"}


def check_reconfiguration(old: ClusterConfig, new: ClusterConfig) -> None:
    """InputError naming every change that needs a restart.

    Nodes may come, go and be changed in labels, annotations, taints and capacity, and images may change; a node's
    runtime and everything else stays as it was when the cluster started. A seed given on the command line is not
    taken back by a document that names none.
    """
    problems = [
        Problem("cannot change while the cluster runs", path=_path(field.name), hint="restart it")
        for field in attrs.fields(ClusterConfig)
        if field.name not in CHANGEABLE and getattr(old, field.name) != getattr(new, field.name)
        if field.name != "seed" or new.seed != UNSAID_SEED
    ]
    before = {node.name: node for node in old.nodes}
    problems += [
        Problem(f"the runtime of node {node.name!r} cannot change", path="$.spec.nodes", hint="give it a new name")
        for node in new.nodes
        if node.name in before and node.runtime != before[node.name].runtime
    ]
    problems += [
        Problem(f"node {node.name!r} needs an agent this cluster lacks", path="$.spec.nodes", hint="restart it")
        for node in new.nodes
        if _is_process(node) and not any(_is_process(one) for one in old.nodes)
    ]
    if problems:
        raise InputError(problems)


def _path(field: str) -> str:
    return PATHS.get(field, f"$.spec.{field}")


def _is_process(node: NodeConfig) -> bool:
    return node.runtime == "process"
