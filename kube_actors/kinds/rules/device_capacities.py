"""Capacities of devices, and how much of one may be asked for when a device is shared."""

from __future__ import annotations

from typing import Any, Final

from kube_actors.api.quantity import Quantity
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.rules.lists import ItemRules

MOST_OPTIONS: Final = 10
"""Amounts that a policy may list."""
_ONE_POLICY: Final = (
    'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'
)


def capacity_rules(*, shared: bool) -> ItemRules:
    """The rules of a capacity of a device; only one that several claims may have tells what they may ask for."""

    def rules(capacity: Body, field: str) -> list[Cause]:
        policy, place = capacity.get("requestPolicy"), f"{field}.requestPolicy"
        if policy is None:
            return []
        if not shared:
            return [causes.forbidden(place, "allowMultipleAllocations must be true")]
        return _policy(policy, _amount(capacity.get("value")), place)

    return rules


def _amount(value: Any) -> Quantity:
    return Quantity.parse(value if value is not None else "0")


def _policy(policy: Body, most: Quantity, field: str) -> list[Cause]:
    values, bounds, default = policy.get("validValues"), policy.get("validRange"), policy.get("default")
    if values and bounds is not None:
        return [causes.forbidden(field, _ONE_POLICY)]
    if not values and bounds is None:
        return []
    name = "validValues" if values else "validRange"
    if default is None:
        return [causes.required(f"{field}.default", f"required when {name} is defined")]
    if values:
        return _values(values, _amount(default), most, f"{field}.{name}")
    return _range(bounds or {}, _amount(default), most, f"{field}.{name}")


def _values(values: list[Any], default: Quantity, most: Quantity, field: str) -> list[Cause]:
    """Amounts in ascending order, the default among them."""
    options = [_amount(value) for value in values]
    found = [
        causes.invalid(f"{field}[{at}]", str(option), "values must be sorted in ascending order")
        for at, option in enumerate(options)
        if at and options[at - 1] > option
    ]
    if len(options) > MOST_OPTIONS:
        found.append(causes.too_many(field, len(options), MOST_OPTIONS))
    else:
        why = f"option is larger than capacity value: {most}"
        found += [causes.invalid(f"{field}[{at}]", str(each), why) for at, each in enumerate(options) if each > most]
        found += [
            causes.duplicate(f"{field}[{at}]", str(each.value))
            for at, each in enumerate(options)
            if each.value in {other.value for other in options[:at]}
        ]
    if default not in options:
        found.append(causes.invalid(field, str(default), "default value is not valid according to the requestPolicy"))
    return found


def _range(bounds: Body, default: Quantity, most: Quantity, field: str) -> list[Cause]:
    """From the least amount to the highest, maybe in steps; the default lies on one."""
    if bounds.get("min") is None:
        return [causes.required(f"{field}.min", "required when validRange is defined")]
    least, found = _amount(bounds["min"]), []
    highest = None if bounds.get("max") is None else _amount(bounds["max"])

    def wrong(name: str, value: Quantity, why: str) -> None:
        found.append(causes.invalid(f"{field}.{name}", str(value), why))

    if least > most:
        wrong("min", least, f"min is larger than capacity value: {most}")
    if default < least:
        wrong("default", default, f"default is less than min: {least}")
    if highest is not None:
        if least > highest:
            wrong("max", least, f"min is larger than max: {highest}")
        if highest > most:
            wrong("max", highest, f"max is larger than capacity value: {most}")
        if default > highest:
            wrong("default", default, f"default is more than max: {highest}")
    if bounds.get("step") is not None:
        found += _step(_amount(bounds["step"]), (least, highest, default, most), f"{field}.step")
    return found


def _step(step: Quantity, amounts: tuple[Quantity, Quantity | None, Quantity, Quantity], field: str) -> list[Cause]:
    """`amounts` are the least, the highest, the default, and the whole capacity."""
    least, highest, default, most = amounts
    if step.nano <= 0:
        return [causes.invalid(field, str(step), "must be greater than zero")]
    found, first = [], least + step
    if first > most:
        why = f"one step {first} is larger than capacity value: {most}"
        found.append(causes.invalid(field, str(step), why))
    for amount in (default, highest):
        if amount is not None and (amount.value - least.value) % max(step.value, 1):
            why = f"value is not a multiple of a given step ({step}) from ({least})"
            found.append(causes.invalid(field, str(amount), why))
    return found
