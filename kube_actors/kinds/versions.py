"""API versions other than those that are stored.

Old ones, which the API no longer serves, are converted on the way in (`convert`). Of kinds that are served in two
versions the store knows one; `as_version` translates on the way in and out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kube_actors.api.patches import clone
from kube_actors.api.registry import Resource
from kube_actors.api.schema import Schema
from kube_actors.records import frozen

Body = dict[str, Any]
MAXIMUM_INT = 2**31 - 1


@frozen
class Conversion:
    """Where an old version lives now, since when it is gone, and what it defaulted otherwise."""

    api_version: str
    removed_in: str
    adapt: Callable[[Body], None]


def _as_it_is(_body: Body) -> None:
    """The fields are equal."""


def _selector_from_labels(body: Body) -> None:
    spec = body.get("spec")
    if not isinstance(spec, dict) or spec.get("selector"):
        return
    template = spec.get("template")
    metadata = template.get("metadata") if isinstance(template, dict) else None
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    if isinstance(labels, dict) and labels:
        spec["selector"] = {"matchLabels": dict(labels)}
        body.setdefault("metadata", {}).setdefault("labels", dict(labels))


def _deployment_of_extensions(body: Body) -> None:
    """extensions/v1beta1 rolled one by one, kept every old ReplicaSet and never gave up."""
    _selector_from_labels(body)
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return
    spec.setdefault("revisionHistoryLimit", MAXIMUM_INT)
    spec.setdefault("progressDeadlineSeconds", MAXIMUM_INT)
    _rolling_defaults(spec, 1)
    _rollback_to(body, spec)


def _deployment_of_beta1(body: Body) -> None:
    """apps/v1beta1: two old ReplicaSets kept."""
    _selector_from_labels(body)
    spec = body.get("spec")
    if isinstance(spec, dict):
        spec.setdefault("revisionHistoryLimit", 2)
        _rollback_to(body, spec)


def _rolling_defaults(spec: Body, amount: int) -> None:
    strategy = spec.setdefault("strategy", {})
    if isinstance(strategy, dict) and strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        if isinstance(rolling, dict):
            rolling.setdefault("maxSurge", amount)
            rolling.setdefault("maxUnavailable", amount)


def _rollback_to(body: Body, spec: Body) -> None:
    """`spec.rollbackTo` became an annotation that carries the revision."""
    rollback = spec.pop("rollbackTo", None)
    if isinstance(rollback, dict):
        annotations = body.setdefault("metadata", {}).setdefault("annotations", {})
        annotations["deprecated.deployment.rollback.to"] = str(rollback.get("revision", 0))


CONVERSIONS: Mapping[tuple[str, str], Conversion] = {
    ("extensions/v1beta1", "Deployment"): Conversion("apps/v1", "v1.16", _deployment_of_extensions),
    ("extensions/v1beta1", "ReplicaSet"): Conversion("apps/v1", "v1.16", _selector_from_labels),
    ("extensions/v1beta1", "DaemonSet"): Conversion("apps/v1", "v1.16", _selector_from_labels),
    ("extensions/v1beta1", "NetworkPolicy"): Conversion("networking.k8s.io/v1", "v1.16", _as_it_is),
    ("apps/v1beta1", "Deployment"): Conversion("apps/v1", "v1.16", _deployment_of_beta1),
    ("apps/v1beta1", "StatefulSet"): Conversion("apps/v1", "v1.16", _selector_from_labels),
    ("apps/v1beta1", "ControllerRevision"): Conversion("apps/v1", "v1.16", _as_it_is),
    ("apps/v1beta2", "Deployment"): Conversion("apps/v1", "v1.16", _as_it_is),
    ("apps/v1beta2", "ReplicaSet"): Conversion("apps/v1", "v1.16", _as_it_is),
    ("apps/v1beta2", "DaemonSet"): Conversion("apps/v1", "v1.16", _as_it_is),
    ("apps/v1beta2", "StatefulSet"): Conversion("apps/v1", "v1.16", _as_it_is),
    ("apps/v1beta2", "ControllerRevision"): Conversion("apps/v1", "v1.16", _as_it_is),
    ("policy/v1beta1", "PodDisruptionBudget"): Conversion("policy/v1", "v1.25", _as_it_is),
    ("batch/v1beta1", "CronJob"): Conversion("batch/v1", "v1.25", _as_it_is),
    ("discovery.k8s.io/v1beta1", "EndpointSlice"): Conversion("discovery.k8s.io/v1", "v1.25", _as_it_is),
    ("coordination.k8s.io/v1beta1", "Lease"): Conversion("coordination.k8s.io/v1", "v1.22", _as_it_is),
    ("scheduling.k8s.io/v1beta1", "PriorityClass"): Conversion("scheduling.k8s.io/v1", "v1.22", _as_it_is),
    ("storage.k8s.io/v1beta1", "StorageClass"): Conversion("storage.k8s.io/v1", "v1.22", _as_it_is),
    ("node.k8s.io/v1beta1", "RuntimeClass"): Conversion("node.k8s.io/v1", "v1.25", _as_it_is),
    ("rbac.authorization.k8s.io/v1beta1", "Role"): Conversion("rbac.authorization.k8s.io/v1", "v1.22", _as_it_is),
    ("rbac.authorization.k8s.io/v1beta1", "RoleBinding"): Conversion(
        "rbac.authorization.k8s.io/v1", "v1.22", _as_it_is
    ),
    ("rbac.authorization.k8s.io/v1beta1", "ClusterRole"): Conversion(
        "rbac.authorization.k8s.io/v1", "v1.22", _as_it_is
    ),
    ("rbac.authorization.k8s.io/v1beta1", "ClusterRoleBinding"): Conversion(
        "rbac.authorization.k8s.io/v1", "v1.22", _as_it_is
    ),
}


def _drop_nulls(body: Body) -> None:
    """Null is not written; else what an old version defaults would be taken for given."""
    metadata, spec = body.get("metadata"), body.get("spec")
    strategy = spec.get("strategy") if isinstance(spec, dict) else None
    for part in (body, metadata, spec, strategy):
        if isinstance(part, dict):
            for name in [name for name, value in part.items() if value is None]:
                del part[name]


def convert(body: Body) -> tuple[Body, list[str]]:
    """A body in the version the cluster speaks, and a warning naming it; current bodies come back as they are."""
    old, kind = str(body.get("apiVersion", "")), str(body.get("kind", ""))
    conversion = CONVERSIONS.get((old, kind))
    if conversion is None:
        return body, []
    converted: Body = clone(body)
    converted["apiVersion"] = conversion.api_version
    _drop_nulls(converted)
    conversion.adapt(converted)
    gone = f"{old} {kind} is deprecated, unavailable in {conversion.removed_in}+; use {conversion.api_version} {kind}"
    return converted, [gone]


@frozen
class ServedVersions:
    """The versions a kind is served in, as `api/versioned_change` asks for them: `apiVersion` -> its resource."""

    rows: Mapping[str, Resource]

    def schema(self, api_version: str) -> Schema | None:
        """What objects look like in a version; None when it is not served."""
        row = self.rows.get(api_version)
        return None if row is None else row.schema

    def convert(self, body: Body, api_version: str) -> Body:
        """The object in a version that is served."""
        return body if len(self.rows) == 1 else as_version(body, self.rows[api_version])


def as_version(body: Body, resource: Resource) -> Body:
    """The object in the form of `resource`, its kind in one of the served versions; `body` itself when it has that.

    Nothing is lost on the way to a version and back. `body` is not changed.
    """
    if body.get("apiVersion") == resource.api_version:
        return body
    from kube_actors.kinds import autoscaler_versions, event_versions  # only these kinds have two versions

    match resource.type_name:
        case "events.v1.Event":
            return event_versions.to_events_group(body)
        case "core.v1.Event":
            return event_versions.to_core(body)
        case "autoscaling.v1.HorizontalPodAutoscaler":
            return autoscaler_versions.to_v1(body)
        case "autoscaling.v2.HorizontalPodAutoscaler":
            return autoscaler_versions.to_v2(body)
    return body
