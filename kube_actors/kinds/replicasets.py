"""ReplicaSets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.facts import ReplicaSetFacts
from kube_actors.kinds.hooks import METADATA_FIELDS, Body, Hooks
from kube_actors.kinds.rules.statuses import counts, of_all
from kube_actors.kinds.workloads import (
    default_template,
    not_negative,
    selector_rules,
    template_rules,
)

REVISION_ANNOTATION = "deployment.kubernetes.io/revision"


def _default(body: Body) -> None:
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return
    spec.setdefault("replicas", 1)
    default_template(spec)


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec = new.get("spec")
    if not isinstance(spec, dict):
        return []  # the schema asks for it
    found = not_negative(spec, "replicas", "minReadySeconds") + selector_rules(spec) + template_rules(spec)
    if old is not None and spec.get("selector") != old["spec"].get("selector"):
        found.append(causes.immutable("spec.selector", spec.get("selector")))
    return found


def _facts(body: Mapping[str, Any]) -> ReplicaSetFacts:
    spec, status, metadata = body.get("spec") or {}, body.get("status") or {}, body["metadata"]
    revision = (metadata.get("annotations") or {}).get(REVISION_ANNOTATION, "")
    return ReplicaSetFacts(
        replicas=spec.get("replicas", 1),
        current=status.get("replicas", 0),
        ready=status.get("readyReplicas", 0),
        available=status.get("availableReplicas", 0),
        observed_generation=status.get("observedGeneration", 0),
        template_hash=(metadata.get("labels") or {}).get("pod-template-hash", ""),
        revision=int(revision) if revision.isdecimal() else 0,
    )


VALIDATE_STATUS = counts(
    *("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "terminatingReplicas"),
    "observedGeneration",
    order=(
        *of_all("fullyLabeledReplicas", "readyReplicas", "availableReplicas"),
        ("availableReplicas", "readyReplicas", "readyReplicas"),
    ),
)

HOOKS = Hooks(
    default=_default,
    validate=_validate,
    validate_subresource={"status": VALIDATE_STATUS},
    project=_facts,
    selectable_fields=(*METADATA_FIELDS, "status.replicas"),
)
