"""What webhook configurations and admission policies have in common: which requests they are about."""

from __future__ import annotations

from typing import Any


def default_matching(matching: Any) -> None:
    """Matching of requests: equivalent ones too, of every namespace, of every object."""
    if not isinstance(matching, dict):
        return
    matching.setdefault("matchPolicy", "Equivalent")
    matching.setdefault("namespaceSelector", {})
    matching.setdefault("objectSelector", {})
    for name in ("rules", "resourceRules", "excludeResourceRules"):
        _default_rules(matching.get(name))


def _default_rules(rules: Any) -> None:
    for rule in rules if isinstance(rules, list) else ():
        if isinstance(rule, dict):
            rule.setdefault("scope", "*")
