"""Pods."""

from __future__ import annotations

from kube_actors.kinds.hooks import METADATA_FIELDS, Body, Hooks
from kube_actors.kinds.label_keys import merge_label_keys
from kube_actors.kinds.pod_defaults import default_pod
from kube_actors.kinds.pod_facts import pod_facts, pod_facts_after_status
from kube_actors.kinds.pod_qos import qos_class
from kube_actors.kinds.pod_subresources import confine, validate_ephemeral_containers, validate_resize
from kube_actors.kinds.pod_updates import validate_pod

SELECTABLE_FIELDS = (
    *METADATA_FIELDS,
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.podIPs",
    "status.nominatedNodeName",
)

GATED = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "SchedulingGated",
    "message": "Scheduling is blocked due to non-empty scheduling gates",
}


def _prepare_create(pod: Body) -> None:
    spec = pod.get("spec") or {}
    pod["status"] = {"phase": "Pending", "qosClass": qos_class(spec)}
    if spec.get("schedulingGates"):
        pod["status"]["conditions"] = [GATED]
    merge_label_keys(pod)


def _prepare_update(new: Body, old: Body, subresource: str) -> None:
    """What was decided when the pod was created stays, and a pod's owners are not changed with its status."""
    confine(new, old, subresource)
    if subresource == "status":
        qos = (old.get("status") or {}).get("qosClass")
        if qos:
            new.setdefault("status", {})["qosClass"] = qos


def _default_grace(pod: Body) -> int:
    """Seconds; 0 for a pod that no node runs or that has ended."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    if not spec.get("nodeName") or status.get("phase") in ("Succeeded", "Failed"):
        return 0
    grace = spec.get("terminationGracePeriodSeconds", 30)
    return 1 if grace < 0 else int(grace)


HOOKS = Hooks(
    default=default_pod,
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    validate=validate_pod,
    validate_subresource={"ephemeralcontainers": validate_ephemeral_containers, "resize": validate_resize},
    project=pod_facts,
    project_status=pod_facts_after_status,
    selectable_fields=SELECTABLE_FIELDS,
    status_metadata=("labels", "annotations", "finalizers"),
    default_grace=_default_grace,
)
