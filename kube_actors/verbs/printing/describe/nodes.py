"""Nodes, with the pods they run and what those were promised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from kube_actors.api.quantity import total
from kube_actors.kinds.columns import age
from kube_actors.verbs.printing.describe.facts import Body, Facts
from kube_actors.verbs.printing.describe.parts import describe_conditions, describe_labels
from kube_actors.verbs.printing.describe.resources import pod_amount, share
from kube_actors.verbs.printing.sheet import NONE, UNSET, Sheet
from kube_actors.verbs.printing.templates import time_text

_ROLE = "node-role.kubernetes.io/"
_RESOURCES = ("cpu", "memory", "ephemeral-storage")
_KINDS: Final[tuple[Literal["requests"], Literal["limits"]]] = ("requests", "limits")
_SYSTEM = (
    ("Machine ID", "machineID"),
    ("System UUID", "systemUUID"),
    ("Boot ID", "bootID"),
    ("Kernel Version", "kernelVersion"),
    ("OS Image", "osImage"),
    ("Operating System", "operatingSystem"),
    ("Architecture", "architecture"),
    ("Container Runtime Version", "containerRuntimeVersion"),
    ("Kubelet Version", "kubeletVersion"),
)


def describe_node(sheet: Sheet, facts: Facts) -> None:
    """A node."""
    metadata, spec, status = facts.body["metadata"], facts.body.get("spec") or {}, facts.body.get("status") or {}
    sheet.value("Name", metadata["name"])
    roles = sorted(key.removeprefix(_ROLE) for key in metadata.get("labels") or {} if key.startswith(_ROLE))
    sheet.value("Roles", ",".join(roles) or NONE)
    describe_labels(sheet, metadata)
    sheet.value("CreationTimestamp", time_text(metadata.get("creationTimestamp")))
    sheet.values("Taints", sorted(map(_taint, spec.get("taints") or ())))
    sheet.value("Unschedulable", str(bool(spec.get("unschedulable"))).lower())
    _describe_lease(sheet, facts.lease)
    _describe_conditions(sheet, status)
    sheet.line("Addresses:")
    for address in status.get("addresses") or ():
        sheet.value(address.get("type", ""), address.get("address", ""), 1)
    for title, field in (("Capacity", "capacity"), ("Allocatable", "allocatable")):
        amounts = status.get(field) or {}
        sheet.line(f"{title}:")
        for name in sorted(amounts):
            sheet.value(name, amounts[name], 1)
    sheet.line("System Info:")
    info = status.get("nodeInfo") or {}
    for title, field in _SYSTEM:
        sheet.value(title, info.get(field, ""), 1)
    if spec.get("podCIDR"):
        sheet.value("PodCIDR", spec["podCIDR"])
    running = [pod for pod in facts.pods if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")]
    _describe_pods(sheet, facts, running, status)


def _taint(taint: Body) -> str:
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint.get('key', '')}{value}:{taint.get('effect', '')}"


def _describe_lease(sheet: Sheet, lease: Body | None) -> None:
    sheet.line("Lease:")
    spec = (lease or {}).get("spec") or {}
    sheet.value("HolderIdentity", spec.get("holderIdentity") or UNSET, 1)
    sheet.value("AcquireTime", time_text(spec["acquireTime"]) if spec.get("acquireTime") else UNSET, 1)
    sheet.value("RenewTime", time_text(spec["renewTime"]) if spec.get("renewTime") else UNSET, 1)


def _describe_conditions(sheet: Sheet, status: Body) -> None:
    conditions = [
        {
            **condition,
            "lastHeartbeatTime": time_text(condition.get("lastHeartbeatTime")),
            "lastTransitionTime": time_text(condition.get("lastTransitionTime")),
        }
        for condition in status.get("conditions") or ()
    ]
    describe_conditions(sheet, conditions, "status", "lastHeartbeatTime", "lastTransitionTime", "reason", "message")


def _describe_pods(sheet: Sheet, facts: Facts, pods: Sequence[Body], status: Body) -> None:
    allocatable = status.get("allocatable") or {}
    titles = ("Namespace", "Name", "CPU Requests", "CPU Limits", "Memory Requests", "Memory Limits", "Age")
    sheet.value("Non-terminated Pods", f"({len(pods)} in total)")
    sheet.row(titles, 1)
    sheet.row(("-" * len(title) for title in titles), 1)
    for pod in pods:
        metadata = pod["metadata"]
        amounts = [
            share(pod_amount(pod["spec"], kind, name), allocatable.get(name))
            for name in ("cpu", "memory")
            for kind in _KINDS
        ]
        sheet.row((metadata.get("namespace", ""), metadata["name"], *amounts, age(dict(pod), facts.now)), 1)
    sheet.line("Allocated resources:")
    sheet.line("(Total limits may be over 100 percent, i.e., overcommitted.)", 1)
    sheet.row(("Resource", "Requests", "Limits"), 1)
    sheet.row(("--------", "--------", "------"), 1)
    for name in _RESOURCES:
        sums = [total(pod_amount(pod["spec"], kind, name) for pod in pods) for kind in _KINDS]
        sheet.row((name, *(share(amount, allocatable.get(name)) for amount in sums)), 1)
