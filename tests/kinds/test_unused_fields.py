"""Fields nothing acts on: each exists, and using one is told."""

from __future__ import annotations

import pytest

from kube_actors.api.registry import Registry
from kube_actors.kinds.unused_fields import POD_SPECS, unused_fields, unused_in

RESOURCES = sorted({*POD_SPECS, "services", "nodes"})


@pytest.mark.parametrize("resource", RESOURCES)
def test_every_field_exists(resource: str) -> None:
    """In the schema of its kind, so that nobody is told of what cannot be written."""
    schema = Registry.built_in().by_id(resource).schema
    unknown = [each.path for each in unused_fields(resource) if schema.node(each.path.replace("[]", "[0]")) is None]
    assert unknown == []
    assert unused_fields(resource)


def test_a_use_is_told_once() -> None:
    """In containers of every kind; what is said by default is not a use."""
    profile = {"seccompProfile": {"type": "RuntimeDefault"}}
    containers = [{"name": "a", "securityContext": profile}, {"name": "b", "securityContext": profile}]
    spec = {
        "containers": containers,
        "initContainers": [{"name": "c", "volumeMounts": [{"name": "v", "mountPropagation": "HostToContainer"}]}],
        "hostUsers": True,
        "schedulingGroup": {"podGroupName": "g"},
        "preemptionPolicy": "Never",
    }
    assert unused_in("pods", {"spec": spec}) == [
        "spec.containers[].securityContext.seccompProfile: seccomp filters are not installed",
        "spec.containers[].volumeMounts[].mountPropagation: mounts are always private",
        "spec.schedulingGroup: pods are scheduled one by one",
    ]
    grouped = {"spec": {"template": {"spec": {"schedulingGroup": {"podGroupName": "g"}}}}}
    assert unused_in("deployments.apps", grouped) == [
        "spec.template.spec.schedulingGroup: pods are scheduled one by one"
    ]


def test_an_ordinary_object_uses_none() -> None:
    """Nor does one of a kind without such fields."""
    assert unused_in("services", {"spec": {"internalTrafficPolicy": "Cluster", "ports": [{"port": 80}]}}) == []
    assert unused_in("configmaps", {"data": {"a": "b"}}) == []
