"""PriorityLevelConfigurations: how much of the server some requests may take."""

from __future__ import annotations

import math
from typing import Any, Final

from kube_actors.errors import Cause
from kube_actors.kinds import causes, mandatory_flow_control
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.conditions import typed_conditions_rules

EXEMPT: Final = "exempt"
MOST_QUEUES: Final = 10_000_000
MOST_BITS: Final = 60
"""As long is the hash that deals a request its hand of queues."""
QUEUING: Final = {"handSize": 8, "queueLengthLimit": 50, "queues": 64}


def _default(body: Body) -> None:
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return
    if spec.get("type") == "Exempt":
        exempt = spec.setdefault("exempt", {})
        for name in ("nominalConcurrencyShares", "lendablePercent"):
            exempt.setdefault(name, 0)
    limited = spec.get("limited")
    if isinstance(limited, dict):
        if limited.get("nominalConcurrencyShares") is None:
            limited["nominalConcurrencyShares"] = 30
        limited.setdefault("lendablePercent", 0)
        queuing = (limited.get("limitResponse") or {}).get("queuing")
        if isinstance(queuing, dict):
            for name, value in QUEUING.items():
                queuing[name] = queuing.get(name) or value


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec, name = new.get("spec") or {}, new["metadata"].get("name", "")
    return [*_check_type(spec, name), *mandatory_flow_control.check_level(name, spec)]


def _check_type(spec: Body, name: str) -> list[Cause]:
    kind, limited, exempt = spec.get("type", ""), spec.get("limited"), spec.get("exempt")
    found: list[Cause] = []
    if (name == EXEMPT) != (kind == "Exempt"):
        why = "type must be 'Exempt' if and only if `name` is 'exempt'"
        found.append(causes.invalid("spec.type", kind, why))
    if kind == "Exempt":
        if limited is not None:
            found.append(causes.forbidden("spec.limited", "must be nil if the type is not Limited"))
        return [*found, *_check_shares(exempt or {}, "spec.exempt")]
    if kind != "Limited":
        return [*found, causes.not_supported("spec.type", kind, ("Exempt", "Limited"))]
    if exempt is not None:
        found.append(causes.forbidden("spec.exempt", "must be nil if the type is Limited"))
    if limited is None:
        return [*found, causes.required("spec.limited", "must not be empty when type is Limited")]
    return [*found, *_check_shares(limited, "spec.limited"), *_check_response(limited)]


def _check_shares(part: Body, field: str) -> list[Cause]:
    found = []
    for name in ("nominalConcurrencyShares", "borrowingLimitPercent"):
        if part.get(name, 0) < 0:
            found.append(causes.invalid(f"{field}.{name}", part[name], "must be a non-negative integer"))
    lendable = part.get("lendablePercent", 0)
    if not 0 <= lendable <= 100:
        found.append(causes.invalid(f"{field}.lendablePercent", lendable, "must be between 0 and 100, inclusive"))
    return found


def _check_response(limited: Body) -> list[Cause]:
    response, field = limited.get("limitResponse") or {}, "spec.limited.limitResponse"
    kind, queuing = response.get("type", ""), response.get("queuing")
    if kind == "Reject":
        why = "must be nil if limited.limitResponse.type is not Limited"
        return [] if queuing is None else [causes.forbidden(f"{field}.queuing", why)]
    if kind != "Queue":
        return [causes.not_supported(f"{field}.type", kind, ("Queue", "Reject"))]
    if queuing is None:
        why = "must not be empty if limited.limitResponse.type is Limited"
        return [causes.required(f"{field}.queuing", why)]
    return _check_queuing(queuing, f"{field}.queuing")


def _check_queuing(queuing: dict[str, Any], field: str) -> list[Cause]:
    found = [
        causes.invalid(f"{field}.{name}", queuing[name], "must be positive")
        for name in ("queueLengthLimit", "queues", "handSize")
        if queuing[name] <= 0
    ]
    queues, hand = queuing["queues"], queuing["handSize"]
    if queues > MOST_QUEUES:
        found.append(causes.invalid(f"{field}.queues", queues, f"must not be greater than {MOST_QUEUES}"))
    if hand > queues:
        found.append(causes.invalid(f"{field}.handSize", hand, f"should not be greater than queues ({queues})"))
    elif hand > 0 and math.ceil(math.log2(queues) * hand) > MOST_BITS:
        deck = f"required entropy bits of deckSize {queues} and handSize {hand}"
        found.append(causes.invalid(f"{field}.handSize", hand, f"{deck} should not be greater than {MOST_BITS}"))
    return found


HOOKS = Hooks(
    default=_default,
    validate=_validate,
    validate_subresource={"status": typed_conditions_rules},
    status_metadata=(),
)
