"""Names that claims of devices and offers of devices have in common."""

from __future__ import annotations

import re
from typing import Any, Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.rules.request_matching import choice_rules
from kube_actors.kinds.rules.volume_sources import driver_rules

LONGEST_POOL: Final = 253
LONGEST_IDENTIFIER: Final = 32
EFFECTS: Final = ("NoExecute", "NoSchedule", "None")
OPERATORS: Final = ("Equal", "Exists")
_IDENTIFIER: Final = "[A-Za-z_][A-Za-z0-9_]*"
_IDENTIFIER_RULE: Final = (
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters "
    f"or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '{_IDENTIFIER}')"
)
_UUID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def label_rules(name: Any, field: str) -> list[Cause]:
    """The name of a request, a device, a counter."""
    return [causes.invalid(field, name or "", why) for why in names.dns1123_label(name or "")]


def pool_rules(name: str, field: str) -> list[Cause]:
    """The name of a pool: domains with slashes between them."""
    if not name:
        return [causes.required(field)]
    found = [causes.too_long(field, LONGEST_POOL)] if len(name.encode()) > LONGEST_POOL else []
    return found + [
        causes.invalid(field, part, why) for part in name.split("/") for why in names.dns1123_subdomain(part)
    ]


def qualified_rules(name: str, field: str) -> list[Cause]:
    """The name of an attribute or a capacity: an identifier, maybe of somebody's domain."""
    domain, slash, identifier = name.partition("/")
    if "/" in identifier:
        return [causes.invalid(field, name, "must not contain more than one slash")]
    if not slash:
        return _identifier(domain, field)
    found = driver_rules(domain, field) if domain else [causes.invalid(field, "", "the domain must not be empty")]
    if not identifier:
        return [*found, causes.invalid(field, "", "the name must not be empty")]
    return found + _identifier(identifier, field)


def fully_qualified_rules(name: str, field: str) -> list[Cause]:
    """The name of an attribute with its domain."""
    found = qualified_rules(name, field)
    if "/" not in name:
        why = "a fully qualified name must be a domain and a name separated by a slash"
        found.append(causes.invalid(field, name, why))
    return found


def share_rules(share: str, field: str) -> list[Cause]:
    """Which share of a device that several have: a UUID."""
    if _UUID.fullmatch(share):
        return []
    if not _UUID.fullmatch(share.lower()):
        return [causes.invalid(field, share, f"error validating uid: invalid UUID length: {len(share)}")]
    why = "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal "
    return [causes.invalid(field, share, f"{why}characters")]


def condition_name_rules(name: str, field: str) -> list[Cause]:
    """A key or a type of condition: a label's key."""
    return [causes.invalid(field, name, why) for why in names.qualified_name(name)]


def taint_rules(taint: Body, field: str) -> list[Cause]:
    """What keeps claims away from a device."""
    value, effect = taint.get("value") or "", taint.get("effect") or ""
    found = condition_name_rules(taint.get("key") or "", f"{field}.key")
    found += [causes.invalid(f"{field}.value", value, why) for why in names.label_value(value)]
    place = f"{field}.effect"
    return found + (choice_rules(effect, EFFECTS, place) if effect else [causes.required(place)])


def toleration_rules(toleration: Body, field: str) -> list[Cause]:
    """What a claim puts up with."""
    key, operator, value = (toleration.get(name) or "" for name in ("key", "operator", "value"))
    found = condition_name_rules(key, f"{field}.key") if key else []
    if operator == "Exists" and value:
        found.append(causes.invalid(f"{field}.value", value, "must be empty for operator `Exists`"))
    elif operator == "Equal":
        found += [causes.invalid(f"{field}.value", value, why) for why in names.label_value(value)]
    else:
        found += choice_rules(operator, OPERATORS, f"{field}.operator")
    return found + choice_rules(toleration.get("effect") or None, EFFECTS, f"{field}.effect")


def binding_rules(body: Body, field: str) -> list[Cause]:
    """What has to become true before a pod with the device is bound, and what ends the waiting."""
    wanted, failing = body.get("bindingConditions") or [], body.get("bindingFailureConditions") or []
    place, other = f"{field}.bindingConditions", f"{field}.bindingFailureConditions"
    found = _conditions(wanted, place) + _conditions(failing, other)
    why = "bindingFailureConditions must not overlap with bindingConditions"
    found += [causes.invalid(f"{other}[{at}]", each, why) for at, each in enumerate(failing) if each in wanted]
    if failing and not wanted:
        found.append(causes.invalid(place, wanted, "bindingConditions are required to use bindingFailureConditions"))
    if wanted and not failing:
        found.append(causes.invalid(other, failing, "bindingFailureConditions are required to use bindingConditions"))
    return found


MOST_CONDITIONS: Final = 4
"""Conditions of either sort that a binding may wait for."""


def _conditions(conditions: list[str], field: str) -> list[Cause]:
    if len(conditions) > MOST_CONDITIONS:
        return [causes.too_many(field, len(conditions), MOST_CONDITIONS)]
    found = [cause for at, each in enumerate(conditions) for cause in condition_name_rules(each, f"{field}[{at}]")]
    return found + [
        causes.duplicate(f"{field}[{at}]", each) for at, each in enumerate(conditions) if each in conditions[:at]
    ]


def _identifier(name: str, field: str) -> list[Cause]:
    found = [causes.too_long(field, LONGEST_IDENTIFIER)] if len(name.encode()) > LONGEST_IDENTIFIER else []
    return found if re.fullmatch(_IDENTIFIER, name) else [*found, causes.invalid(field, name, _IDENTIFIER_RULE)]
