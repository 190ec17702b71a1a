"""The rows of `kubectl get`, of every kind: one function per resource, in the order of the registry's columns.

`row_of(resource_id)` answers for every resource. Modules are imported when the first row of theirs is asked for.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from kube_actors.kinds.columns.words import Cell, Row, age, human_duration, listed, since

__all__ = ["Cell", "Row", "RowOf", "age", "human_duration", "listed", "row_of", "since"]

RowOf = Callable[[Mapping[str, Any], float], Row]

# Resource id -> module and function; what is not here shows its name and its age or time of creation.
_ROWS: Final[Mapping[str, str]] = {
    "apiservices.apiregistration.k8s.io": "extensions:api_service",
    "certificatesigningrequests.certificates.k8s.io": "access:certificate_signing_request",
    "clusterrolebindings.rbac.authorization.k8s.io": "access:role_binding",
    "componentstatuses": "cluster:component_status",
    "configmaps": "cluster:config_map",
    "controllerrevisions.apps": "workloads:controller_revision",
    "cronjobs.batch": "batch:cron_job",
    "csidrivers.storage.k8s.io": "storage_drivers:csi_driver",
    "csinodes.storage.k8s.io": "storage_drivers:csi_node",
    "daemonsets.apps": "workloads:daemon_set",
    "deployments.apps": "workloads:deployment",
    "endpoints": "network:endpoints",
    "endpointslices.discovery.k8s.io": "network:endpoint_slice",
    "events": "events:event",
    "events.events.k8s.io": "events:event",
    "flowschemas.flowcontrol.apiserver.k8s.io": "flow_control:flow_schema",
    "horizontalpodautoscalers.autoscaling": "autoscaling:horizontal_pod_autoscaler",
    "ingressclasses.networking.k8s.io": "network:ingress_class",
    "ingresses.networking.k8s.io": "network:ingress",
    "ipaddresses.networking.k8s.io": "network:ip_address",
    "jobs.batch": "batch:job",
    "leases.coordination.k8s.io": "cluster:lease",
    "mutatingadmissionpolicies.admissionregistration.k8s.io": "extensions:mutating_policy",
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io": "extensions:policy_binding",
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": "extensions:webhook_configuration",
    "namespaces": "cluster:namespace",
    "networkpolicies.networking.k8s.io": "network:network_policy",
    "nodes": "nodes:node",
    "persistentvolumeclaims": "storage:persistent_volume_claim",
    "persistentvolumes": "storage:persistent_volume",
    "poddisruptionbudgets.policy": "workloads:pod_disruption_budget",
    "pods": "pods:pod",
    "podtemplates": "workloads:pod_template",
    "priorityclasses.scheduling.k8s.io": "cluster:priority_class",
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": "flow_control:priority_level_configuration",
    "replicasets.apps": "workloads:replica_set",
    "replicationcontrollers": "workloads:replication_controller",
    "resourceclaims.resource.k8s.io": "devices:resource_claim",
    "resourcequotas": "cluster:resource_quota",
    "resourceslices.resource.k8s.io": "devices:resource_slice",
    "rolebindings.rbac.authorization.k8s.io": "access:role_binding",
    "runtimeclasses.node.k8s.io": "cluster:runtime_class",
    "secrets": "cluster:secret",
    "servicecidrs.networking.k8s.io": "network:service_cidr",
    "services": "network:service",
    "statefulsets.apps": "workloads:stateful_set",
    "storageclasses.storage.k8s.io": "storage:storage_class",
    "validatingadmissionpolicies.admissionregistration.k8s.io": "extensions:validating_policy",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io": "extensions:policy_binding",
    "validatingwebhookconfigurations.admissionregistration.k8s.io": "extensions:webhook_configuration",
    "volumeattachments.storage.k8s.io": "storage_drivers:volume_attachment",
    "volumeattributesclasses.storage.k8s.io": "storage:volume_attributes_class",
}
# Kinds without columns of their own that show an age all the same; the others show when they were created.
_WITH_AGE: Final = frozenset(
    {
        "deviceclasses.resource.k8s.io",
        "resourceclaimtemplates.resource.k8s.io",
        "serviceaccounts",
    }
)


@functools.cache
def row_of(resource_id: str) -> RowOf:
    """The function that makes the row of an object of this resource: `row(body, now) -> cells`."""
    name = _ROWS.get(resource_id)
    if name is None:
        return _name_and_age if resource_id in _WITH_AGE else _name_and_creation
    module, _, function = name.partition(":")
    row: RowOf = getattr(importlib.import_module(f"kube_actors.kinds.columns.{module}"), function)
    return row


def _name_and_age(body: Mapping[str, Any], now: float) -> Row:
    return (body["metadata"]["name"], age(body, now))


def _name_and_creation(body: Mapping[str, Any], _now: float) -> Row:
    return (body["metadata"]["name"], body["metadata"].get("creationTimestamp", "<unknown>"))
