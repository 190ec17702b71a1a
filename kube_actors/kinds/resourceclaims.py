"""ResourceClaims and their templates: devices that a pod asks for."""

from __future__ import annotations

from typing import Any

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.devices import claim_rules


def _default(body: Body) -> None:
    """One device of each request; a template has its claim's spec in its own."""
    spec = body.get("spec")
    inner = spec.get("spec", spec) if isinstance(spec, dict) else None
    devices = inner.get("devices") if isinstance(inner, dict) else None
    requests = devices.get("requests") if isinstance(devices, dict) else None
    for request in requests if isinstance(requests, list) else ():
        if isinstance(request, dict):
            _default_amount(request.get("exactly"))
            for each in request.get("firstAvailable") or ():
                _default_amount(each)


def _default_amount(wanted: Any) -> None:
    if isinstance(wanted, dict) and wanted.setdefault("allocationMode", "ExactCount") == "ExactCount":
        wanted.setdefault("count", 1)


def _validate(new: Body, old: Body | None) -> list[Cause]:
    """A claim, or the claim in a template; what was asked for does not change."""
    spec = new.get("spec") or {}
    if old is not None:
        return [] if spec == old.get("spec") else [causes.immutable("spec", spec)]
    is_template = new.get("kind") == "ResourceClaimTemplate"
    return claim_rules(spec.get("spec") or {}, "spec.spec") if is_template else claim_rules(spec, "spec")


HOOKS = Hooks(default=_default, validate=_validate, generation=None, status_metadata=())
