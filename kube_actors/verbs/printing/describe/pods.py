"""Pods, with the process id of each running container."""

from __future__ import annotations

from kube_actors.api.times import parse_rfc3339
from kube_actors.kinds.columns import human_duration
from kube_actors.verbs.printing.describe.facts import Body, Facts
from kube_actors.verbs.printing.describe.parts import controlled_by, describe_conditions, describe_labels
from kube_actors.verbs.printing.sheet import NONE, Sheet
from kube_actors.verbs.printing.templates import describe_containers, describe_volumes, time_text, tolerations


def describe_pod(sheet: Sheet, facts: Facts) -> None:
    """A pod."""
    metadata, spec, status = facts.body["metadata"], facts.body["spec"], facts.body.get("status") or {}
    sheet.value("Name", metadata["name"])
    sheet.value("Namespace", metadata.get("namespace", ""))
    sheet.value("Priority", spec.get("priority", 0))
    if spec.get("priorityClassName"):
        sheet.value("Priority Class Name", spec["priorityClassName"])
    if spec.get("runtimeClassName"):
        sheet.value("Runtime Class Name", spec["runtimeClassName"])
    sheet.value("Service Account", spec.get("serviceAccountName") or "default")
    node = spec.get("nodeName")
    sheet.value("Node", f"{node}/{status.get('hostIP', '')}" if node else NONE)
    if status.get("startTime"):
        sheet.value("Start Time", time_text(status["startTime"]))
    describe_labels(sheet, metadata)
    _describe_phase(sheet, facts, metadata, status)
    sheet.value("IP", status.get("podIP", ""))
    _describe_addresses(sheet, status)
    if owner := controlled_by(metadata):
        sheet.value("Controlled By", owner)
    if spec.get("initContainers"):
        statuses = {each["name"]: each for each in status.get("initContainerStatuses") or ()}
        describe_containers(sheet, "Init Containers", spec["initContainers"], statuses, facts.pids)
    statuses = {each["name"]: each for each in status.get("containerStatuses") or ()}
    describe_containers(sheet, "Containers", spec.get("containers") or (), statuses, facts.pids)
    describe_conditions(sheet, status.get("conditions") or (), "status")
    describe_volumes(sheet, spec)
    if status.get("qosClass"):
        sheet.value("QoS Class", status["qosClass"])
    sheet.pairs("Node-Selectors", spec.get("nodeSelector"))
    sheet.values("Tolerations", tolerations(spec))


def _describe_phase(sheet: Sheet, facts: Facts, metadata: Body, status: Body) -> None:
    if metadata.get("deletionTimestamp"):
        late = facts.now - parse_rfc3339(metadata["deletionTimestamp"])
        sheet.value("Status", f"Terminating (lasts {human_duration(max(0.0, late))})")
        sheet.value("Termination Grace Period", f"{metadata.get('deletionGracePeriodSeconds', 0)}s")
    else:
        sheet.value("Status", status.get("phase", "Pending"))
    for name, field in (("Reason", "reason"), ("Message", "message")):
        if status.get(field):
            sheet.value(name, status[field])


def _describe_addresses(sheet: Sheet, status: Body) -> None:
    addresses = status.get("podIPs") or ()
    if not addresses:
        sheet.value("IPs", NONE)
        return
    sheet.line("IPs:")
    for address in addresses:
        sheet.value("IP", address.get("ip", ""), 1)
