"""Unknown and repeated fields, in every way to send an object: which are told, in what order and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.writing.stage import DEPLOYMENTS, JSON_PATCH, MERGE, STRATEGIC, Caller, deployment

WEB = f"{DEPLOYMENTS}/web"

JSON_TEXT = b"""{
\t"metadata": {"name": "old", "name": "web", "odd": "1"},
\t"spec": {
\t\t"strange": 1,
\t\t"twice": 1,
\t\t"twice": 2,
\t\t"paused": true,
\t\t"paused": false,
\t\t"selector": {"matchLabels": {"app": "web"}},
\t\t"template": {
\t\t\t"metadata": {"labels": {"app": "web"}},
\t\t\t"spec": {"containers": [{
\t\t\t\t"name": "app", "image": "nginx", "nested": 1,
\t\t\t\t"imagePullPolicy": "Always", "imagePullPolicy": "Never"
\t\t\t}]}
\t\t}
\t}
}"""
YAML_TEXT = b"""metadata:
  name: old
  name: web
  odd: 1
spec:
  strange: 1
  twice: 1
  twice: 2
  paused: true
  paused: false
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: app
        image: nginx
        nested: 1
        imagePullPolicy: Always
        imagePullPolicy: Never
"""
IN_JSON = [
    'duplicate field "metadata.name"',
    'unknown field "metadata.odd"',
    'unknown field "spec.strange"',
    'unknown field "spec.twice"',
    'duplicate field "spec.paused"',
    'unknown field "spec.template.spec.containers[0].nested"',
    'duplicate field "spec.template.spec.containers[0].imagePullPolicy"',
]
LINES = [
    'line 3: key "name" already set in map',
    'line 8: key "twice" already set in map',
    'line 10: key "paused" already set in map',
    'line 20: key "imagePullPolicy" already set in map',
]
UNKNOWN = [
    'unknown field "metadata.odd"',
    'unknown field "spec.strange"',
    'unknown field "spec.template.spec.containers[0].nested"',
    'unknown field "spec.twice"',
]
PREFIX = 'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: '


@pytest.mark.parametrize(
    ("text", "content_type", "told", "refusal"),
    [
        (JSON_TEXT, "application/json", IN_JSON, ", ".join(IN_JSON)),
        (
            YAML_TEXT,
            "application/yaml",
            [*LINES, *UNKNOWN],
            ", ".join(["yaml: unmarshal errors:" + "".join(f"\n  {line}" for line in LINES), *UNKNOWN]),
        ),
    ],
)
async def test_whole_objects(call: Caller, text: bytes, content_type: str, told: list[str], refusal: str) -> None:
    """Strict refuses all of it at once, Warn tells it one by one, and of what is given twice the last counts."""
    strict = await call("POST", f"{DEPLOYMENTS}?fieldValidation=Strict", text, content_type)
    assert (strict.code, strict.message) == (400, PREFIX + refusal)
    made = await call("POST", DEPLOYMENTS, text, content_type)
    assert (made.code, made.warnings, made.body["metadata"]["name"]) == (201, told, "web")
    assert made.body["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] == "Never"
    replaced = await call("PUT", f"{WEB}?fieldValidation=Warn", text, content_type)
    assert (replaced.code, replaced.warnings) == (200, told)
    ignored = await call("PUT", f"{WEB}?fieldValidation=Ignore", text, content_type)
    assert (ignored.code, ignored.warnings) == (200, [])


@pytest.mark.parametrize("content_type", [MERGE, STRATEGIC])
async def test_patches(call: Caller, content_type: str) -> None:
    """What the patch gives twice comes first, then what the patched object does not know, sorted."""
    await call("POST", DEPLOYMENTS, deployment())
    text = b"""{"spec": {"twice": 1, "twice": 2, "strange": 1, "paused": true, "paused": false,
        "template": {"spec": {"containers": [{"name": "app", "image": "nginx", "nested": 1}]}}}}"""
    told = ['duplicate field "spec.twice"', 'duplicate field "spec.paused"', *UNKNOWN[1:]]
    strict = await call("PATCH", f"{WEB}?fieldValidation=Strict", text, content_type)
    assert (strict.code, strict.message.partition(": strict")[2]) == (422, f" decoding error: {', '.join(told)}")
    assert (await call("PATCH", WEB, text, content_type)).warnings == told
    assert (await call("PATCH", f"{WEB}?fieldValidation=Ignore", text, content_type)).warnings == []


async def test_json_patches(call: Caller) -> None:
    """Operations have members nobody knows, or twice; what they add may be unknown."""
    await call("POST", DEPLOYMENTS, deployment())
    text = b"""[{"op": "add", "path": "/spec/strange", "value": 1, "foo": 1},
        {"op": "add", "path": "/spec/a", "path": "/spec/b", "value": 1},
        {"op": "add", "path": "/spec/template/spec/containers/0/nested", "value": 1}]"""
    told = [
        'json patch unknown field "[0].foo"',
        'json patch duplicate field "[1].path"',
        'unknown field "spec.b"',
        'unknown field "spec.strange"',
        'unknown field "spec.template.spec.containers[0].nested"',
    ]
    assert (await call("PATCH", WEB, text, JSON_PATCH)).warnings == told


@pytest.mark.parametrize(
    "text",
    [
        b'{\n\t"apiVersion": "apps/v1",\n\t"kind": "Deployment",\n\t"metadata": {"name": "web"},\n\t"spec": {'
        b'\n\t\t"paused": false,\n\t\t"paused": true,\n\t\t"selector": {"matchLabels": {"app": "web"}},\n\t\t'
        b'"template": {"metadata": {"labels": {"app": "web"}}, '
        b'"spec": {"containers": [{"name": "app", "image": "nginx"}]}}}}',
        b"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n"
        b"  paused: false\n  paused: true\n  template:\n    metadata: {labels: {app: web}}\n"
        b"    spec: {containers: [{name: app, image: nginx}]}\n",
    ],
)
async def test_applied_configurations(call: Caller, text: bytes) -> None:
    """JSON is read as YAML there, and told so: line by line."""
    line = 'line 7: key "paused" already set in map'
    strict: Any = await call.apply(WEB, text, query="&fieldValidation=Strict")
    why = f"error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  {line}"
    assert (strict.code, strict.message) == (400, why)
    made = await call.apply(WEB, text)
    assert (made.code, made.warnings, made.body["spec"]["paused"]) == (201, [line], True)
