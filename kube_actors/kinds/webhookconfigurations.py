"""MutatingWebhookConfigurations and ValidatingWebhookConfigurations."""

from __future__ import annotations

from typing import Any

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.admission_defaults import default_matching
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.webhooks import demands_after, webhook_rules

HTTPS = 443
LONGEST_CALL = 10
"""Seconds a webhook may take by default."""


def _default(body: Body) -> None:
    webhooks = body.get("webhooks")
    for webhook in webhooks if isinstance(webhooks, list) else ():
        if isinstance(webhook, dict):
            _default_webhook(webhook, mutating=body.get("kind") == "MutatingWebhookConfiguration")


def _default_webhook(webhook: dict[str, Any], *, mutating: bool) -> None:
    webhook.setdefault("failurePolicy", "Fail")
    webhook.setdefault("timeoutSeconds", LONGEST_CALL)
    if mutating:
        webhook.setdefault("reinvocationPolicy", "Never")
    default_matching(webhook)
    client = webhook.get("clientConfig")
    service = client.get("service") if isinstance(client, dict) else None
    if isinstance(service, dict):
        service.setdefault("port", HTTPS)


def _prepare_create(body: Body) -> None:
    body["metadata"]["generation"] = 1


def _changed(new: Body, old: Body) -> bool:
    return bool(new.get("webhooks") != old.get("webhooks"))


def _validate(new: Body, old: Body | None) -> list[Cause]:
    webhooks = new.get("webhooks") or []
    demands = demands_after(None if old is None else old.get("webhooks") or [], webhooks)
    found, taken = [], set()
    for index, webhook in enumerate(webhooks):
        field, name = f"webhooks[{index}]", webhook.get("name", "")
        found += webhook_rules(webhook, field, demands)
        if demands.unique_names and name and name in taken:
            found.append(causes.duplicate(f"{field}.name", name))
        taken.add(name)
    return found


HOOKS = Hooks(default=_default, prepare_create=_prepare_create, validate=_validate, generation=_changed)
