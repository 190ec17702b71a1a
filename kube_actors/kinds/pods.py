"""Pods."""

from __future__ import annotations

from kube_actors.errors import Cause
from kube_actors.kinds import causes
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
        _keep_observed(new.setdefault("status", {}), old.get("status") or {})


def _keep_observed(status: Body, before: Body) -> None:
    """What a write of the status leaves out of what was observed stays: the class of quality, and generations.

    The first of the pod's addresses is its address; where they differ it is the older field, `podIP`, that counts.
    """
    address, addresses = status.get("podIP"), status.get("podIPs") or []
    if address and address not in [each.get("ip") for each in addresses[:1]]:
        status["podIPs"] = [{"ip": address}]
    elif addresses:
        status["podIP"] = addresses[0].get("ip", "")
    for name in ("qosClass", "observedGeneration"):
        if before.get(name) and not status.get(name):
            status[name] = before[name]
    if status.get("conditions") == before.get("conditions"):
        return
    seen = {each.get("type"): each.get("observedGeneration") for each in before.get("conditions") or ()}
    for condition in status.get("conditions") or ():
        if not condition.get("observedGeneration") and seen.get(condition.get("type")):
            condition["observedGeneration"] = seen[condition["type"]]


def _validate_status(new: Body, old: Body) -> list[Cause]:
    """The class of quality was decided when the pod was made."""
    quality, before = (new.get("status") or {}).get("qosClass"), (old.get("status") or {}).get("qosClass")
    return [] if before in (None, quality) else [causes.immutable("status.qosClass", quality)]


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
    validate_subresource={
        "ephemeralcontainers": validate_ephemeral_containers,
        "resize": validate_resize,
        "status": _validate_status,
    },
    project=pod_facts,
    project_status=pod_facts_after_status,
    selectable_fields=SELECTABLE_FIELDS,
    status_metadata=("labels", "annotations", "finalizers"),
    default_grace=_default_grace,
)
