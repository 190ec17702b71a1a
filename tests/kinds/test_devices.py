# ruff: noqa: E501  (expected messages stand unbroken)
"""What is refused of claims of devices and of devices that are offered, in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kinds.judge import causes_of, short

Body = dict[str, Any]
CLAIMS, SLICES, CLASSES = (f"{kind}.resource.k8s.io" for kind in ("resourceclaims", "resourceslices", "deviceclasses"))
WANTED = {"deviceClassName": "gpu"}
ASKED = {"name": "a", "exactly": WANTED}
OPAQUE = {"driver": "d.example.com", "parameters": {"x": 1}}
POOL = {"name": "p", "generation": 1, "resourceSliceCount": 1}
UUID = "6f1c2f2e-0000-4000-8000-000000000001"


def _claim(*requests: Body, **devices: Any) -> Body:
    return {"kind": "ResourceClaim", "spec": {"devices": {"requests": list(requests), **devices}}}


def _slice(*devices: Body, **spec: Any) -> Body:
    listed = {"devices": list(devices)} if devices else {}
    return {"spec": {"driver": "d.example.com", "nodeName": "n", "pool": POOL, **listed, **spec}}


def _device(**fields: Any) -> Body:
    return _slice({"name": "d", **fields})


def test_what_is_filled_in() -> None:
    """One device, also where the number is 0; a toleration of values that are equal."""
    claim = _claim(
        {"name": "a", "exactly": {**WANTED, "count": 0, "allocationMode": "", "tolerations": [{"key": "k"}]}}
    )
    assert causes_of(CLAIMS, claim) == []


@pytest.mark.parametrize(
    ("claim", "causes"),
    [
        (_claim(ASKED), []),
        (
            _claim({"exactly": {}}, ASKED, ASKED),
            [
                'spec.devices.requests[0].name: Invalid value: ""',
                "spec.devices.requests[0].exactly.deviceClassName: Required value",
                'spec.devices.requests[2]: Duplicate value: "a"',
            ],
        ),
        (_claim(*[{"name": f"a{n}", "exactly": WANTED} for n in range(33)]), ["spec.devices.requests: Too many: 33: must have at most 32 items"]),
        (
            _claim({**ASKED, "firstAvailable": [{"name": "b", **WANTED}]}, {"name": "c"}),
            [
                'spec.devices.requests[0]: Invalid value: "null": exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set',
                "spec.devices.requests[1]: Required value: exactly one of `exactly` or `firstAvailable` is required",
            ],
        ),
        (
            _claim({"name": "a", "firstAvailable": [{"name": f"b{n}", **WANTED} for n in range(9)]}),
            ["spec.devices.requests[0].firstAvailable: Too many: 9: must have at most 8 items"],
        ),
        (
            _claim({"name": "a", "exactly": {**WANTED, "allocationMode": "All", "count": 2, "selectors": [{}, {"cel": {"expression": "x" * 10241}}]}}),
            [
                "spec.devices.requests[0].exactly.selectors[0].cel: Required value",
                "spec.devices.requests[0].exactly.selectors[1].cel.expression: Too long: may not be more than 10240 bytes",
                "spec.devices.requests[0].exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'",
            ],
        ),
        (
            _claim({"name": "a", "exactly": {**WANTED, "tolerations": [{"key": "k", "operator": "Exists", "value": "v"}, {"operator": "Like", "effect": "Off"}]}}),
            [
                'spec.devices.requests[0].exactly.tolerations[0].value: Invalid value: "v": must be empty for operator `Exists`',
                'spec.devices.requests[0].exactly.tolerations[1].operator: Unsupported value: "Like": supported values: "Equal", "Exists"',
                'spec.devices.requests[0].exactly.tolerations[1].effect: Unsupported value: "Off": supported values: "NoExecute", "NoSchedule", "None"',
            ],
        ),
        (
            _claim(ASKED, constraints=[{"requests": ["a", "a", "b"], "matchAttribute": "model"}, {}]),
            [
                "spec.devices.constraints[0].requests[2]: Invalid value: \"b\": must be the name of a request in the claim or the name of a request and a subrequest separated by '/'",
                'spec.devices.constraints[0].requests[1]: Duplicate value: "a"',
                'spec.devices.constraints[0].matchAttribute: Invalid value: "model": a fully qualified name must be a domain and a name separated by a slash',
                'spec.devices.constraints[1]: Required value: exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set',
            ],
        ),
        (
            _claim(ASKED, config=[{}, {"opaque": {"parameters": 5}}, {"requests": ["a/b/c"], "opaque": {**OPAQUE, "parameters": {"x": "y" * 10240}}}]),
            [
                "spec.devices.config[0].opaque: Required value",
                "spec.devices.config[1].opaque.driver: Required value",
                'spec.devices.config[1].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object',
                "spec.devices.config[2].requests[0]: Invalid value: \"a/b/c\": must be the name of a request in the claim or the name of a request and a subrequest separated by '/'",
                "spec.devices.config[2].opaque.parameters: Too long: may not be more than 10240 bytes",
            ],
        ),
    ],
)  # fmt: skip
def test_claims(claim: Body, causes: list[str]) -> None:
    """Everything that may be asked for."""
    assert short(causes_of(CLAIMS, claim)) == causes


@pytest.mark.parametrize(
    ("body", "causes"),
    [
        (_device(), []),
        (
            {"spec": {}},
            [
                "spec.driver: Required value",
                "spec.pool.name: Required value",
                "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero",
                "spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required",
            ],
        ),
        (
            _slice(nodeName="", allNodes=False, nodeSelector={"nodeSelectorTerms": []}),
            [
                'spec.nodeName: Invalid value: "": must be either unset or set to a non-empty string',
                "spec.nodeSelector.nodeSelectorTerms: Required value: must have at least one node selector term",
                "spec.allNodes: Invalid value: false: must be either unset or set to true",
                "spec.nodeSelector.nodeSelectorTerms: Invalid value: null: must have exactly one node selector term",
            ],
        ),
        (
            _slice({"name": "d"}, sharedCounters=[{"counters": {"c": {"value": "1"}}}], allNodes=True),
            [
                "spec: Invalid value: \"{`nodeName`, `allNodes`}\": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set",
                'spec: Invalid value: "": only one of `sharedCounters` or `devices` is allowed',
                "spec.sharedCounters[0].name: Required value",
            ],
        ),
        (
            _slice(*[{"name": f"d{n}", "taints": [{"key": "k", "effect": "None"}]} for n in range(65)]),
            ["spec.devices: Too many: 65: must have at most 64 items"],
        ),
        (_slice({"name": "d"}, {"name": "d"}, {}), ['spec.devices[2].name: Invalid value: ""', 'spec.devices[1]: Duplicate value: "d"']),
        (
            _device(attributes={"a": {}, "b/c/d": {"int": 1}, "/e": {"int": 1, "bool": True}, "f-g": {"version": "1.2"}, "h": {"strings": []}}),
            [
                'spec.devices[0].attributes[a]: Invalid value: "": exactly one value must be specified',
                'spec.devices[0].attributes: Invalid value: "b/c/d": must not contain more than one slash',
                'spec.devices[0].attributes: Invalid value: "": the domain must not be empty',
                'spec.devices[0].attributes[/e]: Invalid value: {"bool":true,"int":1}: exactly one value must be specified',
                "spec.devices[0].attributes: Invalid value: \"f-g\": a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' "
                "(e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')",
                'spec.devices[0].attributes[f-g].version: Invalid value: "1.2": must be a string compatible with semver.org spec 2.0.0',
                "spec.devices[0].attributes[h].strings: Invalid value: []: must not be empty if specified",
            ],
        ),
        (
            _device(attributes={f"a{n}": {"ints": [1, 2]} for n in range(33)}),
            [
                "spec.devices[0]: Invalid value: 33: the total number of attributes and capacities must not exceed 32",
                "spec.devices[0]: Invalid value: 66: the total number of attribute values must not exceed 48",
            ],
        ),
        (
            _device(taints=[{"key": "", "value": "-"}], consumesCounters=[{}], nodeName="n"),
            [
                'spec.devices[0].taints[0].key: Invalid value: ""',
                'spec.devices[0].taints[0].key: Invalid value: ""',
                'spec.devices[0].taints[0].value: Invalid value: "-"',
                "spec.devices[0].taints[0].effect: Required value",
                "spec.devices[0].consumesCounters[0].counterSet: Required value",
                "spec.devices[0].consumesCounters[0].counters: Required value",
                'spec.devices[0]: Invalid value: "null": `nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec',
            ],
        ),
        (
            _device(bindingConditions=["a", "b"], bindingFailureConditions=["b", "b"]),
            [
                'spec.devices[0].bindingFailureConditions[1]: Duplicate value: "b"',
                'spec.devices[0].bindingFailureConditions[0]: Invalid value: "b": bindingFailureConditions must not overlap with bindingConditions',
                'spec.devices[0].bindingFailureConditions[1]: Invalid value: "b": bindingFailureConditions must not overlap with bindingConditions',
            ],
        ),
        (
            _device(capacity={"mem": {"value": "10", "requestPolicy": {}}}),
            ["spec.devices[0].capacity[mem].requestPolicy: Forbidden: allowMultipleAllocations must be true"],
        ),
        (
            _device(
                allowMultipleAllocations=True,
                capacity={
                    "a": {"value": "10", "requestPolicy": {"default": "3", "validValues": ["2", "1", "20"]}},
                    "b": {"value": "10", "requestPolicy": {"default": "1", "validRange": {"min": "2", "max": "12", "step": "3"}}},
                    "c": {"value": "10", "requestPolicy": {"validRange": {}}},
                },
            ),
            [
                'spec.devices[0].capacity[a].requestPolicy.validValues[1]: Invalid value: "1": values must be sorted in ascending order',
                'spec.devices[0].capacity[a].requestPolicy.validValues[2]: Invalid value: "20": option is larger than capacity value: 10',
                'spec.devices[0].capacity[a].requestPolicy.validValues: Invalid value: "3": default value is not valid according to the requestPolicy',
                'spec.devices[0].capacity[b].requestPolicy.validRange.default: Invalid value: "1": default is less than min: 2',
                'spec.devices[0].capacity[b].requestPolicy.validRange.max: Invalid value: "12": max is larger than capacity value: 10',
                'spec.devices[0].capacity[b].requestPolicy.validRange.step: Invalid value: "1": value is not a multiple of a given step (3) from (2)',
                'spec.devices[0].capacity[b].requestPolicy.validRange.step: Invalid value: "12": value is not a multiple of a given step (3) from (2)',
                "spec.devices[0].capacity[c].requestPolicy.default: Required value: required when validRange is defined",
            ],
        ),
    ],
)  # fmt: skip
def test_slices(body: Body, causes: list[str]) -> None:
    """Where devices are, what they are like, and what is taken of them."""
    assert short(causes_of(SLICES, body)) == causes


def test_devices_that_were_there_before() -> None:
    """Taints and capacities that stay as they are were let in once; whose devices they are stays."""
    old = _device(taints=[{"key": "k", "effect": ""}])
    new = _slice({**old["spec"]["devices"][0], "attributes": {"a": {"int": 1}}}, nodeName="other")
    assert causes_of(SLICES, new, old) == ['spec.nodeName: Invalid value: "other": field is immutable']


def test_classes() -> None:
    """Selectors, configuration and the resource that pods may ask for instead."""
    spec = {"selectors": [{"cel": {}}], "config": [{}], "extendedResourceName": "kubernetes.io/gpu"}
    assert causes_of(CLASSES, {"spec": spec}) == [
        "spec.selectors[0].cel.expression: Required value",
        "spec.config[0].opaque: Required value",
        'spec.extendedResourceName: Invalid value: "kubernetes.io/gpu": must be a valid extended resource name',
    ]


RESULT = {"request": "a", "driver": "d.example.com", "pool": "p", "device": "d"}
ALLOCATION = {"devices": {"results": [RESULT]}}
USER = {"resource": "pods", "name": "web", "uid": "1"}


@pytest.mark.parametrize(
    ("before", "status", "causes"),
    [
        ({}, {"allocation": ALLOCATION, "reservedFor": [USER]}, []),
        ({}, {"reservedFor": [USER]}, ["status.reservedFor: Forbidden: may not be specified when `allocated` is not set"]),
        (
            {"allocation": ALLOCATION},
            {"allocation": {"devices": {}}, "reservedFor": [USER, USER, {}]},
            [
                "status.reservedFor[2].resource: Required value",
                "status.reservedFor[2].name: Required value",
                "status.reservedFor[2].uid: Required value",
                'status.reservedFor[1]: Duplicate value: "1"',
                'status.allocation: Invalid value: {"devices":{}}: field is immutable',
            ],
        ),
        (
            {},
            {"allocation": {"devices": {"results": [{**RESULT, "request": "b", "shareID": UUID.upper()}], "config": [{}]}}},
            [
                "status.allocation.devices.results[0].request: Invalid value: \"b\": must be the name of a request in the claim or the name of a request and a subrequest separated by '/'",
                f'status.allocation.devices.results[0].shareID: Invalid value: "{UUID.upper()}": uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters',
                "status.allocation.devices.config[0].source: Required value",
                "status.allocation.devices.config[0].opaque: Required value",
            ],
        ),
        (
            {"allocation": ALLOCATION},
            {
                "allocation": ALLOCATION,
                "devices": [
                    {**RESULT, "conditions": [{"type": "Ready", "status": "Maybe"}], "networkData": {"ips": ["10.0.0.1", "10.0.0.1/24"]}},
                    {**RESULT, "device": "e"},
                ],
            },
            [
                'status.devices[0].conditions[0].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"',
                "status.devices[0].conditions[0].lastTransitionTime: Required value: must be set",
                "status.devices[0].conditions[0].reason: Required value: must be set",
                'status.devices[0].networkData.ips[0]: Invalid value: "10.0.0.1": must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)',
                'status.devices[1]: Invalid value: "d.example.com/p/e": must be an allocated device in the claim',
            ],
        ),
    ],
)  # fmt: skip
def test_statuses_of_claims(before: Body, status: Body, causes: list[str]) -> None:
    """What was allocated stays allocated; what is reported is about that."""
    claim = {**_claim(ASKED), "metadata": {"name": "x", "namespace": "default"}}
    assert causes_of(CLAIMS, {**claim, "status": status}, {**claim, "status": before}, "status") == causes
