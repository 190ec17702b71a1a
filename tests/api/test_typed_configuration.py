"""Configurations that do not fit their kind: what is told of each place, and where it is."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.api.registry import Registry
from kube_actors.api.typed_configuration import misfits

SCHEMA = Registry.built_in().by_id("deployments.apps").schema


def _pod(**spec: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": spec}}}


@pytest.mark.parametrize(
    "configuration",
    [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "creationTimestamp": None}},
        {"spec": {"replicas": None, "template": None, "strategy": {"rollingUpdate": {"maxSurge": "25%"}}}},
        {"spec": {"strategy": {"rollingUpdate": {"maxSurge": 1}}}},
        _pod(containers=[{"name": "a", "resources": {"limits": {"cpu": 1, "memory": "1Gi"}}}]),
        _pod(containers=[{"name": "a", "ports": [{"containerPort": 1}, {"containerPort": 1, "protocol": "UDP"}]}]),
        _pod(imagePullSecrets=[{}]),
    ],
)
def test_what_fits(configuration: dict[str, Any]) -> None:
    """Null anywhere, numbers and texts where either may stand, keys with a default."""
    assert list(misfits(configuration, SCHEMA)) == []


@pytest.mark.parametrize(
    ("configuration", "path", "why"),
    [
        ({"spec": {"foo": 1}}, ".spec.foo", "field not declared in schema"),
        ({"spec": []}, ".spec", "expected map, got &{[]}"),
        ({"spec": {"replicas": "3"}}, ".spec.replicas", "expected numeric (int or float), got string"),
        ({"spec": {"replicas": True}}, ".spec.replicas", "expected numeric (int or float), got bool"),
        (
            {"spec": {"replicas": {"a": 1}}},
            ".spec.replicas",
            "expected numeric (int or float), got map[string]interface {}",
        ),
        ({"spec": {"paused": "yes"}}, ".spec.paused", "expected boolean, got &{yes}"),
        (
            {"metadata": {"labels": {"a": 8080}}},
            ".metadata.labels.a",
            "expected string, got &value.valueUnstructured{Value:8080}",
        ),
        (
            {"metadata": {"name": {"b": [None, "c"]}}},
            ".metadata.name",
            'expected string, got &value.valueUnstructured{Value:map[string]interface {}{"b":'
            '[]interface {}{interface {}(nil), "c"}}}',
        ),
        (
            _pod(containers={"b": {"c": None}, "a": [1, "x"]}),
            ".spec.template.spec.containers",
            "expected list, got &{map[a:[1 x] b:map[c:<nil>]]}",
        ),
        (
            _pod(containers=[{"name": "a", "env": [{"name": "b", "value": 1}]}]),
            '.spec.template.spec.containers[name="a"].env[name="b"].value',
            "expected string, got &value.valueUnstructured{Value:1}",
        ),
        (
            _pod(containers=[{"name": "a", "command": ["x", 1]}]),
            '.spec.template.spec.containers[name="a"].command[1]',
            "expected string, got &value.valueUnstructured{Value:1}",
        ),
        (
            {"spec": {"strategy": {"rollingUpdate": {"maxSurge": [1]}}}},
            ".spec.strategy.rollingUpdate.maxSurge",
            "expected any scalar, got &{[1]}",
        ),
        ({"metadata": {"finalizers": ["a/b", "a/b"]}}, ".metadata.finalizers", 'duplicate entries for key [="a/b"]'),
        (
            _pod(containers=[{"name": "a"}, {"image": "x"}]),
            ".spec.template.spec.containers",
            'element 1: associative list with keys has an element that omits key field "name" (and doesn\'t have '
            "default value)",
        ),
    ],
)
def test_what_does_not_fit(configuration: dict[str, Any], path: str, why: str) -> None:
    """One place each, named as conflicts name it, with the words of Kubernetes."""
    assert list(misfits(configuration, SCHEMA)) == [(path, why)]
