# ruff: noqa: E501  (expected messages stand unbroken)
"""What CustomResourceDefinitions may not say, in Kubernetes' words and with its paths."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.kinds import hooks_for
from tests.kinds.judge import causes_of, short

Body = dict[str, Any]
CRDS = "customresourcedefinitions.apiextensions.k8s.io"
SCHEMA = {"openAPIV3Schema": {"type": "object"}}
VERSION = {"name": "v1", "served": True, "storage": True, "schema": SCHEMA}
NAMES = {"plural": "foos", "kind": "Foo"}
SPEC = {"group": "example.com", "scope": "Namespaced", "names": NAMES, "versions": [VERSION]}
ROOT = "spec.validation.openAPIV3Schema"


def _definition(**spec: Any) -> Body:
    body = {"metadata": {"name": "foos.example.com"}, "spec": {**SPEC, **spec}}
    hooks_for(CRDS).prepare_create(body)
    return body


def _schema(**schema: Any) -> Body:
    return _definition(versions=[{**VERSION, "schema": {"openAPIV3Schema": {"type": "object", **schema}}}])


def _field(**field: Any) -> Body:
    return _schema(properties={"a": field})


def test_what_is_filled_in() -> None:
    """Names are made of the kind, and the version that is stored is remembered."""
    body = _definition()
    hooks_for(CRDS).default(body)
    assert (body["spec"]["names"]["singular"], body["spec"]["names"]["listKind"]) == ("foo", "FooList")
    assert body["spec"]["conversion"] == {"strategy": "None"}
    (condition,) = body["status"].pop("conditions")
    assert (condition["type"], condition["status"], condition["reason"]) == ("Established", "False", "NotServed")
    assert body["status"] == {"storedVersions": ["v1"]}
    assert causes_of(CRDS, body) == []
    changed = {**body, "spec": {**body["spec"], "versions": [{**VERSION, "storage": False}, {**VERSION, "name": "v2"}]}}
    hooks_for(CRDS).prepare_update(changed, body, "")
    assert changed["status"] == {"storedVersions": ["v1", "v2"]}


@pytest.mark.parametrize(
    ("body", "causes"),
    [
        (
            _definition(group="", scope="", names={"kind": "foo_s", "listKind": "foo_s", "shortNames": ["A"]}),
            [
                'metadata.name: Invalid value: "foos.example.com": must be spec.names.plural+"."+spec.group',
                "spec.group: Required value",
                "spec.scope: Required value",
                "spec.names.plural: Required value",
                'spec.names.singular: Invalid value: "foo_s"',
                'spec.names.kind: Invalid value: "foo_s": may have mixed case, but should otherwise match',
                'spec.names.listKind: Invalid value: "foo_s": may have mixed case, but should otherwise match',
                'spec.names.shortNames[0]: Invalid value: "A"',
                'spec.names.listKind: Invalid value: "foo_s": kind and listKind may not be the same',
            ],
        ),
        (
            _definition(versions=[]),
            [
                "spec.versions: Invalid value: null: must have exactly one version marked as storage version",
                "status.storedVersions: Invalid value: null: must have at least one stored version",
            ],
        ),
        (
            _definition(versions=[{"name": "", "storage": True, "deprecationWarning": "old"}], preserveUnknownFields=True),
            [
                "spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required",
                'spec.versions[0].name: Invalid value: ""',
                'spec.versions[0].deprecationWarning: Invalid value: "old": can only be set for deprecated versions',
                "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
            ],
        ),
        (
            _definition(
                versions=[
                    {
                        **VERSION,
                        "deprecated": True,
                        "deprecationWarning": "",
                        "subresources": {"scale": {"specReplicasPath": ".status.a", "labelSelectorPath": "b"}},
                        "additionalPrinterColumns": [{}, {"name": "a", "type": "text", "format": "long", "jsonPath": "spec"}],
                        "selectableFields": [{}, {"jsonPath": ".spec.a"}],
                    }
                ]
            ),
            [
                'spec.versions[0].deprecationWarning: Invalid value: "": must not be an empty string',
                'spec.subresources.scale.specReplicasPath: Invalid value: ".status.a": should be a json path under .spec',
                "spec.subresources.scale.statusReplicasPath: Required value",
                'spec.subresources.scale.labelSelectorPath: Invalid value: "b": must be a simple json path starting with .',
                "spec.additionalPrinterColumns[0].name: Required value",
                "spec.additionalPrinterColumns[0].type: Required value: must be one of boolean,date,integer,number,string",
                "spec.additionalPrinterColumns[0].JSONPath: Required value",
                'spec.additionalPrinterColumns[1].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
                'spec.additionalPrinterColumns[1].format: Invalid value: "long": must be one of byte,date,date-time,double,float,int32,int64,password',
                'spec.additionalPrinterColumns[1].JSONPath: Invalid value: "spec": must be a simple json path starting with .',
                "spec.selectableFields[0].jsonPath: Required value",
                'spec.selectableFields[1].jsonPath: Invalid value: ".spec.a": is an invalid path: does not refer to a valid field',
            ],
        ),
        (
            _definition(conversion={"strategy": "None", "webhook": {"clientConfig": {}, "conversionReviewVersions": ["v1"]}}),
            [
                "spec.conversion.webhookClientConfig: Forbidden: should not be set when strategy is not set to Webhook",
                "spec.conversion.conversionReviewVersions: Forbidden: should not be set when strategy is not set to Webhook",
            ],
        ),
        (
            _definition(conversion={"strategy": "Webhook", "webhook": {"clientConfig": {"service": {}}, "conversionReviewVersions": ["v2", "v2"]}}),
            [
                "spec.conversion.webhookClientConfig.service.namespace: Required value",
                "spec.conversion.webhookClientConfig.service.name: Required value",
                'spec.conversion.conversionReviewVersions[1]: Invalid value: "v2": duplicate version',
                'spec.conversion.conversionReviewVersions: Invalid value: ["v2","v2"]: must include at least one of v1, v1beta1',
            ],
        ),
        (
            {**_definition(group="foo.k8s.io"), "metadata": {"name": "foos.foo.k8s.io"}},
            ['metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111'],
        ),
    ],
)  # fmt: skip
def test_definitions(body: Body, causes: list[str]) -> None:
    """Names, versions, subresources, columns and conversion."""
    assert short(causes_of(CRDS, body)) == causes


@pytest.mark.parametrize(
    ("body", "causes"),
    [
        (_schema(type=""), [f"{ROOT}.type: Required value: must not be empty at the root"]),
        (_schema(type="array", items={"type": "string"}), [f'{ROOT}.type: Invalid value: "array": must be object at the root']),
        (_field(), [f"{ROOT}.properties[a].type: Required value: must not be empty for specified object fields"]),
        (_field(type="array"), [f"{ROOT}.properties[a].items: Required value: must be specified"]),
        (_field(type="array", items={}), [f"{ROOT}.properties[a].items.type: Required value: must not be empty for specified array items"]),
        (_field(**{"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}), []),
        (_field(**{"x-kubernetes-preserve-unknown-fields": True}), []),
        (
            _field(type="text", **{"$ref": "#/a"}),
            [
                f'{ROOT}.properties[a].type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"',
                f"{ROOT}.properties[a].$ref: Forbidden: $ref is not supported",
            ],
        ),
        (
            _field(type="object", properties={"b": {"type": "string"}}, additionalProperties={"type": "string"}),
            [f"{ROOT}.properties[a].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"],
        ),
        (
            _field(type="array", uniqueItems=True, items={"type": "string"}),
            [f"{ROOT}.properties[a].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic"],
        ),
        (
            _field(type="array", items={"type": "object", "properties": {"k": {"type": "string"}}}, **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k", "l"]}),
            [
                f"{ROOT}.properties[a].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
                f'{ROOT}.properties[a].x-kubernetes-list-map-keys: Invalid value: ["k","l"]: entries must all be names of item properties',
            ],
        ),
        (
            _field(type="object", **{"x-kubernetes-list-type": "set"}),
            [f'{ROOT}.properties[a].type: Invalid value: "object": must be array if x-kubernetes-list-type is specified'],
        ),
        (
            _field(type="string", allOf=[{"type": "string", "maxLength": 3, "nullable": True, "default": "a"}]),
            [
                f"{ROOT}.properties[a].allOf[0].type: Forbidden: must be empty to be structural",
                f"{ROOT}.properties[a].allOf[0].default: Forbidden: must be undefined to be structural",
                f"{ROOT}.properties[a].allOf[0].nullable: Forbidden: must be false to be structural",
            ],
        ),
        (
            _field(type="array", items={"properties": [1], "allOf": 5, "type": "object", "required": "a"}, **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}),
            [f'{ROOT}.properties[a].x-kubernetes-list-map-keys: Invalid value: ["k"]: entries must all be names of item properties'],
        ),
        (
            _schema(properties={"metadata": {"type": "object", "properties": {"labels": {"type": "object"}}}}),
            [f"{ROOT}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified"],
        ),
        (
            _definition(versions=[VERSION, {**VERSION, "name": "v2", "storage": False, "schema": {"openAPIV3Schema": {}}}]),
            ["spec.versions[1].schema.openAPIV3Schema.type: Required value: must not be empty at the root"],
        ),
    ],
)  # fmt: skip
def test_schemas(body: Body, causes: list[str]) -> None:
    """A schema says of every field what it is; what is the same in all versions stands once."""
    assert causes_of(CRDS, body) == causes


def test_changes() -> None:
    """Group and plural never change, scope and kind not once the kind is served; what is stored stays a version."""
    old = _definition()
    new = _definition(scope="Cluster", names={**NAMES, "kind": "Bar"}, versions=[{**VERSION, "name": "v2"}])
    new["status"] = {"storedVersions": ["v1", "v2"]}
    assert causes_of(CRDS, new, old) == ['status.storedVersions[0]: Invalid value: "v1": must appear in spec.versions']
    old["status"]["conditions"] = [{"type": "Established", "status": "True"}]
    assert causes_of(CRDS, new, old)[1:] == [
        'spec.scope: Invalid value: "Cluster": field is immutable',
        'spec.names.kind: Invalid value: "Bar": field is immutable',
    ]
