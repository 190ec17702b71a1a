"""What Jobs may not say of failures, of success and of who looks after them."""

from __future__ import annotations

from typing import Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.rules.domain_paths import domain_path_rules

MOST_RULES: Final = 20
MOST_CODES: Final = 255
LONGEST_MANAGER: Final = 63
LONGEST_INDEXES: Final = 64 * 1024
STATUSES: Final = ("False", "True", "Unknown")
ACTIONS: Final = '["Count" "FailIndex" "FailJob" "Ignore"]'
OPERATORS: Final = '["In" "NotIn"]'


def policy_rules(spec: Body, field: str) -> list[Cause]:
    """`podFailurePolicy`, `successPolicy`, `podReplacementPolicy` and `managedBy` of a Job's spec."""
    found = []
    if spec.get("podFailurePolicy") is not None:
        found += _failure_policy(spec, f"{field}.podFailurePolicy.rules")
        if spec.get("podReplacementPolicy") not in (None, "Failed"):
            place = f"{field}.podReplacementPolicy"
            found.append(causes.not_supported(place, spec["podReplacementPolicy"], ["Failed"]))
    if spec.get("successPolicy") is not None:
        found += _success_policy(spec, f"{field}.successPolicy")
    if spec.get("maxFailedIndexes") is not None and spec.get("completionMode") != "Indexed":
        why = "requires indexed completion mode"
        found.append(causes.invalid(f"{field}.maxFailedIndexes", spec["maxFailedIndexes"], why))
    manager = spec.get("managedBy")
    if manager is not None:
        found += domain_path_rules(manager, f"{field}.managedBy")
        if len(manager) > LONGEST_MANAGER:
            found.append(causes.too_long(f"{field}.managedBy", LONGEST_MANAGER))
    return found


def _failure_policy(spec: Body, field: str) -> list[Cause]:
    rules = spec["podFailurePolicy"].get("rules") or []
    if len(rules) > MOST_RULES:
        return [causes.too_many(field, len(rules), MOST_RULES)]
    return [cause for index, rule in enumerate(rules) for cause in _rule(rule, spec, f"{field}[{index}]")]


def _rule(rule: Body, spec: Body, field: str) -> list[Cause]:
    """One rule looks at exit codes or at conditions of the pod."""
    codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions") or []
    found = [] if rule.get("action") else [causes.required(f"{field}.action", f"valid values: {ACTIONS}")]
    if rule.get("action") == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
        found.append(causes.invalid(f"{field}.action", "FailIndex", "requires the backoffLimitPerIndex to be set"))
    if codes is not None:
        found += _exit_codes(codes, spec, f"{field}.onExitCodes")
    for index, condition in enumerate(conditions):
        place, kind = f"{field}.onPodConditions[{index}]", condition.get("type", "")
        found += [causes.invalid(f"{place}.type", kind, why) for why in names.qualified_name(kind)]
        if not condition.get("status"):
            found.append(causes.required(f"{place}.status"))
        elif condition["status"] not in STATUSES:
            found.append(causes.not_supported(f"{place}.status", condition["status"], STATUSES))
    if codes is not None and conditions:
        why = "specifying both OnExitCodes and OnPodConditions is not supported"
        found.append(Cause("FieldValueInvalid", f"Invalid value: {why}", field))
    elif codes is None and not conditions:
        why = "specifying one of OnExitCodes and OnPodConditions is required"
        found.append(Cause("FieldValueInvalid", f"Invalid value: {why}", field))
    return found


def _exit_codes(codes: Body, spec: Body, field: str) -> list[Cause]:
    found = []
    pod = (spec.get("template") or {}).get("spec") or {}
    known = {each.get("name") for kind in ("containers", "initContainers") for each in pod.get(kind) or ()}
    name, values, place = codes.get("containerName"), codes.get("values") or [], f"{field}.values"
    if name is not None and name not in known:
        why = "must be one of the container or initContainer names in the pod template"
        found.append(causes.invalid(f"{field}.containerName", name, why))
    if not values:
        found.append(causes.invalid(place, values, "at least one value is required"))
    elif len(values) > MOST_CODES:
        found.append(causes.too_many(place, len(values), MOST_CODES))
    found += [causes.duplicate(f"{place}[{at}]", value) for at, value in enumerate(values) if value in values[:at]]
    if not codes.get("operator"):
        found.append(causes.required(f"{field}.operator", f"valid values: {OPERATORS}"))
    if codes.get("operator") == "In" and 0 in values:
        at = values.index(0)
        found.append(causes.invalid(f"{place}[{at}]", 0, "must not be 0 for the In operator"))
    if values != sorted(values):
        found.append(causes.invalid(place, values, "must be ordered"))
    return found


def _success_policy(spec: Body, field: str) -> list[Cause]:
    policy = spec["successPolicy"]
    if spec.get("completionMode") != "Indexed":
        return [causes.invalid(field, policy, "requires indexed completion mode")]
    rules, place = policy.get("rules") or [], f"{field}.rules"
    if not rules:
        return [causes.required(place, "at least one rules must be specified when the successPolicy is specified")]
    if len(rules) > MOST_RULES:
        return [causes.too_many(place, len(rules), MOST_RULES)]
    found, completions = [], spec.get("completions") or 0
    for index, rule in enumerate(rules):
        at, count, indexes = f"{place}[{index}]", rule.get("succeededCount"), rule.get("succeededIndexes")
        if indexes is not None:
            found += _indexes(indexes, completions, count or 0, at)
        if count is None and indexes is None:
            found.append(causes.required(at, "at least one of succeededCount or succeededIndexes must be specified"))
        elif count is not None and count < 1:
            found.append(causes.invalid(f"{at}.succeededCount", count, "must be greater than or equal to 0"))
        elif count is not None and count > completions:
            why = f"must be less than or equal to {completions} (the number of specified completions)"
            found.append(causes.invalid(f"{at}.succeededCount", count, why))
    return found


def _indexes(text: str, completions: int, count: int, field: str) -> list[Cause]:
    """`1,3-5`, in ascending order, all of them indexes of the Job; `count` of them may be asked for."""
    place = f"{field}.succeededIndexes"
    if len(text.encode()) > LONGEST_INDEXES:
        return [causes.too_long(place, LONGEST_INDEXES)]
    total, last = 0, -1
    for part in text.split(",") if text else ():
        ends = part.split("-")
        wrong = _interval(part, ends, completions)
        if not wrong and last >= int(ends[0]):
            wrong = f"non-increasing order, previous: {last}, current: {int(ends[0])}"
        if wrong:
            return [causes.invalid(place, text, f"error parsing succeededIndexes: {wrong}")]
        last = int(ends[-1])
        total += last - int(ends[0]) + 1
    if count > total:
        why = f"must be less than or equal to {total} (the number of indexes in the specified succeededIndexes field)"
        return [causes.invalid(f"{field}.succeededCount", count, why)]
    return []


def _interval(part: str, ends: list[str], completions: int) -> str:
    """What is wrong with one index, or with two that stand for all between them; empty when nothing is."""
    if len(ends) > 2:
        parts = "an index interval can have at most two parts separated by '-'"
        return f'the fragment "{part}" violates the requirement that {parts}'
    for end in ends:
        if not (end.isascii() and end.isdecimal()):
            return f'cannot convert string to integer for index: "{end}"'
        if int(end) >= completions:
            return f'too large index: "{end}"'
    if len(ends) == 2 and int(ends[0]) >= int(ends[1]):
        return f"non-increasing order, previous: {int(ends[0])}, current: {int(ends[1])}"
    return ""
