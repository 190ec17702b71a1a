"""ValidatingAdmissionPolicies and MutatingAdmissionPolicies, and their bindings."""

from __future__ import annotations

from typing import Final

from kube_actors.api import names
from kube_actors.errors import Cause
from kube_actors.kinds import causes
from kube_actors.kinds.admission_defaults import default_matching
from kube_actors.kinds.hooks import Body, Hooks
from kube_actors.kinds.rules.policies import (
    annotations_rules,
    mutation_rules,
    param_kind_rules,
    param_ref_rules,
    validation_rules,
    variable_rules,
)
from kube_actors.kinds.rules.request_matching import choice_rules, condition_rules, matching_rules
from kube_actors.kinds.rules.webhooks import FAILURE_POLICIES, REINVOCATIONS

_BINDINGS: Final = ("ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicyBinding")
ACTIONS: Final = ("Audit", "Deny", "Warn")
CHANGEABLE: Final = ("*", "CONNECT", "CREATE", "UPDATE")
"""Operations whose requests can be changed on their way in; `*` is all of them."""
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


def _validate(new: Body, old: Body | None) -> list[Cause]:
    spec, kind = new.get("spec") or {}, new.get("kind", "")
    changes = kind.startswith("Mutating")
    if kind in _BINDINGS:
        found = _binding(spec, changes=changes)
        return found if changes else found + _actions(spec.get("validationActions") or [])
    found = choice_rules(spec.get("failurePolicy"), FAILURE_POLICIES, "spec.failurePolicy")
    if spec.get("paramKind") is not None:
        found += param_kind_rules(spec["paramKind"], "spec.paramKind")
    found += _constraints(spec.get("matchConstraints"), changes=changes)
    before = (old or {}).get("spec") or {}
    if old is None or any(spec.get(name) != before.get(name) for name in ("paramKind", "matchConditions")):
        found += condition_rules(spec.get("matchConditions") or [], "spec.matchConditions")
    for index, variable in enumerate(spec.get("variables") or ()):
        found += variable_rules(variable, f"spec.variables[{index}]")
    return found + (_mutating(spec) if changes else _validating(spec, new["metadata"].get("name", "")))


def _mutating(spec: Body) -> list[Cause]:
    mutations, policy = spec.get("mutations") or [], spec.get("reinvocationPolicy")
    found = [] if mutations else [causes.required("spec.mutations", "mutations must contain at least one item")]
    for index, mutation in enumerate(mutations):
        found += mutation_rules(mutation, f"spec.mutations[{index}]")
    field = "spec.reinvocationPolicy"
    return found + (choice_rules(policy, REINVOCATIONS, field) if policy else [causes.required(field)])


def _validating(spec: Body, name: str) -> list[Cause]:
    validations, annotations = spec.get("validations") or [], spec.get("auditAnnotations") or []
    if not validations and not annotations:
        return [causes.required(f"spec.{each}", _NOTHING_TO_DO) for each in ("validations", "auditAnnotations")]
    found = []
    for index, validation in enumerate(validations):
        found += validation_rules(validation, f"spec.validations[{index}]")
    return found + annotations_rules(annotations, name, "spec.auditAnnotations")


def _constraints(constraints: Body | None, *, changes: bool) -> list[Cause]:
    """A policy is about something."""
    field = "spec.matchConstraints"
    if constraints is None:
        return [causes.required(field)]
    found = matching_rules(constraints, field)
    if not constraints.get("resourceRules"):
        found.append(causes.required(f"{field}.resourceRules"))
    return found + (_changeable(constraints, field) if changes else [])


def _changeable(matching: Body, field: str) -> list[Cause]:
    return [
        causes.not_supported(f"{field}.resourceRules.operations", operation, CHANGEABLE)
        for rule in matching.get("resourceRules") or ()
        for operation in rule.get("operations") or ()
        if operation not in CHANGEABLE
    ]


def _binding(spec: Body, *, changes: bool) -> list[Cause]:
    """Which policy, with what parameters, for which requests."""
    policy, matching = spec.get("policyName") or "", spec.get("matchResources")
    found = [] if policy else [causes.required("spec.policyName")]
    if policy:
        found += [causes.invalid("spec.policyName", policy, why) for why in names.dns1123_subdomain(policy)]
    if spec.get("paramRef") is not None:
        found += param_ref_rules(spec["paramRef"], "spec.paramRef")
    if matching is None:
        return found
    found += matching_rules(matching, "spec.matchResources")
    return found + (_changeable(matching, "spec.matchResources") if changes else [])


def _actions(actions: list[str]) -> list[Cause]:
    """What is done about an object that the policy does not like."""
    field, found = "spec.validationActions", []
    for at, each in enumerate(actions):
        found += choice_rules(each, ACTIONS, f"{field}[{at}]")
        if each in actions[:at]:
            found.append(causes.duplicate(f"{field}[{at}]", each))
    if {"Deny", "Warn"} <= set(actions):
        why = "must not contain both Deny and Warn (repeating the same validation failure information in the API "
        why += "response and headers serves no purpose)"
        found.append(causes.invalid(field, actions, why))
    return found if actions else [causes.required(field, "at least one validation action is required")]


HOOKS = Hooks(default=_default, validate=_validate, status_metadata=())
