"""Subresources that change an object in ways of their own: binding, scale and a namespace's finalize. Pure."""

from __future__ import annotations

from typing import Any

from kube_actors.api.conditions import set_pod_condition
from kube_actors.api.registry import Resource
from kube_actors.api.selectors import LabelSelector
from kube_actors.errors import ApiError, bad_request, conflict, invalid
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.writes.request import Request


def bind(request: Request, node: str, time: str, *, uid: str | None, sent: Body) -> None:
    """Put the pod on a node: `spec.nodeName` and the condition `PodScheduled`. `time` is RFC 3339.

    Labels and annotations of `sent`, the Binding's metadata, become the pod's.
    """
    pod = request.new
    metadata, spec = pod["metadata"], pod["spec"]
    if not node:
        raise request.invalid([causes.required("target.name")])
    if uid and uid != metadata["uid"]:
        message = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {metadata['uid']}"
        raise request.conflict(message)
    if "deletionTimestamp" in metadata:
        raise _unbound(request, f"pod {metadata['name']} is being deleted, cannot be assigned to a host")
    if spec.get("nodeName"):
        raise _unbound(request, f'pod {metadata["name"]} is already assigned to node "{spec["nodeName"]}"')
    if spec.get("schedulingGates"):
        raise _unbound(request, f"pod {metadata['name']} has non-empty .spec.schedulingGates")
    spec["nodeName"] = node
    for name in ("annotations", "labels"):
        if sent.get(name):
            metadata[name] = {**metadata.get(name, {}), **sent[name]}
    pod.get("status", {}).pop("nominatedNodeName", None)
    set_pod_condition(pod, "PodScheduled", "True", time)


def _unbound(request: Request, why: str) -> ApiError:
    """409 of a pod that is not to be put on a node: of the binding, not of the pod, as Kubernetes tells it."""
    return conflict("pods/binding", request.key.name, why)


def finalized(body: Body, finalizer: str) -> Body:
    """The namespace without this entry of `spec.finalizers`."""
    spec = body["spec"]
    spec["finalizers"] = [each for each in spec.get("finalizers", []) if each != finalizer]
    return body


def scale_of(resource: Resource, body: Body) -> Body:
    """The `autoscaling/v1 Scale` that stands for the object; of no replicas it says nothing, as in Kubernetes."""
    metadata, spec, status = body["metadata"], body.get("spec", {}), body.get("status", {})
    names = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    observed: dict[str, Any] = {"replicas": status.get("replicas", 0)}
    selector = spec.get("selector")
    if selector:
        is_plain = resource.kind == "ReplicationController"
        observed["selector"] = str(
            LabelSelector.from_labels(selector) if is_plain else LabelSelector.from_object(selector)
        )
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {name: metadata[name] for name in names if name in metadata},
        "spec": {"replicas": spec["replicas"]} if spec.get("replicas") else {},
        "status": observed,
    }


def set_replicas(request: Request, scale: Body) -> None:
    """Take the replicas from a `Scale`; 400 when it is not one, 422 when they are negative."""
    spec = scale.get("spec")
    replicas = spec.get("replicas", 0) if isinstance(spec, dict) else 0
    if scale.get("kind", "Scale") != "Scale" or isinstance(replicas, bool) or not isinstance(replicas, int):
        raise bad_request("a Scale with spec.replicas, a whole number, is needed here")
    if replicas < 0:
        cause = causes.invalid("spec.replicas", replicas, "must be greater than or equal to 0")
        raise invalid("Scale", request.key.name, [cause], group="autoscaling")
    request.new.setdefault("spec", {})["replicas"] = replicas
