# ruff: noqa: E501  (expected messages stand unbroken)
"""What webhook configurations and admission policies refuse, in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kinds.judge import causes_of, short

GROUP = "admissionregistration.k8s.io"
RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
WEBHOOK = {
    "name": "a.b.c",
    "clientConfig": {"service": {"namespace": "default", "name": "hook"}},
    "rules": [RULE],
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
}
POLICY = {"matchConstraints": {"resourceRules": [RULE]}, "validations": [{"expression": "true"}]}
CHANGE = {"patchType": "JSONPatch", "jsonPatch": {"expression": "[]"}}
CHANGING = {"matchConstraints": {"resourceRules": [RULE]}, "mutations": [CHANGE], "reinvocationPolicy": "Never"}


def _hooks(**fields: Any) -> dict[str, Any]:
    return {"kind": "MutatingWebhookConfiguration", "webhooks": [{**WEBHOOK, **fields}]}


def _made(kind: str, spec: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    plural = f"{kind.lower()}s" if kind.endswith("Binding") else f"{kind[:-1].lower()}ies"
    return f"{plural}.{GROUP}", {"kind": kind, "spec": spec}


@pytest.mark.parametrize(
    ("webhook", "causes"),
    [
        (
            {"rules": [{**RULE, "resources": ["pods/*", "pods/log", "*/scale", "jobs/scale", "*", "pods", ""]}]},
            [
                "webhooks[0].rules[0].resources[1]: Invalid value: \"pods/log\": if 'pods/*' is present, must not specify pods/log",
                "webhooks[0].rules[0].resources[3]: Invalid value: \"jobs/scale\": if '*/scale' is present, must not specify jobs/scale",
                "webhooks[0].rules[0].resources[6]: Required value",
                'webhooks[0].rules[0].resources: Invalid value: ["pods/*","pods/log","*/scale","jobs/scale","*","pods",""]: '
                "if '*' is present, must not specify other resources without subresources",
            ],
        ),
        (
            {"rules": [{**RULE, "apiVersions": [""], "operations": [""], "scope": ""}]},
            [
                'webhooks[0].rules[0].operations[0]: Unsupported value: "": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"',
                "webhooks[0].rules[0].apiVersions[0]: Required value",
                'webhooks[0].rules[0].scope: Unsupported value: "": supported values: "*", "Cluster", "Namespaced"',
            ],
        ),
        (
            {"failurePolicy": "", "matchPolicy": "", "reinvocationPolicy": "", "sideEffects": ""},
            [
                'webhooks[0].failurePolicy: Unsupported value: "": supported values: "Fail", "Ignore"',
                'webhooks[0].matchPolicy: Unsupported value: "": supported values: "Equivalent", "Exact"',
                'webhooks[0].sideEffects: Unsupported value: "": supported values: "None", "NoneOnDryRun"',
                'webhooks[0].reinvocationPolicy: Unsupported value: "": supported values: "IfNeeded", "Never"',
            ],
        ),
        (
            {"matchConditions": [{"name": "", "expression": " "}, {"name": "a", "expression": "true"}] * 2},
            [
                "webhooks[0].matchConditions[0].expression: Required value",
                "webhooks[0].matchConditions[0].name: Required value",
                "webhooks[0].matchConditions[2].expression: Required value",
                "webhooks[0].matchConditions[2].name: Required value",
                'webhooks[0].matchConditions[3].name: Duplicate value: "a"',
            ],
        ),
    ],
)
def test_webhooks(webhook: dict[str, Any], causes: list[str]) -> None:
    """Rules, choices and conditions of a webhook: a text that is empty was given all the same."""
    assert causes_of(f"mutatingwebhookconfigurations.{GROUP}", _hooks(**webhook)) == causes


def test_webhooks_of_old() -> None:
    """What was let in once stays, and may be left as it is."""
    old = _hooks(sideEffects="Some", admissionReviewVersions=["v2"], matchConditions=[{"name": "", "expression": ""}])
    old["webhooks"] *= 2
    new = {**old, "webhooks": [{**each, "timeoutSeconds": 5} for each in old["webhooks"]]}
    assert causes_of(f"mutatingwebhookconfigurations.{GROUP}", new, old) == []
    assert len(causes_of(f"mutatingwebhookconfigurations.{GROUP}", new, _hooks())) == 9


@pytest.mark.parametrize(
    ("kind", "spec", "causes"),
    [
        ("ValidatingAdmissionPolicy", POLICY, []),
        ("MutatingAdmissionPolicy", CHANGING, []),
        (
            "ValidatingAdmissionPolicy",
            {**POLICY, "paramKind": {}, "failurePolicy": ""},
            [
                'spec.failurePolicy: Unsupported value: "": supported values: "Fail", "Ignore"',
                "spec.paramKind.apiVersion: Required value",
                "spec.paramKind.kind: Required value",
            ],
        ),
        (
            "ValidatingAdmissionPolicy",
            {**POLICY, "paramKind": {"apiVersion": "a/b/c", "kind": "No_Kind"}},
            [
                'spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
                'spec.paramKind.kind: Invalid value: "No_Kind": may have mixed case, but should otherwise match',
            ],
        ),
        (
            "ValidatingAdmissionPolicy",
            {**POLICY, "matchConstraints": {"resourceRules": [{**RULE, "resourceNames": ["a/b", "c", "c"]}]}},
            [
                "spec.matchConstraints.resourceRules[0].resourceNames[0]: Invalid value: \"a/b\": may not contain '/'",
                'spec.matchConstraints.resourceRules[0].resourceNames[2]: Duplicate value: "c"',
            ],
        ),
        (
            "ValidatingAdmissionPolicy",
            {
                **POLICY,
                "variables": [{"name": "", "expression": ""}, {"name": "for", "expression": "1"}],
                "validations": [{"expression": " ", "message": "a\nb", "messageExpression": " ", "reason": "NotFound"}],
                "auditAnnotations": [{"key": "k", "valueExpression": "x" * 6000}, {"key": "k", "valueExpression": "1"}],
            },
            [
                "spec.variables[0].name: Required value: name is not specified",
                "spec.variables[0].expression: Required value: expression is not specified",
                'spec.variables[1].name: Invalid value: "for": must be a valid CEL identifier',
                "spec.validations[0].expression: Required value: expression is not specified",
                'spec.validations[0].messageExpression: Invalid value: " ": must be non-empty if specified',
                'spec.validations[0].message: Invalid value: "a\\nb": must not contain line breaks',
                'spec.validations[0].reason: Unsupported value: "NotFound": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
                "spec.auditAnnotations[0].valueExpression: Required value: must not exceed 5120 bytes in length",
                'spec.auditAnnotations[1].key: Duplicate value: "k"',
            ],
        ),
        (
            "MutatingAdmissionPolicy",
            {
                "matchConstraints": {"resourceRules": [{**RULE, "operations": ["DELETE"]}]},
                "mutations": [
                    {},
                    {"patchType": "JSONPatch", "applyConfiguration": {"expression": "Object{}"}},
                    {"patchType": "ApplyConfiguration", "applyConfiguration": {}},
                ],
            },
            [
                'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
                "spec.mutations[0].patchType: Required value",
                "spec.mutations[1].jsonPatch: Required value: must be specified when patchType is JSONPatch",
                'spec.mutations[1].applyConfiguration: Invalid value: "{applyConfiguration}": must not be specified when patchType is JSONPatch',
                "spec.mutations[2].applyConfiguration.expression: Required value",
                "spec.reinvocationPolicy: Required value",
            ],
        ),
        (
            "ValidatingAdmissionPolicyBinding",
            {"policyName": "No_Name", "paramRef": {"name": "a", "selector": {}}, "validationActions": []},
            [
                'spec.policyName: Invalid value: "No_Name"',
                "spec.paramRef.name: Forbidden: name and selector are mutually exclusive",
                "spec.paramRef.selector: Forbidden: name and selector are mutually exclusive",
                "spec.paramRef.parameterNotFoundAction: Required value",
                "spec.validationActions: Required value: at least one validation action is required",
            ],
        ),
        (
            "MutatingAdmissionPolicyBinding",
            {"policyName": "p", "paramRef": {"parameterNotFoundAction": "Wait"}, "matchResources": {"matchPolicy": ""}},
            [
                "spec.paramRef: Required value: one of name or selector must be specified",
                'spec.paramRef.parameterNotFoundAction: Unsupported value: "Wait": supported values: "Deny", "Allow"',
                'spec.matchResources.matchPolicy: Unsupported value: "": supported values: "Equivalent", "Exact"',
            ],
        ),
    ],
)
def test_policies(kind: str, spec: dict[str, Any], causes: list[str]) -> None:
    """Every part of a policy and of its binding but what the expressions say."""
    assert short(causes_of(*_made(kind, spec))) == causes


def test_conditions_of_old() -> None:
    """Conditions are looked at again when they, or the parameters they may name, change."""
    old = {**POLICY, "matchConditions": [{"name": "", "expression": "true"}]}
    resource, body = _made("ValidatingAdmissionPolicy", old)
    assert causes_of(resource, body, body) == []
    changed = {**old, "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}}
    assert causes_of(*_made("ValidatingAdmissionPolicy", changed), body) == [
        "spec.matchConditions[0].name: Required value"
    ]
