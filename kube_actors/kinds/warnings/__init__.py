"""What Kubernetes warns of: objects that are accepted and that will hardly do what their author means.

One module per family of kinds, imported with the first write of one of them. Each function gets the new object and the
stored one (None on create), both valid, and answers with the warnings in Kubernetes' words.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Final

# Resource id -> module and function.
_FUNCTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "csistoragecapacities.storage.k8s.io": ("storage", "of_capacity"),
    "cronjobs.batch": ("workloads", "of_cron_job"),
    "daemonsets.apps": ("workloads", "of_daemon_set"),
    "deployments.apps": ("workloads", "of_pod_owner"),
    "endpoints": ("network", "of_endpoints"),
    "endpointslices.discovery.k8s.io": ("network", "of_endpoint_slice"),
    "ingresses.networking.k8s.io": ("network", "of_ingress"),
    "jobs.batch": ("workloads", "of_job"),
    "networkpolicies.networking.k8s.io": ("network", "of_network_policy"),
    "nodes": ("nodes", "of_node"),
    "persistentvolumeclaims": ("storage", "of_claim"),
    "persistentvolumes": ("storage", "of_volume"),
    "pods": ("pods", "of_pod"),
    "podtemplates": ("workloads", "of_pod_template"),
    "replicasets.apps": ("workloads", "of_pod_owner"),
    "replicationcontrollers": ("workloads", "of_pod_owner"),
    "runtimeclasses.node.k8s.io": ("nodes", "of_runtime_class"),
    "secrets": ("secrets", "of_secret"),
    "serviceaccounts": ("secrets", "of_service_account"),
    "services": ("network", "of_service"),
    "statefulsets.apps": ("workloads", "of_stateful_set"),
    "storageclasses.storage.k8s.io": ("storage", "of_class"),
}


def warnings_of(resource_id: str, new: Mapping[str, Any], old: Mapping[str, Any] | None) -> list[str]:
    """The warnings for a valid write of an object (not of its subresources)."""
    place = _FUNCTIONS.get(resource_id)
    if place is None:
        return []
    module, function = place
    found: list[str] = getattr(importlib.import_module(f"kube_actors.kinds.warnings.{module}"), function)(new, old)
    return found
