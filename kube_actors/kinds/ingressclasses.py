"""IngressClasses: which controller an Ingress is for."""

from __future__ import annotations

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks


def _default(body: Body) -> None:
    spec = body.get("spec")
    parameters = spec.get("parameters") if isinstance(spec, dict) else None
    if isinstance(parameters, dict):
        parameters.setdefault("scope", "Cluster")


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec = new.get("spec") or {}
    if not spec.get("controller"):
        return [causes.required("spec.controller")]
    if old is not None and spec["controller"] != (old.get("spec") or {}).get("controller"):
        return [causes.immutable("spec.controller", spec["controller"])]
    return []


HOOKS = Hooks(default=_default, validate=_validate)
