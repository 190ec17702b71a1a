"""Whether some rules give everything that others give: the measure of escalation and of what a default role lacks.

The others are broken down into their smallest parts, one verb on one resource by one name; each must be covered by one
rule. What is missing is put together again for people to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import attrs

from kube_actors.kinds.rbac_facts import ALL, PolicyRule, Words, path_covered


def missing_rules(held: Sequence[PolicyRule], wanted: Iterable[PolicyRule]) -> list[PolicyRule]:
    """The smallest parts of `wanted` that no rule held covers; empty when all are."""
    exact = set(held)
    parts = (part for rule in wanted if rule not in exact for part in broken_down(rule))
    return [part for part in dict.fromkeys(parts) if not any(_covers(rule, part) for rule in held)]


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
