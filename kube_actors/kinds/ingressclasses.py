"""IngressClasses: which controller an Ingress is for."""

from __future__ import annotations

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.domain_paths import domain_path_rules, typed_reference_rules

LONGEST = 250
SCOPES = ("Cluster", "Namespace")


def _default(body: Body) -> None:
    spec = body.get("spec")
    parameters = spec.get("parameters") if isinstance(spec, dict) else None
    if isinstance(parameters, dict) and parameters.get("scope") is None:
        parameters["scope"] = "Cluster"


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec = new.get("spec") or {}
    controller = spec.get("controller") or ""
    found = [causes.too_long("spec.controller", LONGEST)] if len(controller) > LONGEST else []
    found += domain_path_rules(controller, "spec.controller")
    if spec.get("parameters") is not None:
        found += _parameters(spec["parameters"], "spec.parameters")
    if old is not None and controller != ((old.get("spec") or {}).get("controller") or ""):
        found.insert(0, causes.immutable("spec.controller", controller))
    return found


def _parameters(parameters: Body, field: str) -> list[Cause]:
    """An object of the cluster, or of a namespace that is named."""
    found = typed_reference_rules(parameters, field)
    scope, namespace = parameters.get("scope"), parameters.get("namespace")
    if scope == "Namespace" and namespace is None:
        found.append(causes.required(f"{field}.namespace", "`parameters.scope` is set to 'Namespace'"))
    elif scope == "Namespace" and namespace is not None:
        found += [causes.invalid(f"{field}.namespace", namespace, why) for why in names.dns1123_label(namespace)]
    elif scope == "Cluster" and namespace is not None:
        found.append(causes.forbidden(f"{field}.namespace", "`parameters.scope` is set to 'Cluster'"))
    elif scope not in SCOPES:
        found.append(causes.not_supported(f"{field}.scope", scope, SCOPES))
    return found


HOOKS = Hooks(default=_default, validate=_validate)
