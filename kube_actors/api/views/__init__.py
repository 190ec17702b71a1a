"""Typed, read-only, partial views of objects, for code that decides. Nothing is written back through a view.

`view_of("pods", body)` structures a freshly parsed body; `structure(PodSpec, part)` a part of one. Statuses that a plan
computes are built from the same classes where these are complete, and `body_of` turns them into JSON again.
"""

from __future__ import annotations

from typing import Any

from kube_actors.api.views.cluster import EventView, NamespaceView, NodeView
from kube_actors.api.views.converter import body_of, structure
from kube_actors.api.views.metadata import ObjectMeta, ObjectReference, OwnerReference
from kube_actors.api.views.pods import PodSpec, PodStatus, PodView
from kube_actors.api.views.services import EndpointSliceView, EndpointsView, ServiceView
from kube_actors.api.views.workloads import DeploymentView, ReplicaSetView, ReplicationControllerView

VIEWS: dict[str, type[Any]] = {
    "pods": PodView,
    "deployments.apps": DeploymentView,
    "replicasets.apps": ReplicaSetView,
    "replicationcontrollers": ReplicationControllerView,
    "services": ServiceView,
    "endpoints": EndpointsView,
    "endpointslices.discovery.k8s.io": EndpointSliceView,
    "nodes": NodeView,
    "namespaces": NamespaceView,
    "events": EventView,
}


def view_of(resource_id: str, body: Any) -> Any:
    """The view of an object of that resource (`"pods"`, `"deployments.apps"`). KeyError when it has none."""
    return structure(VIEWS[resource_id], body)


__all__ = [
    "VIEWS",
    "DeploymentView",
    "EndpointSliceView",
    "EndpointsView",
    "EventView",
    "NamespaceView",
    "NodeView",
    "ObjectMeta",
    "ObjectReference",
    "OwnerReference",
    "PodSpec",
    "PodStatus",
    "PodView",
    "ReplicaSetView",
    "ReplicationControllerView",
    "ServiceView",
    "body_of",
    "structure",
    "view_of",
]
