"""Tables: what `kubectl get` is sent."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.api.codecs import json
from kube_actors.api.registry import Registry, Resource
from kube_actors.api.times import parse_rfc3339
from kube_actors.kinds import project
from kube_actors.kinds.columns import row_of
from kube_actors.server.tables import table_of, table_parts
from kube_actors.server.tables.descriptions import DESCRIPTIONS
from kube_actors.store import Key, Revision

REGISTRY = Registry.built_in()
NOW = parse_rfc3339("2025-01-01T12:00:00Z")
METADATA = {
    "name": "web",
    "namespace": "default",
    "creationTimestamp": "2025-01-01T11:58:00Z",
    "resourceVersion": "7",
    "uid": "u-1",
}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": METADATA,
    "spec": {"containers": [{"name": "c"}]},
    "status": {"phase": "Succeeded"},
}


def stored(body: dict[str, Any], resource_id: str) -> Revision:
    """The object as the store keeps it."""
    metadata = body["metadata"]
    key = Key(resource_id, metadata.get("namespace", ""), metadata["name"])
    return Revision(key, "u-1", 7, json.dumps(body), project(resource_id, body))


def table(body: dict[str, Any], resource: Resource, **wanted: Any) -> dict[str, Any]:
    """The table of one object, read back."""
    read: dict[str, Any] = json.loads(table_of(resource, [stored(body, resource.id)], NOW, **wanted))
    return read


def test_a_table_has_columns_rows_and_the_metadata_of_the_list() -> None:
    """Everything a client asks a Table for."""
    found = table(POD, REGISTRY.find("pods"), list_metadata={"resourceVersion": "9", "continue": "x"})
    assert (found["kind"], found["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert found["metadata"] == {"resourceVersion": "9", "continue": "x"}
    first, status = found["columnDefinitions"][0], found["columnDefinitions"][2]
    assert (first["name"], first["type"], first["format"], first["priority"]) == ("Name", "string", "name", 0)
    assert (status["name"], status["format"]) == ("Status", "")
    assert [each["priority"] for each in found["columnDefinitions"]] == [0] * 5 + [1] * 4
    row = found["rows"][0]
    assert row["cells"] == ["web", "0/1", "Succeeded", "0", "2m", "<none>", "<none>", "<none>", "<none>"]


def test_the_object_of_a_row() -> None:
    """Metadata unless the client asks for the whole object or for nothing."""
    pods = REGISTRY.find("pods")
    assert table(POD, pods)["rows"][0]["object"] == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": METADATA,
    }
    assert table(POD, pods, include_object="Object")["rows"][0]["object"] == POD
    assert table(POD, pods, include_object="None")["rows"][0]["object"] is None


def test_the_old_version_of_tables() -> None:
    """A client that asks for v1beta1 gets that throughout."""
    found = table(POD, REGISTRY.find("pods"), version="v1beta1")
    assert found["apiVersion"] == "meta.k8s.io/v1beta1"
    assert found["rows"][0]["object"]["apiVersion"] == "meta.k8s.io/v1beta1"


def test_later_events_of_a_watch_have_no_columns() -> None:
    """Columns come once."""
    assert table(POD, REGISTRY.find("pods"), headers=False)["columnDefinitions"] is None


def test_an_ended_pod_says_so() -> None:
    """Rows of pods that have ended carry the condition Completed; others none."""
    pods = REGISTRY.find("pods")
    condition = table(POD, pods)["rows"][0]["conditions"][0]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Completed", "True", "Succeeded")
    assert "conditions" not in table({**POD, "status": {"phase": "Running"}}, pods)["rows"][0]


def test_numbers_stay_numbers() -> None:
    """Cells of counted things are sent as numbers and truth values."""
    replica_sets = REGISTRY.find("rs")
    body = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": METADATA, "spec": {"replicas": 3}}
    found = table(body, replica_sets)
    assert found["rows"][0]["cells"][:4] == ["web", 3, 0, 0]
    assert [each["type"] for each in found["columnDefinitions"]][:5] == ["string"] + ["integer"] * 3 + ["string"]


def test_an_object_in_the_version_that_was_asked_for() -> None:
    """Of a kind with two versions the whole object comes in the version of the path."""
    old = REGISTRY.by_path("autoscaling", "v1", "horizontalpodautoscalers")
    assert old is not None
    body = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": METADATA,
        "spec": {"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "web"}},
    }
    found = table(body, old, include_object="Object")
    assert found["rows"][0]["object"]["apiVersion"] == "autoscaling/v1"
    assert found["rows"][0]["cells"] == ["web", "Deployment/web", "<none>", "<unset>", 3, 0, "2m"]


@pytest.mark.parametrize("resource", list(REGISTRY), ids=lambda each: f"{each.id}/{each.version}")
def test_every_kind_has_a_row(resource: Resource) -> None:
    """The smallest object of every kind makes as many cells as there are columns, and all columns are described."""
    body = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": METADATA}
    assert len(row_of(resource.id)(body, NOW)) == len(resource.columns)
    found = table(body, resource)
    assert all(each["description"] for each in found["columnDefinitions"])


def test_no_description_without_a_column() -> None:
    """Descriptions of columns that no kind has are forgotten ones."""
    assert DESCRIPTIONS.keys() == {column.name for resource in REGISTRY for column in resource.columns}


def test_a_table_in_pieces_is_the_same() -> None:
    """Who sends a long table in pieces sends the same bytes."""
    pods = REGISTRY.find("pods")
    revisions = [stored(POD, "pods")] * 3
    assert b"".join(table_parts(pods, revisions, NOW)) == table_of(pods, revisions, NOW)
    assert len(json.loads(table_of(pods, revisions, NOW))["rows"]) == 3
