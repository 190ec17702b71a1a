"""Whether some rules give everything that others give: the measure of escalation and of what a default role lacks.

The others are broken down into their smallest parts, one verb on one resource by one name; each must be covered by one
rule. What is missing is put together again for people to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import attrs

from kube_actors.kinds.rbac_facts import ALL, PolicyRule, Words, path_covered

MOST_MISSING: Final = 1000
"""Parts that are told to be missing: nobody reads more."""
MOST_PARTS: Final = 100_000
"""Parts a rule may be broken down into: a few thousand words are a billion parts."""


def missing_rules(held: Sequence[PolicyRule], wanted: Iterable[PolicyRule]) -> list[PolicyRule]:
    """The smallest parts of `wanted` that no rule held covers, the first `MOST_MISSING`; empty when all are.

    A rule of more than `MOST_PARTS` is covered as a whole by one rule, or not.
    """
    exact = set(held)
    missing: dict[PolicyRule, None] = {}
    for rule in dict.fromkeys(wanted):
        if rule in exact or any(_covers(each, rule) for each in held):
            continue
        for part in broken_down(rule) if _count(rule) <= MOST_PARTS else (rule,):
            if not any(_covers(each, part) for each in held):
                missing[part] = None
            if len(missing) == MOST_MISSING:
                return list(missing)
    return list(missing)


def _count(rule: PolicyRule) -> int:
    """How many parts a rule has at most."""
    places = len(rule.api_groups) * len(rule.resources) * max(len(rule.resource_names), 1)
    return len(rule.verbs) * (places or len(rule.non_resource_urls))


def broken_down(rule: PolicyRule) -> Iterator[PolicyRule]:
    """One rule for each verb on each resource of each group by each name, or on each path."""
    if not rule.api_groups and not rule.resources:
        for path in rule.non_resource_urls:
            for verb in rule.verbs:
                yield PolicyRule((verb,), non_resource_urls=(path,))
        return
    names: tuple[Words, ...] = tuple((name,) for name in rule.resource_names) or ((),)
    for group in rule.api_groups:
        for resource in rule.resources:
            for verb in rule.verbs:
                for name in names:
                    yield PolicyRule((verb,), (group,), (resource,), name)


def _covers(rule: PolicyRule, part: PolicyRule) -> bool:
    return (
        _has(rule.verbs, part.verbs)
        and _has(rule.api_groups, part.api_groups)
        and (_has(rule.resources, part.resources) or _has_subresource(rule.resources, part.resources))
        and all(any(path_covered(each, path) for each in rule.non_resource_urls) for path in part.non_resource_urls)
        and (not rule.resource_names or (bool(part.resource_names) and _has(rule.resource_names, part.resource_names)))
    )


def _has(words: Words, wanted: Words) -> bool:
    return ALL in words or all(word in words for word in wanted)


def _has_subresource(resources: Words, wanted: Words) -> bool:
    """`*/scale` covers `deployments/scale`."""
    return all("/" in each and f"*/{each.partition('/')[2]}" in resources for each in wanted)


def compacted(parts: Iterable[PolicyRule]) -> list[PolicyRule]:
    """Parts on one resource that differ in nothing but their verb, as one rule with all verbs; paths stay apart."""
    paths: list[PolicyRule] = []
    verbs: dict[PolicyRule, Words] = {}
    for part in parts:
        if part.non_resource_urls:
            paths.append(part)
        else:
            frame = attrs.evolve(part, verbs=())
            verbs[frame] = verbs.get(frame, ()) + part.verbs
    return [*paths, *(attrs.evolve(frame, verbs=words) for frame, words in verbs.items())]


def described(rule: PolicyRule) -> str:
    """`{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`, as Kubernetes writes a rule into an error."""
    parts = (
        ("APIGroups", rule.api_groups),
        ("Resources", rule.resources),
        ("NonResourceURLs", rule.non_resource_urls),
        ("ResourceNames", rule.resource_names),
        ("Verbs", rule.verbs),
    )
    return "{" + ", ".join(f"{name}:{quoted(words)}" for name, words in parts if words) + "}"


def quoted(words: Iterable[str]) -> str:
    """`["a" "b"]`."""
    return "[" + " ".join(f'"{word}"' for word in words) + "]"
