"""What containers and pods may not ask for of cpu, memory and other resources."""

from __future__ import annotations

from typing import Any, Final

from kube_actors.api import names
from kube_actors.api.quantity import Quantity
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body

PLAIN_RESOURCES: Final = ("cpu", "memory", "ephemeral-storage")
RESIZABLE: Final = ("cpu", "memory")
RESIZE_POLICIES: Final = ("NotRequired", "RestartContainer")
_DECIMAL, _BINARY = ("1", "1k", "1M", "1G", "1T", "1P", "1E"), ("1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
# Resource -> units its amount may be given in to programs, and what it is called in the message.
_DIVISORS: Final = {
    "cpu": (("1m", "1"), "cpu resource"),
    "memory": ((*_DECIMAL, *_BINARY), "memory resource"),
    "ephemeral-storage": ((*_DECIMAL, *_BINARY), "local ephemeral storage resource"),
    "hugepages": ((*_DECIMAL, *_BINARY), "hugepages resource"),
}


def resources_rules(resources: Body, field: str, claims: frozenset[str] | None = None) -> list[Cause]:
    """Known resources, amounts that are not negative, no request above its limit.

    `claims` are the names of the pod's claims, which `resources.claims` may name; None: nobody asks.
    """
    found = []
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for kind, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts.items():
            place = f"{field}.{kind}[{name}]"
            found += _resource_name(name, place)
            found += _amount(name, amount, place)
    for name, amount in requests.items():
        found += _request(name, Quantity.parse(amount), limits.get(name), field)
    amounts = {*limits, *requests}
    if any(name.startswith("hugepages-") for name in amounts) and not amounts & {"cpu", "memory"}:
        found.append(causes.forbidden(field, "HugePages require cpu or memory"))
    return found if claims is None else found + _claims(resources.get("claims") or (), f"{field}.claims", claims)


def is_extended(name: str) -> bool:
    """Whether somebody else than Kubernetes counts the resource: `example.com/gpu`."""
    is_native = "/" not in name or "kubernetes.io/" in name
    return not is_native and not name.startswith("requests.") and not names.qualified_name(f"requests.{name}")


def _request(name: str, requested: Quantity, limit: Any, field: str) -> list[Cause]:
    """Against its limit; what cannot be shared out twice needs one that is the same."""
    is_shared_out = "/" not in name and not name.startswith("hugepages-")
    if limit is None:
        why = "Limit must be set for non overcommitable resources"
        return [] if is_shared_out else [causes.required(f"{field}.limits[{name}]", why)]
    most = Quantity.parse(limit)
    if requested > most:
        why = f"must be less than or equal to {name} limit of {most}"
    elif not is_shared_out and requested != most:
        why = f"must be equal to {name} limit of {most}"
    else:
        return []
    return [causes.invalid(f"{field}.requests", str(requested), why)]


def _claims(claims: Any, field: str, known: frozenset[str]) -> list[Cause]:
    found, taken = [], set()
    for index, claim in enumerate(claims):
        name = claim.get("name", "")
        if not name:
            found.append(causes.required(f"{field}[{index}]"))
        elif (name, claim.get("request")) in taken:
            found.append(causes.duplicate(f"{field}[{index}]", name))
        elif name not in known:
            found.append(causes.not_found(f"{field}[{index}].name", name))
        taken.add((name, claim.get("request")))
    return found


def _resource_name(name: str, field: str) -> list[Cause]:
    found = [causes.invalid(field, name, why) for why in names.qualified_name(name)]
    if not found and "/" not in name and name not in PLAIN_RESOURCES and not name.startswith("hugepages-"):
        return [causes.invalid(field, name, "must be a standard resource for containers")]
    return found


def _amount(name: str, amount: Any, field: str) -> list[Cause]:
    quantity = Quantity.parse(amount)
    if quantity.nano < 0:
        return [causes.invalid(field, str(quantity), "must be greater than or equal to 0")]
    if name not in PLAIN_RESOURCES and quantity.nano % 10**9:
        return [causes.invalid(field, str(quantity), "must be an integer")]
    return []


def resize_policy_rules(policies: Any, field: str, restart_policy: Any) -> list[Cause]:
    """What happens to a container whose resources change; `restart_policy` is its pod's."""
    found, taken = [], set()
    for index, policy in enumerate(policies or ()):
        name = policy.get("resourceName", "")
        if name in taken:
            found.append(causes.duplicate(f"{field}[{index}]", name))
        taken.add(name)
        if name not in RESIZABLE:
            found.append(causes.not_supported(field, name, RESIZABLE) if name else causes.required(field))
        if not policy.get("restartPolicy"):
            found.append(causes.required(field))
        elif policy["restartPolicy"] not in RESIZE_POLICIES:
            found.append(causes.not_supported(field, policy["restartPolicy"], RESIZE_POLICIES))
        if policy.get("restartPolicy") == "RestartContainer" and restart_policy == "Never":
            why = "must be 'NotRequired' when `restartPolicy` is 'Never'"
            found.append(causes.invalid(field, "RestartContainer", why))
    return found


def divisor_rules(resource: str, divisor: Any, field: str) -> list[Cause]:
    """The unit in which a program is told of an amount (`limits.cpu`)."""
    name = resource.partition(".")[2]
    units, called = _DIVISORS.get("hugepages" if name.startswith("hugepages-") else name, ((), ""))
    if divisor in (None, "", "0", 0) or not units:
        return []
    if any(Quantity.parse(divisor) == Quantity.parse(unit) for unit in units):
        return []
    listed = f"{', '.join(units[:-1])}{' and' if len(units) == 2 else ','} {units[-1]}"
    why = f"only divisor's values {listed} are supported with the {called}"
    return [causes.invalid(field, name, why)]
