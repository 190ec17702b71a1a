"""Which requests a webhook or an admission policy is about: rules of resources and operations, and conditions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body
from kube_actors.kinds.rules.selectors import label_selector_rules

MATCH_POLICIES: Final = ("Equivalent", "Exact")
OPERATIONS: Final = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
SCOPES: Final = ("*", "Cluster", "Namespaced")
MOST_CONDITIONS: Final = 64


def matching_rules(matching: Body, field: str) -> list[Cause]:
    """The `MatchResources` of a policy or of its binding, after defaulting."""
    found = choice_rules(matching.get("matchPolicy"), MATCH_POLICIES, f"{field}.matchPolicy")
    for name in ("namespaceSelector", "objectSelector"):
        found += label_selector_rules(matching.get(name) or {}, f"{field}.{name}")
    for name in ("resourceRules", "excludeResourceRules"):
        for index, rule in enumerate(matching.get(name) or ()):
            place = f"{field}.{name}[{index}]"
            found += _named(rule.get("resourceNames") or (), f"{place}.resourceNames") + rule_rules(rule, place)
    return found


def rule_rules(rule: Body, field: str) -> list[Cause]:
    """Operations, groups, versions and resources: each some, or all by `*` alone."""
    operations = rule.get("operations") or []
    found = _some_or_all(operations, f"{field}.operations", "operations")
    for at, operation in enumerate(operations):
        found += choice_rules(operation, OPERATIONS, f"{field}.operations[{at}]")
    found += _some_or_all(rule.get("apiGroups") or [], f"{field}.apiGroups", "API groups")
    versions = rule.get("apiVersions") or []
    found += _some_or_all(versions, f"{field}.apiVersions", "API versions")
    found += [causes.required(f"{field}.apiVersions[{at}]") for at, each in enumerate(versions) if not each]
    found += _resources(rule.get("resources") or [], f"{field}.resources")
    return found + choice_rules(rule.get("scope"), SCOPES, f"{field}.scope")


def condition_rules(conditions: list[Body], field: str) -> list[Cause]:
    """`matchConditions`: expressions with names of their own. What the expressions say is not looked at."""
    found, taken = [], set()
    if len(conditions) > MOST_CONDITIONS:
        found.append(causes.too_many(field, len(conditions), MOST_CONDITIONS))
    for index, condition in enumerate(conditions):
        place, name = f"{field}[{index}]", condition.get("name") or ""
        if not (condition.get("expression") or "").strip():
            found.append(causes.required(f"{place}.expression"))
        if not name:
            found.append(causes.required(f"{place}.name"))
            continue
        found += [causes.invalid(f"{place}.name", name, why) for why in names.qualified_name(name)]
        if name in taken:
            found.append(causes.duplicate(f"{place}.name", name))
        taken.add(name)
    return found


def choice_rules(value: Any, choices: Iterable[str], field: str) -> list[Cause]:
    """One of a few words; the empty text is none of them, and what is absent was never asked for."""
    return [] if value is None or value in choices else [causes.not_supported(field, value, choices)]


def _some_or_all(values: list[str], field: str, called: str) -> list[Cause]:
    if not values:
        return [causes.required(field)]
    if "*" in values and len(values) > 1:
        return [causes.invalid(field, values, f"if '*' is present, must not specify other {called}")]
    return []


def _named(resource_names: Iterable[str], field: str) -> list[Cause]:
    found, taken = [], set()
    for at, name in enumerate(resource_names):
        found += [causes.invalid(f"{field}[{at}]", name, why) for why in names.path_segment(name)]
        if name in taken:
            found.append(causes.duplicate(f"{field}[{at}]", name))
        taken.add(name)
    return found


def _resources(resources: list[str], field: str) -> list[Cause]:
    """`pods`, `pods/*`, `*/scale`: what a wildcard covers already does not stand behind it."""
    if not resources:
        return [causes.required(field)]
    found = []
    every_part, everywhere, is_plain = set(), set(), False
    for at, each in enumerate(resources):
        resource, slash, part = each.partition("/")
        if not each:
            found.append(causes.required(f"{field}[{at}]"))
        elif not slash:
            is_plain = each != "*"  # as Kubernetes counts it: the last one without a subresource decides
        else:
            covers = [f"{resource}/*"] if resource in every_part else []
            covers += [f"*/{part}"] if part in everywhere else []
            for cover in covers:
                why = f"if '{cover}' is present, must not specify {each}"
                found.append(causes.invalid(f"{field}[{at}]", each, why))
            every_part |= {resource} if part == "*" else set()
            everywhere |= {part} if resource == "*" else set()
    if len(resources) > 1 and "*/*" in resources:
        found.append(causes.invalid(field, resources, "if '*/*' is present, must not specify other resources"))
    if "*" in resources and is_plain:
        why = "if '*' is present, must not specify other resources without subresources"
        found.append(causes.invalid(field, resources, why))
    return found
