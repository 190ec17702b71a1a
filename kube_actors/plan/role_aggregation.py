"""ClusterRoles that gather the rules of others by label: what their rules should be now. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kube_actors.api.selectors import LabelSelector
from kube_actors.records import frozen

Rule = Mapping[str, Any]


@frozen
class ClusterRole:
    """A role as it is: its labels and rules, and the selectors it gathers by (None: its rules are its own)."""

    name: str
    labels: Mapping[str, str]
    rules: tuple[Rule, ...]
    selectors: tuple[LabelSelector, ...] | None = None


def cluster_role(body: Mapping[str, Any]) -> ClusterRole:
    """A ClusterRole's body as the plan reads it."""
    metadata, aggregation = body["metadata"], body.get("aggregationRule")
    selectors = None
    if aggregation is not None:
        selectors = tuple(map(LabelSelector.from_object, aggregation.get("clusterRoleSelectors") or ()))
    return ClusterRole(metadata["name"], metadata.get("labels") or {}, tuple(body.get("rules") or ()), selectors)


def plan_aggregation(roles: Iterable[ClusterRole]) -> dict[str, tuple[Rule, ...]]:
    """The gathering roles whose rules are not what they should be, with those they should have.

    A role may gather from one that gathers itself (admin from edit from view): then the next look goes on.
    """
    sorted_roles = sorted(roles, key=lambda role: role.name)
    found = {}
    for role in sorted_roles:
        if role.selectors is not None:
            gathered = _gathered(role, sorted_roles)
            if gathered != role.rules:
                found[role.name] = gathered
    return found


def _gathered(role: ClusterRole, roles: Iterable[ClusterRole]) -> tuple[Rule, ...]:
    """The rules of every other role that a selector matches, selector by selector, by name, each rule once."""
    rules: list[Rule] = []
    for selector in role.selectors or ():
        for other in roles:
            if other.name != role.name and selector.matches(other.labels):
                rules += [rule for rule in other.rules if rule not in rules]
    return tuple(rules)
