"""What the rules of a kind say of an object: the one question that the tables of rules ask."""

from __future__ import annotations

import re
from typing import Any

from kube_actors.api.patches import clone
from kube_actors.kinds import hooks_for

Body = dict[str, Any]


def causes_of(resource: str, new: Body, old: Body | None = None, subresource: str = "") -> list[str]:
    """`field: message` of every cause, after defaulting. With `old` it is a change, maybe through a subresource."""
    hooks, new, old = hooks_for(resource), clone(new), clone(old)
    for body in (new, old):
        if body is not None:
            body.setdefault("metadata", {"name": "x", "namespace": "default"})
            hooks.default(body)
    if subresource:
        assert old is not None
        found = hooks.validate_subresource[subresource](new, old)
    else:
        found = hooks.validate(new, old)
    return [f"{cause.field}: {cause.message}" for cause in found]


def short(causes: list[str]) -> list[str]:
    """The causes without the explanation of a grammar at their end."""
    return [re.split(": (a lowercase RFC|a DNS-1035|name part|a valid label)", cause)[0] for cause in causes]
