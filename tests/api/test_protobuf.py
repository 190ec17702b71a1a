"""Protobuf bodies as the JSON they stand for."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_actors.api.codecs import json
from kube_actors.api.codecs.protobuf import Default, decode_message, decode_object
from kube_actors.api.registry import Registry

from .protobuf_writing import data, deployment_message, entry, envelope, number, text, varint

REGISTRY = Registry.built_in()
NOTHING = Default("v1", "ConfigMap")
ROOT = Path(__file__).resolve().parents[2]


def _object(body: bytes) -> dict[str, Any]:
    return decode_object(body, REGISTRY.type_name, NOTHING)


def test_a_deployment() -> None:
    """Maps, lists, joined messages, quantities, percentages; zeros that mean nothing are left out, pointers kept."""
    assert _object(envelope("apps/v1", "Deployment", deployment_message())) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "volumes": [{"name": "scratch", "emptyDir": {}}],
                    "containers": [
                        {
                            "name": "app",
                            "image": "nginx",
                            "ports": [{"containerPort": 80}],
                            "resources": {"requests": {"cpu": "100m"}},
                        }
                    ],
                },
            },
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "30%"}},
        },
        "status": {},
    }


@pytest.mark.parametrize(
    ("type_", "message", "expected"),
    [
        ("core.v1.Secret", entry(2, "k", data(2, b"\x00\xff")), {"data": {"k": "AP8="}}),
        ("core.v1.Secret", data(2, text(1, "k")), {"data": {"k": ""}}),
        ("meta.v1.ObjectMeta", data(8, number(1, 0)), {"creationTimestamp": "1970-01-01T00:00:00Z"}),
        ("meta.v1.ObjectMeta", data(8, number(1, -62135596800)), {"creationTimestamp": "0001-01-01T00:00:00Z"}),
        ("coordination.v1.LeaseSpec", data(4, number(1, 5) + number(2, 1500)),
         {"renewTime": "1970-01-01T00:00:05.000001Z"}),
        ("core.v1.ServicePort", data(4, number(2, 8080)), {"targetPort": 8080}),
        ("core.v1.PodSecurityContext", number(4, 5) + number(4, 6), {"supplementalGroups": [5, 6]}),
        ("core.v1.PodSecurityContext", data(4, varint(5) + varint(6)), {"supplementalGroups": [5, 6]}),
        ("core.v1.PodSpec", number(25, -5) + number(21, 0), {"priority": -5, "automountServiceAccountToken": False}),
        ("meta.v1.ManagedFieldsEntry", data(7, text(1, '{"f:a":{}}')), {"fieldsV1": {"f:a": {}}}),
        ("apiextensions.v1.JSONSchemaProps", number(99, 1) + data(24, data(1, text(5, "string"))),
         {"items": {"type": "string"}}),
        ("apiextensions.v1.JSONSchemaProps", data(30, number(1, 1)), {"additionalProperties": True}),
        ("apiextensions.v1.JSONSchemaProps", data(8, text(1, '{"a":1}')), {"default": {"a": 1}}),
        ("apiextensions.v1.JSONSchemaProps", varint(9 << 3 | 1) + struct.pack("<d", 2.5), {"maximum": 2.5}),
        ("authorization.v1.SubjectAccessReviewSpec", entry(5, "scopes", data(2, text(1, "a") + text(1, "b"))),
         {"extra": {"scopes": ["a", "b"]}}),
    ],
)  # fmt: skip
def test_values_of_every_shape(type_: str, message: bytes, expected: dict[str, Any]) -> None:
    """Each becomes what JSON writes for it."""
    assert decode_message(type_, message) == expected


def test_fields_nobody_knows_are_skipped() -> None:
    """Of every wire type, groups included."""
    strangers = number(900, 1) + text(901, "x") + varint(902 << 3 | 1) + bytes(8) + varint(903 << 3 | 5) + bytes(4)
    strangers += varint(904 << 3 | 3) + number(1, 1) + varint(904 << 3 | 4)
    assert decode_message("core.v1.ConfigMap", strangers + entry(2, "a", text(2, "b"))) == {"data": {"a": "b"}}


def test_kinds_from_elsewhere() -> None:
    """The kind a body does not name is the one expected; of an unknown one only the name is answered."""
    assert _object(envelope("", "", entry(2, "a", text(2, "b")))) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "data": {"a": "b"},
    }
    assert _object(envelope("example.com/v1", "Thing", b"\x01")) == {"apiVersion": "example.com/v1", "kind": "Thing"}
    options = _object(envelope("apps/v1", "DeleteOptions", number(1, 0) + text(4, "Foreground")))
    assert (options["gracePeriodSeconds"], options["propagationPolicy"]) == (0, "Foreground")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "empty data"),
        (b"{}", r"provided data does not appear to be a protobuf message, expected prefix \[107 56 115 0\]"),
        (b"k8s\x00\x0a\xff", "unexpected EOF"),
        (b"k8s\x00" + b"\xff" * 11, "proto: integer overflow"),
        (b"k8s\x00\x0f", "proto: illegal wireType 7"),
        (envelope("v1", "ConfigMap", number(1, 3)), "proto: wrong wireType = 0 for field metadata"),
        (envelope("v1", "ConfigMap", data(1, data(1, b"\xff"))), "proto: a text is not valid UTF-8"),
        (envelope("v1", "ConfigMap", data(1, data(8, number(1, 1 << 62)))), "proto: a time lies outside"),
    ],
)
def test_bodies_that_are_no_protobuf(body: bytes, message: str) -> None:
    """ValueError that says why."""
    with pytest.raises(ValueError, match=message):
        _object(body)


def test_messages_cannot_be_nested_without_end() -> None:
    """A schema in a schema, a thousand times."""
    message = text(5, "string")
    for _ in range(1000):
        message = data(28, message)
    with pytest.raises(ValueError, match="nested deeper than 100 messages"):
        decode_message("apiextensions.v1.JSONSchemaProps", message)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_damaged_bodies_are_read_or_refused(source: st.DataObject) -> None:
    """Whatever happens to the bytes, the answer is an object or a ValueError."""
    body = bytearray(envelope("apps/v1", "Deployment", deployment_message()))
    for _ in range(source.draw(st.integers(1, 6))):
        body[source.draw(st.integers(0, len(body) - 1))] = source.draw(st.integers(0, 255))
    del body[source.draw(st.integers(0, len(body))) :]
    try:
        decoded = _object(bytes(body))
    except ValueError:
        return
    json.dumps(decoded)


@pytest.mark.parametrize("resource", list(REGISTRY), ids=lambda resource: f"{resource.api_version}/{resource.kind}")
def test_every_kind_has_its_message(resource: Any) -> None:
    """An object of any kind of the registry can be sent."""
    body = envelope(resource.api_version, resource.kind, data(1, text(1, "a")))
    decoded = _object(body)
    assert decoded["kind"] == resource.kind
    assert len(decoded) > 2


def test_facts_file_is_what_the_generator_writes() -> None:
    """A change of the table without running its generator is noticed."""
    program = [sys.executable, str(ROOT / "tools" / "generate_protobuf_facts.py"), "--check"]
    result = subprocess.run(program, capture_output=True, text=True, check=False)
    assert (result.stderr, result.returncode) == ("", 0)
