"""What an object uses of a namespace's ResourceQuotas, and which quotas it counts for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from kube_actors.api.quantity import Quantity
from kube_actors.api.times import parse_rfc3339
from kube_actors.kinds.pod_amounts import Amounts, amounts_of, container_amounts, containers_of, pod_amounts
from kube_actors.kinds.pod_qos import qos_class

ONE = Quantity.of(1)
BY_PLAIN_NAME = frozenset(
    {"configmaps", "persistentvolumeclaims", "replicationcontrollers", "resourcequotas", "secrets", "services"}
)
"""Resources that a quota may also name without `count/`."""
MUST_BE_SAID = ("cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory")
"""Under a quota for one of these every container has to say what it wants of it."""
STANDARD = ("cpu", "memory", "ephemeral-storage")
STORAGE_CLASS = ".storageclass.storage.k8s.io/"
MEASURED = frozenset({"persistentvolumeclaims", "pods", "resourceclaims.resource.k8s.io", "services"})
"""Resources of which quotas count more than their number."""
DEVICE_CLASS = ".deviceclass.resource.k8s.io/devices"
ALL_DEVICES = 32
"""What a request for all devices counts as: no claim is ever given more."""
Body = Mapping[str, Any]


def usage_of(resource: str, body: Body, now: float = 0.0) -> Amounts:
    """By the names quotas use: `pods`, `requests.cpu`, `count/deployments.apps`, …

    A pod that is over, or by `now` (epoch seconds) long should be, only counts as an object.
    """
    usage: Amounts = {f"count/{resource}": ONE}
    if resource in BY_PLAIN_NAME:
        usage[resource] = ONE
    spec = body.get("spec") or {}
    match resource:
        case "pods" if not _is_over(body) and not now > gives_up_at(body):
            usage["pods"] = ONE
            usage |= _computed(pod_amounts(spec, "requests"), pod_amounts(spec, "limits"))
        case "services":
            usage |= _service(spec)
        case "persistentvolumeclaims":
            usage |= _claim(spec, body.get("status") or {})
        case "resourceclaims.resource.k8s.io":
            usage |= _devices(spec)
    return usage


def _is_over(pod: Body) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def gives_up_at(pod: Body) -> float:
    """When a pod that is being deleted stops to count (epoch seconds; never: infinity): as long after its time as it
    was given. Its node may be lost, and others are to take its place."""
    metadata = pod["metadata"]
    deleted, grace = metadata.get("deletionTimestamp"), metadata.get("deletionGracePeriodSeconds")
    return math.inf if deleted is None or grace is None else parse_rfc3339(deleted) + grace


def _computed(requests: Amounts, limits: Amounts) -> Amounts:
    usage: Amounts = {}
    for name, amount in requests.items():
        if name in STANDARD or name.startswith("hugepages-"):
            usage[name] = amount
        if name in STANDARD or name.startswith("hugepages-") or "/" in name:
            usage[f"requests.{name}"] = amount
    for name, amount in limits.items():
        if name in STANDARD:
            usage[f"limits.{name}"] = amount
    return usage


def _service(spec: Body) -> Amounts:
    ports, kind = spec.get("ports") or (), spec.get("type")
    if kind == "NodePort":
        return {"services.nodeports": Quantity.of(len(ports))}
    if kind != "LoadBalancer":
        return {}
    allocates = spec.get("allocateLoadBalancerNodePorts", True)
    given = len(ports) if allocates else sum(bool(port.get("nodePort")) for port in ports)
    return {"services.loadbalancers": ONE, "services.nodeports": Quantity.of(given)}


def _claim(spec: Body, status: Body) -> Amounts:
    """Storage counts in whole bytes; while a volume grows, what is being allocated to it counts if it is more."""
    usage: Amounts = {}
    storage, kind = container_amounts(spec, "requests").get("storage"), spec.get("storageClassName")
    if kind:
        usage[f"{kind}{STORAGE_CLASS}persistentvolumeclaims"] = ONE
    if storage is not None:
        allocated = amounts_of(status.get("allocatedResources")).get("storage", storage)
        storage = max(storage, allocated)
        storage = Quantity.of(storage.value, storage.format)
        usage["requests.storage"] = storage
        if kind:
            usage[f"{kind}{STORAGE_CLASS}requests.storage"] = storage
    return usage


def _devices(spec: Body) -> Amounts:
    """Devices by class; of alternatives (`firstAvailable`) the most that any could take of each class."""
    usage: Amounts = {}
    for request in (spec.get("devices") or {}).get("requests") or ():
        most: dict[str, int] = {}
        for choice in request.get("firstAvailable") or (request.get("exactly") or {},):
            name = f"{choice.get('deviceClassName', '')}{DEVICE_CLASS}"
            wanted = ALL_DEVICES if choice.get("allocationMode") == "All" else choice.get("count", 1)
            most[name] = max(most.get(name, 0), wanted)
        for name, count in most.items():
            usage[name] = usage.get(name, Quantity(0)) + Quantity.of(count)
    return usage


def unsaid(pod: Body, hard: Iterable[str]) -> str:
    """What containers of a pod leave out that a quota counts: `must specify limits.cpu for: a,b; …`, or nothing.

    A pod that says what it wants as a whole leaves nothing out.
    """
    spec = pod.get("spec") or {}
    if any((spec.get("resources") or {}).get(which) for which in ("requests", "limits")):
        return ""
    required = [name for name in sorted(hard) if name in MUST_BE_SAID]
    missing: dict[str, set[str]] = {}
    for container, _ in containers_of(spec):
        said = _computed(container_amounts(container, "requests"), container_amounts(container, "limits"))
        for name in required:
            if name not in said:
                missing.setdefault(name, set()).add(container.get("name", ""))
    listed = "; ".join(f"{name} for: {','.join(sorted(missing[name]))}" for name in sorted(missing))
    return f"must specify {listed}" if listed else ""


def counts_for(quota: Body, resource: str, body: Body) -> bool:
    """Whether a quota with this spec is about the object: all its scopes must hold; only pods and claims have any."""
    selected = (quota.get("scopeSelector") or {}).get("matchExpressions") or ()
    scopes = [*({"scopeName": name, "operator": "Exists"} for name in quota.get("scopes") or ()), *selected]
    match resource:
        case "pods":
            return all(_in_scope(scope, body.get("spec") or {}) for scope in scopes)
        case "persistentvolumeclaims":
            return all(_claim_in_scope(scope, body) for scope in scopes)
    return not scopes


def _claim_in_scope(scope: Body, claim: Body) -> bool:
    """By the attribute classes a claim has, wants and is on its way to: while it changes, it counts for several."""
    spec, status = claim.get("spec") or {}, claim.get("status") or {}
    target = (status.get("modifyVolumeStatus") or {}).get("targetVolumeAttributesClassName")
    named = {spec.get("volumeAttributesClassName"), status.get("currentVolumeAttributesClassName"), target}
    classes = {name for name in named if name} or {""}
    return scope.get("scopeName") == "VolumeAttributesClass" and any(_in_class(scope, name) for name in classes)


def _in_scope(scope: Body, spec: Body) -> bool:
    match scope.get("scopeName"):
        case "Terminating":
            return spec.get("activeDeadlineSeconds") is not None
        case "NotTerminating":
            return spec.get("activeDeadlineSeconds") is None
        case "BestEffort":
            return qos_class(dict(spec)) == "BestEffort"
        case "NotBestEffort":
            return qos_class(dict(spec)) != "BestEffort"
        case "CrossNamespacePodAffinity":
            return _reaches_out(spec)
        case "PriorityClass":
            return _in_class(scope, spec.get("priorityClassName") or "")
    return False


def _in_class(scope: Body, name: str) -> bool:
    values = scope.get("values") or ()
    match scope.get("operator"):
        case "In":
            return name in values
        case "NotIn":
            return name not in values
        case "Exists":
            return name != ""
        case "DoesNotExist":
            return name == ""
    return False


def _reaches_out(spec: Body) -> bool:
    """Whether an affinity term looks at pods of other namespaces."""
    affinity = spec.get("affinity") or {}
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(kind) or {}
        terms = list(rules.get("requiredDuringSchedulingIgnoredDuringExecution") or ())
        preferred = rules.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        terms += [each.get("podAffinityTerm") or {} for each in preferred]
        if any(term.get("namespaces") or term.get("namespaceSelector") is not None for term in terms):
            return True
    return False
