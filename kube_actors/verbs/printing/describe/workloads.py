"""Deployments and ReplicaSets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from kube_actors.plan.rollout.revisions import plain_template
from kube_actors.verbs.printing.describe.facts import Body, Facts
from kube_actors.verbs.printing.describe.parts import (
    controlled_by,
    describe_conditions,
    describe_labels,
    selector_text,
)
from kube_actors.verbs.printing.sheet import NONE, Sheet
from kube_actors.verbs.printing.templates import describe_template, time_text


def describe_deployment(sheet: Sheet, facts: Facts) -> None:
    """A Deployment, with its ReplicaSets."""
    metadata, spec, status = facts.body["metadata"], facts.body["spec"], facts.body.get("status") or {}
    sheet.value("Name", metadata["name"])
    sheet.value("Namespace", metadata.get("namespace", ""))
    sheet.value("CreationTimestamp", time_text(metadata.get("creationTimestamp")))
    describe_labels(sheet, metadata)
    sheet.value("Selector", selector_text(spec.get("selector")))
    counts = [
        f"{spec.get('replicas', 1)} desired",
        f"{status.get('updatedReplicas', 0)} updated",
        f"{status.get('replicas', 0)} total",
        f"{status.get('availableReplicas', 0)} available",
        f"{status.get('unavailableReplicas', 0)} unavailable",
    ]
    sheet.value("Replicas", " | ".join(counts))
    strategy = spec.get("strategy") or {}
    sheet.value("StrategyType", strategy.get("type", ""))
    sheet.value("MinReadySeconds", spec.get("minReadySeconds", 0))
    if rolling := strategy.get("rollingUpdate"):
        amounts = f"{rolling.get('maxUnavailable')} max unavailable, {rolling.get('maxSurge')} max surge"
        sheet.value("RollingUpdateStrategy", amounts)
    describe_template(sheet, spec["template"])
    describe_conditions(sheet, status.get("conditions") or (), "status", "reason")
    _describe_replica_sets(sheet, spec["template"], facts.replica_sets)


def _describe_replica_sets(sheet: Sheet, template: Body, replica_sets: Iterable[Body]) -> None:
    wanted = plain_template(template)
    new = [each for each in replica_sets if plain_template(each["spec"]["template"]) == wanted]
    old = [each for each in replica_sets if each not in new]
    sheet.value("OldReplicaSets", _named(old))
    sheet.value("NewReplicaSet", _named(new))


def _named(replica_sets: Iterable[Body]) -> str:
    return (
        ", ".join(
            f"{each['metadata']['name']} "
            f"({(each.get('status') or {}).get('replicas', 0)}/{each['spec'].get('replicas', 0)} replicas created)"
            for each in replica_sets
        )
        or NONE
    )


def describe_replica_set(sheet: Sheet, facts: Facts) -> None:
    """A ReplicaSet, with how its pods are."""
    metadata, spec, status = facts.body["metadata"], facts.body["spec"], facts.body.get("status") or {}
    sheet.value("Name", metadata["name"])
    sheet.value("Namespace", metadata.get("namespace", ""))
    sheet.value("Selector", selector_text(spec.get("selector")))
    describe_labels(sheet, metadata)
    if owner := controlled_by(metadata):
        sheet.value("Controlled By", owner)
    sheet.value("Replicas", f"{status.get('replicas', 0)} current / {spec.get('replicas', 0)} desired")
    phases = Counter((pod.get("status") or {}).get("phase", "Pending") for pod in facts.pods)
    shown = [f"{phases[phase]} {phase}" for phase in ("Running", "Pending", "Succeeded")]
    sheet.value("Pods Status", " / ".join([*shown, f"{phases['Failed']} Failed"]).replace("Pending", "Waiting"))
    describe_template(sheet, spec["template"])
    describe_conditions(sheet, status.get("conditions") or (), "status", "reason")
