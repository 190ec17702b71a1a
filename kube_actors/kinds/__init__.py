"""The rules of each kind: defaults, cross-field validation, summaries, columns, old versions.

`hooks_for(resource_id)` answers for every resource; those without a module here have the rules all objects share.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from typing import Any

from kube_actors.kinds.hooks import Hooks
from kube_actors.store.projection import Projection, base_projection

__all__ = ["Hooks", "hooks_for", "project", "project_status"]

# Resource id -> module with its `HOOKS`; imported when the kind is first met.
MODULES: Mapping[str, str] = {
    "apiservices.apiregistration.k8s.io": "apiservices",
    "certificatesigningrequests.certificates.k8s.io": "certificatesigningrequests",
    "clusterrolebindings.rbac.authorization.k8s.io": "clusterrolebindings",
    "clusterroles.rbac.authorization.k8s.io": "clusterroles",
    "configmaps": "configmaps",
    "controllerrevisions.apps": "controllerrevisions",
    "cronjobs.batch": "cronjobs",
    "csidrivers.storage.k8s.io": "csidrivers",
    "csinodes.storage.k8s.io": "csinodes",
    "csistoragecapacities.storage.k8s.io": "csistoragecapacities",
    "customresourcedefinitions.apiextensions.k8s.io": "customresourcedefinitions",
    "daemonsets.apps": "daemonsets",
    "deployments.apps": "deployments",
    "deviceclasses.resource.k8s.io": "deviceclasses",
    "endpoints": "endpoints",
    "endpointslices.discovery.k8s.io": "endpointslices",
    "events": "events",
    "events.events.k8s.io": "new_events",
    "flowschemas.flowcontrol.apiserver.k8s.io": "flowschemas",
    "horizontalpodautoscalers.autoscaling": "horizontalpodautoscalers",
    "ingressclasses.networking.k8s.io": "ingressclasses",
    "ingresses.networking.k8s.io": "ingresses",
    "ipaddresses.networking.k8s.io": "ipaddresses",
    "jobs.batch": "jobs",
    "leases.coordination.k8s.io": "leases",
    "limitranges": "limitranges",
    "mutatingadmissionpolicies.admissionregistration.k8s.io": "admissionpolicies",
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io": "admissionpolicies",
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": "webhookconfigurations",
    "namespaces": "namespaces",
    "networkpolicies.networking.k8s.io": "networkpolicies",
    "nodes": "nodes",
    "persistentvolumeclaims": "persistentvolumeclaims",
    "persistentvolumes": "persistentvolumes",
    "poddisruptionbudgets.policy": "poddisruptionbudgets",
    "pods": "pods",
    "podtemplates": "podtemplates",
    "priorityclasses.scheduling.k8s.io": "priorityclasses",
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": "prioritylevelconfigurations",
    "replicasets.apps": "replicasets",
    "replicationcontrollers": "replicationcontrollers",
    "resourceclaims.resource.k8s.io": "resourceclaims",
    "resourceclaimtemplates.resource.k8s.io": "resourceclaims",
    "resourcequotas": "resourcequotas",
    "resourceslices.resource.k8s.io": "resourceslices",
    "rolebindings.rbac.authorization.k8s.io": "rolebindings",
    "roles.rbac.authorization.k8s.io": "roles",
    "runtimeclasses.node.k8s.io": "runtimeclasses",
    "secrets": "secrets",
    "serviceaccounts": "serviceaccounts",
    "servicecidrs.networking.k8s.io": "servicecidrs",
    "services": "services",
    "statefulsets.apps": "statefulsets",
    "storageclasses.storage.k8s.io": "storageclasses",
    "validatingadmissionpolicies.admissionregistration.k8s.io": "admissionpolicies",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io": "admissionpolicies",
    "validatingwebhookconfigurations.admissionregistration.k8s.io": "webhookconfigurations",
    "volumeattachments.storage.k8s.io": "volumeattachments",
    "volumeattributesclasses.storage.k8s.io": "volumeattributesclasses",
}

# Kinds without a module of their own whose status is all that a write of the status may change.
STATUS_ONLY = frozenset({"storageversionmigrations.storagemigration.k8s.io"})


@functools.cache
def hooks_for(resource_id: str) -> Hooks:
    """The rules of a resource, by its id (`deployments.apps`)."""
    module = MODULES.get(resource_id)
    if module is not None:
        hooks: Hooks = importlib.import_module(f"kube_actors.kinds.{module}").HOOKS
        return hooks
    return Hooks(status_metadata=()) if resource_id in STATUS_ONLY else Hooks()


def project(resource_id: str, body: Mapping[str, Any]) -> Projection:
    """What the store keeps beside an object: its metadata's projection with the kind's facts in it."""
    return base_projection(body, hooks_for(resource_id).project(body))


def project_status(resource_id: str, body: Mapping[str, Any], before: Projection) -> Projection:
    """The projection after a write of the status that left the metadata alone: only the facts are new."""
    hooks = hooks_for(resource_id)
    facts = hooks.project(body) if hooks.project_status is None else hooks.project_status(body, before.facts)
    return Projection(  # spelt out: attrs.evolve costs as much as the facts themselves
        labels=before.labels,
        owners=before.owners,
        finalizers=before.finalizers,
        generation=before.generation,
        created=before.created,
        deleting=before.deleting,
        facts=facts,
    )
