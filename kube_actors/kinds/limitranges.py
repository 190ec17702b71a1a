"""LimitRanges: what containers, pods and claims of a namespace may ask for, and what they ask for by default."""

from __future__ import annotations

from typing import Any

from kube_actors.api import names
from kube_actors.api.quantity import Quantity
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.pod_amounts import Amounts, amounts_of

CONTAINER, POD, CLAIM = "Container", "Pod", "PersistentVolumeClaim"
ONE = Quantity.of(1)


def _default(body: Body) -> None:
    """A container's default limit is its maximum; its default request that limit, or the minimum."""
    for item in (body.get("spec") or {}).get("limits") or ():
        if item.get("type") != CONTAINER:
            continue
        limit: dict[str, Any] = {**(item.get("max") or {}), **(item.get("default") or {})}
        request = {**(item.get("min") or {}), **limit, **(item.get("defaultRequest") or {})}
        for name, value in (("default", limit), ("defaultRequest", request)):
            if value:
                item[name] = value


def _validate(new: Body, old: Body | None) -> list[Cause]:
    found = []
    taken: set[str] = set()
    for index, item in enumerate((new.get("spec") or {}).get("limits") or ()):
        field, kind = f"spec.limits[{index}]", item.get("type", "")
        found += [causes.invalid(f"{field}.type", kind, why) for why in names.qualified_name(kind)]
        if "/" not in kind and kind not in (CONTAINER, POD, CLAIM):
            found.append(causes.invalid(f"{field}.type", kind, "must be a standard limit type or fully qualified"))
        if kind in taken:
            found.append(causes.duplicate(f"{field}.type", kind))
        taken.add(kind)
        found += _item(item, kind, field)
    return found


def _item(item: Body, kind: str, field: str) -> list[Cause]:
    found = []
    if kind == POD:
        for name in ("default", "defaultRequest"):
            if item.get(name):
                found.append(causes.forbidden(f"{field}.{name}", "may not be specified when `type` is 'Pod'"))
    if kind == CLAIM and "storage" not in {**(item.get("min") or {}), **(item.get("max") or {})}:
        why = "either minimum or maximum storage value is required, but neither was provided"
        found.append(causes.required(f"{field}.limits", why))
    lists = {name: amounts_of(item.get(name)) for name in ("min", "max", "default", "defaultRequest")}
    ratios = amounts_of(item.get("maxLimitRequestRatio"))
    for resource in sorted({*ratios, *(name for amounts in lists.values() for name in amounts)}):
        found += _order(lists, resource, field) + _ratio(ratios, lists, resource, field)
    return found


_PAIRS = (
    ("min", "max", "min value {} is greater than max value {}"),
    ("min", "defaultRequest", "min value {} is greater than default request value {}"),
    ("defaultRequest", "max", "default request value {} is greater than max value {}"),
    ("defaultRequest", "default", "default request value {} is greater than default limit value {}"),
    ("min", "default", "min value {} is greater than default value {}"),
    ("default", "max", "default value {} is greater than max value {}"),
)


def _order(lists: dict[str, Amounts], resource: str, field: str) -> list[Cause]:
    """min ≤ defaultRequest ≤ default ≤ max."""
    found = []
    for lower, upper, words in _PAIRS:
        low, high = lists[lower].get(resource), lists[upper].get(resource)
        if low is not None and high is not None and low > high:
            found.append(causes.invalid(f"{field}.{lower}[{resource}]", str(low), words.format(low, high)))
    return found


def _ratio(ratios: Amounts, lists: dict[str, Amounts], resource: str, field: str) -> list[Cause]:
    ratio = ratios.get(resource)
    if ratio is None:
        return []
    place = f"{field}.maxLimitRequestRatio[{resource}]"
    if ratio < ONE:
        return [causes.invalid(place, str(ratio), f"ratio {ratio} is less than 1")]
    low, high = lists["min"].get(resource), lists["max"].get(resource)
    if low and high is not None and float(ratio) > (most := float(high) / float(low)):
        return [causes.invalid(place, str(ratio), f"ratio {ratio} is greater than max/min = {most:f}")]
    return []


HOOKS = Hooks(default=_default, validate=_validate, generation=None)
