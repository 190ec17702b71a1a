"""StatefulSets."""

from __future__ import annotations

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.amounts import amount_rules
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.persistentvolumeclaims import default_claim
from kube_actors.kinds.rules.statuses import counts, of_all
from kube_actors.kinds.workloads import default_template, not_negative, selector_rules, template_rules

CHANGEABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)


def _default(body: Body) -> None:
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return
    spec.setdefault("podManagementPolicy", "OrderedReady")
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    strategy = spec.setdefault("updateStrategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        strategy.setdefault("rollingUpdate", {}).setdefault("partition", 0)
    retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
    retention.setdefault("whenDeleted", "Retain")
    retention.setdefault("whenScaled", "Retain")
    for claim in spec.get("volumeClaimTemplates") or ():
        claim.setdefault("apiVersion", "v1")
        claim.setdefault("kind", "PersistentVolumeClaim")
        default_claim(claim)
        claim.setdefault("status", {}).setdefault("phase", "Pending")
    default_template(spec)


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec = new.get("spec")
    if not isinstance(spec, dict):
        return []  # the schema asks for it
    found = not_negative(spec, "replicas", "minReadySeconds")
    found += (
        selector_rules(spec, "StatefulSet")
        + template_rules(spec, "StatefulSet")
        + _strategy(spec.get("updateStrategy") or {})
    )
    if spec.get("podManagementPolicy") not in ("OrderedReady", "Parallel"):
        why = "must be 'OrderedReady' or 'Parallel'"
        found.append(causes.invalid("spec.podManagementPolicy", spec.get("podManagementPolicy"), why))
    start = (spec.get("ordinals") or {}).get("start", 0)
    if start < 0:
        found.append(causes.invalid("spec.ordinals.start", start, "must be greater than or equal to 0"))
    for name, value in (spec.get("persistentVolumeClaimRetentionPolicy") or {}).items():
        if value not in ("Retain", "Delete"):
            field = f"spec.persistentVolumeClaimRetentionPolicy.{name}"
            found.append(causes.not_supported(field, value, ["Retain", "Delete"]))
    if old is not None and _fixed(spec) != _fixed(old["spec"]):
        listed = ", ".join(f"'{name}'" for name in CHANGEABLE[:-1]) + f" and '{CHANGEABLE[-1]}'"
        why = f"updates to statefulset spec for fields other than {listed} are forbidden"
        found.append(causes.forbidden("spec", why))
    return found


def _fixed(spec: Body) -> Body:
    """What may not change."""
    return {name: value for name, value in spec.items() if name not in CHANGEABLE}


def _strategy(strategy: Body) -> list[Cause]:
    kind, rolling = strategy.get("type"), strategy.get("rollingUpdate")
    if kind not in ("RollingUpdate", "OnDelete"):
        return [causes.invalid("spec.updateStrategy", strategy, "must be 'RollingUpdate' or 'OnDelete'")]
    if rolling is None:
        return []
    if kind == "OnDelete":
        why = "only allowed for updateStrategy 'RollingUpdate'"
        return [causes.invalid("spec.updateStrategy.rollingUpdate", rolling, why)]
    found = []
    partition = rolling.get("partition", 0)
    if partition < 0:
        field = "spec.updateStrategy.rollingUpdate.partition"
        found.append(causes.invalid(field, partition, "must be greater than or equal to 0"))
    if "maxUnavailable" in rolling:
        field = "spec.updateStrategy.rollingUpdate.maxUnavailable"
        found += amount_rules(field, rolling["maxUnavailable"], may_be_zero=False)
    return found


_validate_status = counts(
    *("replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"),
    *("observedGeneration", "collisionCount"),
    order=(
        *of_all("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"),
        ("availableReplicas", "readyReplicas", "status.readyReplicas"),
    ),
)

HOOKS = Hooks(
    default=_default,
    validate=_validate,
    validate_subresource={"status": _validate_status},
    name=names.dns1123_label,  # pods and their host names are made of it
)
