"""Field selectors, kind by kind."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.api.codecs import json
from kube_actors.api.registry import Registry
from kube_actors.api.selectors import FieldSelector, SelectorError
from kube_actors.kinds import project
from kube_actors.kinds.field_selection import field_condition
from kube_actors.store import Key, Revision

REGISTRY = Registry.built_in()


def is_selected(resource: str, version: str, selector: str, body: dict[str, Any]) -> bool:
    """Whether an object of the resource, asked for in a group and version, meets the selector."""
    plural, _, group = resource.partition(".")
    row = REGISTRY.by_path(group, version, plural)
    assert row is not None
    metadata = {"name": "one", "namespace": "default", **body.get("metadata", {})}
    whole = {"metadata": metadata, **{name: value for name, value in body.items() if name != "metadata"}}
    key = Key(row.storage_id, metadata["namespace"], metadata["name"])
    revision = Revision(key, "uid", 1, json.dumps(whole), project(key.resource, whole))
    condition = field_condition(row, FieldSelector.parse(selector))
    assert condition is not None
    return condition(revision)


POD = {"spec": {"nodeName": "n1", "containers": []}, "status": {"phase": "Running", "podIP": "10.0.0.1"}}
EVENT = {
    "involvedObject": {"kind": "Pod", "name": "web", "namespace": "default", "uid": "u"},
    "reason": "Started",
    "type": "Normal",
    "source": {"component": "kubelet"},
}


@pytest.mark.parametrize(
    ("resource", "selector", "body", "expected"),
    [
        ("pods", "spec.nodeName=n1,status.phase!=Failed", POD, True),
        ("pods", "spec.nodeName=n2", POD, False),
        ("pods", "status.podIP=10.0.0.1,metadata.name=one", POD, True),
        ("pods", "spec.hostNetwork=false", POD, True),
        ("pods", "spec.hostNetwork=true", {"spec": {"hostNetwork": True, "containers": []}}, True),
        ("pods", "spec.restartPolicy=Never", {"spec": {"restartPolicy": "Never", "containers": []}}, True),
        ("pods", "spec.nodeName=", {"spec": {"containers": []}}, True),
        ("nodes", "spec.unschedulable=false", {"spec": {}}, True),
        ("nodes", "spec.unschedulable=true", {"spec": {"unschedulable": True}}, True),
        ("secrets", "type=Opaque", {"type": "Opaque"}, True),
        ("secrets", "type!=kubernetes.io/tls", {"type": "Opaque"}, True),
        ("namespaces", "name=one,status.phase=Active", {"status": {"phase": "Active"}}, True),
        (
            "services",
            "spec.type=ClusterIP,spec.clusterIP=None",
            {"spec": {"type": "ClusterIP", "clusterIP": "None"}},
            True,
        ),
        ("replicasets.apps", "status.replicas=0", {"spec": {"selector": {}, "template": {}}}, True),
        ("replicationcontrollers", "status.replicas=2", {"status": {"replicas": 2}}, True),
        ("jobs.batch", "status.successful=1", {"status": {"succeeded": 1}}, True),
        ("jobs.batch", "status.successful=0", {}, True),
        (
            "certificatesigningrequests.certificates.k8s.io",
            "spec.signerName=a/b",
            {"spec": {"signerName": "a/b"}},
            True,
        ),
        ("events", "involvedObject.kind=Pod,involvedObject.uid=u", EVENT, True),
        ("events", "involvedObject.namespace=,involvedObject.kind=Node", EVENT, False),
        ("events", "source=kubelet,type!=Warning", EVENT, True),
        ("events.events.k8s.io", "regarding.name=web,type=Normal", EVENT, True),
        ("events.events.k8s.io", "regarding.name=other", EVENT, False),
    ],
)
def test_fields_of_each_kind(resource: str, selector: str, body: dict[str, Any], expected: bool) -> None:
    """As kubectl and client libraries ask for them; absent flags count as false, absent numbers as 0."""
    assert is_selected(resource, "v1", selector, body) == expected


@pytest.mark.parametrize(
    ("resource", "selector", "message"),
    [
        ("pods", "spec.replicas=1", "field label not supported: spec.replicas"),
        ("configmaps", "data=1", '"data" is not a known field selector: only "metadata.name", "metadata.namespace"'),
        ("jobs.batch", "spec.x=1", 'field label "spec.x" not supported for Job'),
        ("events.events.k8s.io", "involvedObject.name=web", "field label not supported: involvedObject.name"),
    ],
)
def test_unknown_fields_are_named(resource: str, selector: str, message: str) -> None:
    """In kube-apiserver's words, which differ from kind to kind."""
    with pytest.raises(SelectorError) as refused:
        is_selected(resource, "v1", selector, {"spec": {"containers": []}})
    assert str(refused.value) == message
