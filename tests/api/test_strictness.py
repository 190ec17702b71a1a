"""Unknown and repeated fields are found where they stand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kube_actors.api.registry import Registry
from kube_actors.api.strictness import prune, strict_problems

POD = Registry.built_in().by_id("pods").schema
CRD = Registry.built_in().by_id("customresourcedefinitions.apiextensions.k8s.io").schema


@pytest.mark.parametrize(
    ("body", "pruned", "paths"),
    [
        ({"spec": {"hostname": "a"}}, {"spec": {"hostname": "a"}}, []),
        ({"foo": {"bar": 1}, "spec": {}}, {"spec": {}}, ["foo"]),
        ({"spec": {"containers": [{"name": "a"}, {"name": "b", "imag": 1}]}},
         {"spec": {"containers": [{"name": "a"}, {"name": "b"}]}}, ["spec.containers[1].imag"]),
        ({"metadata": {"labels": {"any": "thing"}}}, {"metadata": {"labels": {"any": "thing"}}}, []),
        ({"spec": {"containers": "x", "volumes": {"a": 1}}}, {"spec": {"containers": "x", "volumes": {"a": 1}}}, []),
        ({"spec": {"Hostname": "a"}}, {"spec": {}}, ["spec.Hostname"]),
        ({"metadata": {"labels": {}, "finalizers": []}, "spec": {"containers": []}},
         {"metadata": {}, "spec": {"containers": []}}, []),
        ({"metadata": {"labels": []}, "spec": {"securityContext": {}, "volumes": [{"emptyDir": {}}]}},
         {"metadata": {"labels": []}, "spec": {"securityContext": {}, "volumes": [{"emptyDir": {}}]}}, []),
    ],
)  # fmt: skip
def test_pruning(body: dict[str, Any], pruned: dict[str, Any], paths: list[str]) -> None:
    """What the kind does not have is taken out, and empty lists and maps that need not be there.

    Structs may be empty; values of the wrong type are for others to refuse.
    """
    assert (prune(POD, body), body) == (paths, pruned)


def test_free_form_parts_are_left_alone() -> None:
    """The default in a schema may be anything."""
    schema = {"openAPIV3Schema": {"default": {"any": {"thing": 1}}, "properties": {"a": {"typ": "x"}}}}
    body = {"spec": {"versions": [{"name": "v1", "schema": schema}]}}
    assert prune(CRD, body) == ["spec.versions[0].schema.openAPIV3Schema.properties.a.typ"]
    assert schema["openAPIV3Schema"]["default"] == {"any": {"thing": 1}}


def test_problems_in_the_order_of_the_text() -> None:
    """Each once, however often it is given; repeated unknown fields are unknown."""
    text = b"""{"foo":1,"spec":{"hostname":"a","hostname":"b","hostname":"c","containers":[
        {"name":"a","x":1,"x":2,"env":[{"name":"E","name":"F"}]}]},"foo":2}"""
    assert strict_problems(POD, text) == [
        'unknown field "foo"',
        'duplicate field "spec.hostname"',
        'unknown field "spec.containers[0].x"',
        'duplicate field "spec.containers[0].env[0].name"',
    ]
    without_schema = strict_problems(None, json.dumps({"a": [{"b": 1}]}).replace('"b": 1', '"b": 1, "b": 2').encode())
    assert without_schema == ['duplicate field "a[0].b"']
