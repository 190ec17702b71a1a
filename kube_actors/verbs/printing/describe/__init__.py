"""Objects told in full, as `kubectl describe` does: a module per kind, and one for all the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kube_actors.verbs.printing.describe import generic, nodes, pods, small, workloads
from kube_actors.verbs.printing.describe.facts import Facts
from kube_actors.verbs.printing.describe.parts import describe_events
from kube_actors.verbs.printing.sheet import Sheet

_KINDS: Mapping[str, Callable[[Sheet, Facts], None]] = {
    "configmaps": small.describe_config_map,
    "deployments.apps": workloads.describe_deployment,
    "namespaces": small.describe_namespace,
    "nodes": nodes.describe_node,
    "pods": pods.describe_pod,
    "replicasets.apps": workloads.describe_replica_set,
    "secrets": small.describe_secret,
    "services": small.describe_service,
}


def description(resource_id: str, facts: Facts) -> str:
    """The text about one object, its Events at the end."""
    sheet = Sheet()
    _KINDS.get(resource_id, generic.describe_any)(sheet, facts)
    describe_events(sheet, facts)
    return str(sheet)
