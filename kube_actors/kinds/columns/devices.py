"""Rows of devices that pods can claim."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.kinds.columns.words import Row, age, part

Body = Mapping[str, Any]


def resource_claim(body: Body, now: float) -> Row:
    """Name, State, Age."""
    status = part(body, "status")
    states = ["deleted"] if "deletionTimestamp" in body["metadata"] else []
    if status.get("allocation") is not None:
        states += ["allocated", "reserved"] if status.get("reservedFor") else ["allocated"]
    return (body["metadata"]["name"], ",".join(states) or "pending", age(body, now))


def resource_slice(body: Body, now: float) -> Row:
    """Name, Node, Driver, Pool, Age."""
    spec = part(body, "spec")
    return (
        body["metadata"]["name"],
        spec.get("nodeName") or "",
        spec.get("driver", ""),
        part(spec, "pool").get("name", ""),
        age(body, now),
    )
