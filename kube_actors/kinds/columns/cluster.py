"""Rows of what every cluster and namespace has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.kinds.columns.words import Row, age, part

Body = Mapping[str, Any]


def namespace(body: Body, now: float) -> Row:
    """Name, Status, Age."""
    return (body["metadata"]["name"], part(body, "status").get("phase", ""), age(body, now))


def config_map(body: Body, now: float) -> Row:
    """Name, Data, Age."""
    keys = len(body.get("data") or {}) + len(body.get("binaryData") or {})
    return (body["metadata"]["name"], keys, age(body, now))


def secret(body: Body, now: float) -> Row:
    """Name, Type, Data, Age."""
    return (body["metadata"]["name"], body.get("type", ""), len(body.get("data") or {}), age(body, now))


def lease(body: Body, now: float) -> Row:
    """Name, Holder, Age."""
    return (body["metadata"]["name"], part(body, "spec").get("holderIdentity") or "", age(body, now))


def priority_class(body: Body, now: float) -> Row:
    """Name, Value, Global-Default, Age, PreemptionPolicy."""
    return (
        body["metadata"]["name"],
        body.get("value", 0),
        bool(body.get("globalDefault", False)),
        age(body, now),
        body.get("preemptionPolicy") or "",
    )


def runtime_class(body: Body, now: float) -> Row:
    """Name, Handler, Age."""
    return (body["metadata"]["name"], body.get("handler", ""), age(body, now))


def resource_quota(body: Body, now: float) -> Row:
    """Name, Request, Limit, Age: `pods: 2/10, requests.cpu: 1/4`, and the same of what begins with `limits.`."""
    hard, used = part(body, "status", "hard"), part(body, "status", "used")
    shown = {name: f"{name}: {used.get(name, '0')}/{hard[name]}" for name in sorted(hard)}
    requests = ", ".join(text for name, text in shown.items() if not name.startswith("limits."))
    limits = ", ".join(text for name, text in shown.items() if name.startswith("limits."))
    return (body["metadata"]["name"], requests, limits, age(body, now))


def component_status(body: Body, _now: float) -> Row:
    """Name, Status, Message, Error."""
    conditions = body.get("conditions") or ()
    healthy = next((each for each in conditions if each.get("type") == "Healthy"), None)
    if healthy is None:
        return (body["metadata"]["name"], "Unknown", "", "")
    status = "Healthy" if healthy.get("status") == "True" else "Unhealthy"
    return (body["metadata"]["name"], status, healthy.get("message", ""), healthy.get("error", ""))
