"""ValidatingAdmissionPolicies and MutatingAdmissionPolicies, and their bindings.

Expressions are kept as they are sent: nothing here reads them.
"""

from __future__ import annotations

from typing import Any, Final

from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.admission_defaults import default_matching
from kube_actors.kinds.hooks import Body, Hooks

_BINDINGS = ("ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicyBinding")
ACTIONS: Final = ("Audit", "Deny", "Warn")
_NOTHING_TO_DO: Final = "validations or auditAnnotations must contain at least one item"


def _default(body: Body) -> None:
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return
    if body.get("kind") in _BINDINGS:
        default_matching(spec.get("matchResources"))
    else:
        spec.setdefault("failurePolicy", "Fail")
        default_matching(spec.get("matchConstraints"))


def _validate(new: Body, _old: Body | None) -> list[Cause]:
    spec, kind = new.get("spec") or {}, new.get("kind", "")
    if kind in _BINDINGS:
        found = [] if spec.get("policyName") else [causes.required("spec.policyName")]
        return found + _actions(spec) if kind == "ValidatingAdmissionPolicyBinding" else found
    found = _constraints(spec)
    if kind == "MutatingAdmissionPolicy":
        return found if spec.get("mutations") else [*found, causes.required("spec.mutations")]
    if not spec.get("validations") and not spec.get("auditAnnotations"):
        found += [causes.required(f"spec.{name}", _NOTHING_TO_DO) for name in ("validations", "auditAnnotations")]
    found += _expressions(spec.get("validations") or (), "spec.validations", "expression")
    return found + _expressions(spec.get("auditAnnotations") or (), "spec.auditAnnotations", "valueExpression")


def _constraints(spec: Body) -> list[Cause]:
    """A policy is about something."""
    constraints, field = spec.get("matchConstraints"), "spec.matchConstraints"
    if constraints is None:
        return [causes.required(field)]
    return [] if constraints.get("resourceRules") else [causes.required(f"{field}.resourceRules")]


def _expressions(items: Any, field: str, name: str) -> list[Cause]:
    return [
        causes.required(f"{field}[{index}].{name}", f"{name} is not specified")
        for index, item in enumerate(items)
        if not (item.get(name) or "").strip()
    ]


def _actions(spec: Body) -> list[Cause]:
    """What is done about an object that the policy does not like."""
    actions, field = spec.get("validationActions") or [], "spec.validationActions"
    if not actions:
        return [causes.required(field)]
    found = [causes.duplicate(f"{field}[{at}]", each) for at, each in enumerate(actions) if each in actions[:at]]
    found += [
        causes.not_supported(f"{field}[{at}]", each, ACTIONS) for at, each in enumerate(actions) if each not in ACTIONS
    ]
    if {"Deny", "Warn"} <= set(actions):
        why = "must not contain both Deny and Warn (repeating the same validation failure information in the API "
        why += "response and headers serves no purpose)"
        found.append(causes.invalid(field, actions, why))
    return found


HOOKS = Hooks(default=_default, validate=_validate, status_metadata=())
