"""Conditions in a status, of the form that most kinds share (`meta/v1 Condition`)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body

STATUSES: Final = ("False", "True", "Unknown")
LONGEST_REASON: Final = 1024
LONGEST_MESSAGE: Final = 32 * 1024
_REASON: Final = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?"
_REASON_RULE: Final = (
    "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric "
    "characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or "
    f"'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '{_REASON}')"
)


def conditions_rules(conditions: Iterable[Body] | None, field: str) -> list[Cause]:
    """Each of its own type, with everything that tells why and since when."""
    found, taken = [], set()
    for index, condition in enumerate(conditions or ()):
        place, name = f"{field}[{index}]", condition.get("type") or ""
        if name in taken:
            found.append(causes.duplicate(f"{place}.type", name))
        taken.add(name)
        found += _condition(condition, place)
    return found


def _condition(condition: Body, field: str) -> list[Cause]:
    name, status, reason = (condition.get(each) or "" for each in ("type", "status", "reason"))
    found = [causes.invalid(f"{field}.type", name, why) for why in names.qualified_name(name)]
    if status not in STATUSES:
        found.append(causes.not_supported(f"{field}.status", status, STATUSES))
    seen = condition.get("observedGeneration") or 0
    if seen < 0:
        found.append(causes.invalid(f"{field}.observedGeneration", seen, "must be greater than or equal to zero"))
    if not condition.get("lastTransitionTime"):
        found.append(causes.required(f"{field}.lastTransitionTime", "must be set"))
    if not reason:
        found.append(causes.required(f"{field}.reason", "must be set"))
    elif not re.fullmatch(_REASON, reason):
        found.append(causes.invalid(f"{field}.reason", reason, _REASON_RULE))
    for part, limit in (("reason", LONGEST_REASON), ("message", LONGEST_MESSAGE)):
        if len((condition.get(part) or "").encode()) > limit:
            found.append(causes.too_long(f"{field}.{part}", limit))
    return found


def typed_conditions_rules(new: Body, _old: Body) -> list[Cause]:
    """Conditions of the kinds of flow control: each has a type, and one of its own."""
    found, taken = [], set()
    for index, condition in enumerate((new.get("status") or {}).get("conditions") or ()):
        place, name = f"status.conditions[{index}].type", condition.get("type") or ""
        if name in taken:
            found.append(causes.duplicate(place, name))
        taken.add(name)
        found += [] if name else [causes.required(place, "must not be empty")]
    return found
