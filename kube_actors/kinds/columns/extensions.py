"""Rows of what extends the API: webhooks, admission policies, aggregated APIs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kube_actors.api.selectors import printed_selector
from kube_actors.kinds.columns.words import Row, age, part

Body = Mapping[str, Any]


def webhook_configuration(body: Body, now: float) -> Row:
    """Name, Webhooks, Age."""
    return (body["metadata"]["name"], len(body.get("webhooks") or ()), age(body, now))


def validating_policy(body: Body, now: float) -> Row:
    """Name, Validations, ParamKind, Age."""
    return _policy(body, "validations", now)


def mutating_policy(body: Body, now: float) -> Row:
    """Name, Mutations, ParamKind, Age."""
    return _policy(body, "mutations", now)


def policy_binding(body: Body, now: float) -> Row:
    """Name, PolicyName, ParamRef, Age."""
    spec = part(body, "spec")
    return (body["metadata"]["name"], spec.get("policyName", ""), _parameters(part(spec, "paramRef")), age(body, now))


def api_service(body: Body, now: float) -> Row:
    """Name, Service, Available, Age."""
    service = part(body, "spec", "service")
    place = f"{service.get('namespace', '')}/{service.get('name', '')}" if service else "Local"
    conditions = part(body, "status").get("conditions") or ()
    available = next((each for each in conditions if each.get("type") == "Available"), None)
    shown = "Unknown"
    if available is not None:
        shown = available.get("status", "")
        if shown != "True" and available.get("reason"):
            shown = f"{shown} ({available['reason']})"
    return (body["metadata"]["name"], place, shown, age(body, now))


def _policy(body: Body, rules: str, now: float) -> Row:
    spec = part(body, "spec")
    kind = part(spec, "paramKind")
    shown = f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}" if kind else "<unset>"
    return (body["metadata"]["name"], len(spec.get(rules) or ()), shown, age(body, now))


def _parameters(reference: Body) -> str:
    """A name with its namespace, `*` for any; else the selector as Go prints one."""
    if reference.get("name"):
        return f"{reference.get('namespace') or '*'}/{reference['name']}"
    selector = reference.get("selector")
    if selector is None:
        return "<unset>"
    return printed_selector(selector)
