"""Rows of what shares the server's time out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.kinds.columns.words import Row, age, part

Body = Mapping[str, Any]


def flow_schema(body: Body, now: float) -> Row:
    """Name, PriorityLevel, MatchingPrecedence, DistinguisherMethod, Age, MissingPL."""
    spec, conditions = part(body, "spec"), part(body, "status").get("conditions") or ()
    return (
        body["metadata"]["name"],
        part(spec, "priorityLevelConfiguration").get("name", ""),
        spec.get("matchingPrecedence", 0),
        part(spec, "distinguisherMethod").get("type", "<none>"),
        age(body, now),
        next((each.get("status", "") for each in conditions if each.get("type") == "Dangling"), "?"),
    )


def priority_level_configuration(body: Body, now: float) -> Row:
    """Name, Type, NominalConcurrencyShares, Queues, HandSize, QueueLengthLimit, Age."""
    spec = part(body, "spec")
    queuing = part(spec, "limited", "limitResponse", "queuing")
    return (
        body["metadata"]["name"],
        spec.get("type", ""),
        part(spec, "limited").get("nominalConcurrencyShares", "<none>"),
        *(queuing.get(name, "<none>") for name in ("queues", "handSize", "queueLengthLimit")),
        age(body, now),
    )
