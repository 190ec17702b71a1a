"""ResourceQuotas: how much of what a namespace may hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.api import names
from kube_actors.api.quantity import Quantity
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.records import frozen

SCOPES = (
    "BestEffort",
    "CrossNamespacePodAffinity",
    "NotBestEffort",
    "NotTerminating",
    "PriorityClass",
    "Terminating",
    "VolumeAttributesClass",
)
CONFLICTING = (("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating"))
WHOLE = frozenset({"configmaps", "persistentvolumeclaims", "pods", "replicationcontrollers", "resourcequotas"}) | {
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
}
COMPUTE = frozenset({"cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"})
STORAGE = frozenset({"ephemeral-storage", "limits.ephemeral-storage", "requests.ephemeral-storage", "requests.storage"})
STANDARD = WHOLE | COMPUTE | STORAGE
HUGE_PAGES = ("hugepages-", "requests.hugepages-")
OF_CLAIMS = frozenset({"persistentvolumeclaims", "requests.storage"})


@frozen(weakref_slot=False)
class QuotaFacts:
    """The spec, which every write in the namespace is held against."""

    spec: Mapping[str, Any]


def _facts(body: Mapping[str, Any]) -> QuotaFacts:
    return QuotaFacts(body.get("spec") or {})


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec = new.get("spec") or {}
    found = []
    for name, amount in (spec.get("hard") or {}).items():
        found += _hard(name, amount, f"spec.hard[{name}]")
    found += _scopes(spec)
    before = (old or {}).get("spec") or {}
    if old is not None and sorted(spec.get("scopes") or ()) != sorted(before.get("scopes") or ()):
        found.append(causes.immutable("spec.scopes", spec.get("scopes")))
    if old is not None and spec.get("scopeSelector") != before.get("scopeSelector"):
        found.append(causes.immutable("spec.scopeSelector", spec.get("scopeSelector")))
    return found


def _hard(name: str, amount: Any, field: str) -> list[Cause]:
    found = [causes.invalid(field, name, why) for why in names.qualified_name(name)]
    if not found and "/" not in name and name not in STANDARD and not name.startswith(HUGE_PAGES):
        found.append(causes.invalid(field, name, "must be a standard resource for quota"))
    quantity = Quantity.parse(amount)
    if quantity.nano < 0:
        found.append(causes.invalid(field, str(quantity), "must be greater than or equal to 0"))
    if (name in WHOLE or name.startswith("count/")) and quantity != Quantity.of(quantity.value):
        found.append(causes.invalid(field, str(quantity), "must be an integer"))
    return found


def _scopes(spec: Body) -> list[Cause]:
    found = []
    scopes = spec.get("scopes") or []
    for scope in scopes:
        if scope not in SCOPES:
            found.append(causes.invalid("spec.scopes", scopes, "unsupported scope"))
        for name in spec.get("hard") or {}:
            if name in STANDARD and not _can_be_scoped(name, scope):
                found.append(causes.invalid("spec.scopes", scopes, "unsupported scope applied to resource"))
    for pair in CONFLICTING:
        if set(pair) <= set(scopes):
            found.append(causes.invalid("spec.scopes", scopes, "conflicting scopes"))
    for index, term in enumerate((spec.get("scopeSelector") or {}).get("matchExpressions") or ()):
        found += _term(term, f"spec.scopeSelector.matchExpressions[{index}]")
    return found


def _can_be_scoped(name: str, scope: str) -> bool:
    """Scopes are about pods and what they compute with, or about claims; those of best effort ask for nothing."""
    match scope:
        case "BestEffort":
            return name == "pods"
        case "VolumeAttributesClass":
            return name in OF_CLAIMS
        case _:
            return scope not in SCOPES or name == "pods" or name in COMPUTE


def _term(term: Body, field: str) -> list[Cause]:
    scope, operator, values = term.get("scopeName"), term.get("operator"), term.get("values")
    if scope not in SCOPES:
        return [causes.invalid(f"{field}.scopeName", scope, "unsupported scope")]
    if scope not in ("PriorityClass", "VolumeAttributesClass") and operator != "Exists":
        why = "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
        why += "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or "
        why += "ResourceQuotaScopeCrossNamespacePodAffinity"
        return [causes.invalid(f"{field}.operator", operator, why)]
    if operator in ("In", "NotIn") and not values:
        return [causes.required(f"{field}.values", "must be at least one value when `operator` is 'In' or 'NotIn'")]
    if operator in ("Exists", "DoesNotExist") and values:
        why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
        return [causes.invalid(f"{field}.values", values, why)]
    if operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
        return [causes.invalid(f"{field}.operator", operator, "not a valid selector operator")]
    return []


HOOKS = Hooks(validate=_validate, project=_facts, generation=None)
