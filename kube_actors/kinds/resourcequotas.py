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
    if (name in WHOLE or _is_extended(name)) and quantity != Quantity.of(quantity.value):
        found.append(causes.invalid(field, str(quantity), "must be an integer"))
    return found


def _is_extended(name: str) -> bool:
    """Whether somebody else than Kubernetes counts it; `count/…` and storage of a class go by the same rule."""
    return "/" in name and "kubernetes.io/" not in name and not name.startswith("requests.")


def _scopes(spec: Body) -> list[Cause]:
    """The scopes a quota lists, and those its selector names; both are held against what is counted."""
    scopes, selector = spec.get("scopes") or [], spec.get("scopeSelector") or {}
    found = []
    for scope in scopes:
        if scope not in SCOPES:
            found.append(causes.invalid("spec.scopes", scopes, "unsupported scope"))
        found += _applied(spec, scope, "spec.scopes", scopes)
    found += _conflicts(scopes, "spec.scopes", scopes)
    place, terms = "spec.scopeSelector.matchExpressions", selector.get("matchExpressions") or []
    for term in terms:
        found += _term(term, place)
        found += _applied(spec, term.get("scopeName", ""), place, selector)
    return found + _conflicts([term.get("scopeName", "") for term in terms], place, spec.get("scopes"))


def _applied(spec: Body, scope: str, field: str, shown: Any) -> list[Cause]:
    """Everything that is counted but cannot be of this scope."""
    counted = [name for name in sorted(spec.get("hard") or {}) if name in STANDARD or name.startswith(HUGE_PAGES)]
    why = "unsupported scope applied to resource"
    return [causes.invalid(field, shown, why) for name in counted if not _can_be_scoped(name, scope)]


def _conflicts(scopes: list[str], field: str, shown: Any) -> list[Cause]:
    return [causes.invalid(field, shown, "conflicting scopes") for pair in CONFLICTING if set(pair) <= set(scopes)]


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
    """One scope of a selector. As in Kubernetes, its place in the list is not said."""
    scope, operator, values = term.get("scopeName", ""), term.get("operator", ""), term.get("values")
    found = [] if scope in SCOPES else [causes.invalid(f"{field}.scopeName", scope, "unsupported scope")]
    if scope in SCOPES and scope not in ("PriorityClass", "VolumeAttributesClass") and operator != "Exists":
        why = "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
        why += "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or "
        why += "ResourceQuotaScopeCrossNamespacePodAffinity"
        found.append(causes.invalid(f"{field}.operator", operator, why))
    if operator in ("In", "NotIn") and not values:
        why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
        found.append(causes.required(f"{field}.values", why))
    elif operator in ("Exists", "DoesNotExist") and values:
        why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
        found.append(causes.invalid(f"{field}.values", values, why))
    elif operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
        found.append(causes.invalid(f"{field}.operator", operator, "not a valid selector operator"))
    return found


def _validate_status(new: Body, _old: Body) -> list[Cause]:
    """What is counted, and how much of it there is."""
    status = new.get("status") or {}
    return [
        cause
        for part in ("hard", "used")
        for name, amount in (status.get(part) or {}).items()
        for cause in _hard(name, amount, f"status.{part}[{name}]")
    ]


HOOKS = Hooks(
    validate=_validate,
    validate_subresource={"status": _validate_status},
    project=_facts,
    generation=None,
)
