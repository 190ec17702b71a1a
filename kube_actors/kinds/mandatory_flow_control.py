"""What the FlowSchemas and PriorityLevelConfigurations `exempt` and `catch-all` say: this, whoever writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body

ANYTHING: Final[Body] = {
    "verbs": ["*"],
    "apiGroups": ["*"],
    "resources": ["*"],
    "namespaces": ["*"],
    "clusterScope": True,
}
ANYWHERE: Final[Body] = {"verbs": ["*"], "nonResourceURLs": ["*"]}


def _of_groups(*groups: str) -> list[Body]:
    subjects = [{"kind": "Group", "group": {"name": name}} for name in groups]
    return [{"subjects": subjects, "resourceRules": [dict(ANYTHING)], "nonResourceRules": [dict(ANYWHERE)]}]


LEVELS: Final[Mapping[str, Body]] = {
    "exempt": {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}},
    "catch-all": {
        "type": "Limited",
        "limited": {"nominalConcurrencyShares": 5, "lendablePercent": 0, "limitResponse": {"type": "Reject"}},
    },
}
SCHEMAS: Final[Mapping[str, Body]] = {
    "exempt": {
        "priorityLevelConfiguration": {"name": "exempt"},
        "matchingPrecedence": 1,
        "rules": _of_groups("system:masters"),
    },
    "catch-all": {
        "priorityLevelConfiguration": {"name": "catch-all"},
        "matchingPrecedence": 10_000,
        "rules": _of_groups("system:unauthenticated", "system:authenticated"),
        "distinguisherMethod": {"type": "ByUser"},
    },
}


def check_schema(name: str, spec: Mapping[str, Any]) -> list[Cause]:
    """A FlowSchema of one of these names has that spec."""
    return [] if spec == SCHEMAS.get(name, spec) else [_refused(spec, f"spec of '{name}'")]


def check_level(name: str, spec: Mapping[str, Any]) -> list[Cause]:
    """The same of a PriorityLevelConfiguration; what the exempt level reserves and lends is for people to say."""
    fixed, what = LEVELS.get(name, spec), f"spec of '{name}'"
    if name == "exempt":
        spec, what = {**spec, "exempt": fixed["exempt"]}, f"{what} except the 'spec.exempt' field"
    return [] if spec == fixed else [_refused(spec, what)]


def _refused(spec: Mapping[str, Any], what: str) -> Cause:
    return causes.invalid("spec", spec, f"{what} must equal the fixed value")
