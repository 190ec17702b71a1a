"""ResourceClaims and their templates: devices that a pod asks for."""

from __future__ import annotations

from typing import Any

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.claim_statuses import claim_status_rules
from kube_actors.kinds.rules.devices import claim_rules
from kube_actors.kinds.rules.selectors import template_metadata_rules


def _default(body: Body) -> None:
    """One device of each request, where nobody says more; a template has its claim's spec in its own."""
    spec = body.get("spec")
    inner = spec.get("spec", spec) if isinstance(spec, dict) else None
    devices = inner.get("devices") if isinstance(inner, dict) else None
    requests = devices.get("requests") if isinstance(devices, dict) else None
    for request in requests if isinstance(requests, list) else ():
        if isinstance(request, dict):
            alternatives = request.get("firstAvailable")
            for wanted in (request.get("exactly"), *(alternatives if isinstance(alternatives, list) else ())):
                _default_wanted(wanted)


def _default_wanted(wanted: Any) -> None:
    if not isinstance(wanted, dict):
        return
    wanted["allocationMode"] = wanted.get("allocationMode") or "ExactCount"
    if wanted["allocationMode"] == "ExactCount":
        wanted["count"] = wanted.get("count") or 1
    tolerations = wanted.get("tolerations")
    for toleration in tolerations if isinstance(tolerations, list) else ():
        if isinstance(toleration, dict):
            toleration["operator"] = toleration.get("operator") or "Equal"


def _validate(new: Body, old: Body | None) -> list[Cause]:
    """A claim, or the claim in a template; what was asked for does not change."""
    spec = new.get("spec") or {}
    if old is not None:
        return [] if spec == old.get("spec") else [causes.immutable("spec", spec)]
    if new.get("kind") != "ResourceClaimTemplate":
        return claim_rules(spec, "spec")
    return template_metadata_rules(spec, "spec.metadata") + claim_rules(spec.get("spec") or {}, "spec.spec")


HOOKS = Hooks(
    default=_default,
    validate=_validate,
    validate_subresource={"status": claim_status_rules},
    generation=None,
    status_metadata=(),
)
