"""What is read out of an object at commit."""

from __future__ import annotations

from kube_actors.store import Owner, Projection, base_projection


def test_everything_that_is_there() -> None:
    """Labels, owners, finalizers, generation and both times, beside the kind's facts."""
    reference = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": "web-1",
        "uid": "u1",
        "controller": True,
        "blockOwnerDeletion": True,
    }
    metadata = {
        "labels": {"app": "web"},
        "ownerReferences": [reference, {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u2"}],
        "finalizers": ["example.com/last", "foregroundDeletion"],
        "generation": 3,
        "creationTimestamp": "1970-01-01T00:01:00Z",
        "deletionTimestamp": "1970-01-01T00:02:00Z",
    }
    owners = (Owner("u1", "ReplicaSet", "apps/v1", "web-1", True, True), Owner("u2", "Node", "v1", "n", False, False))
    finalizers = ("example.com/last", "foregroundDeletion")
    expected = Projection({"app": "web"}, owners, finalizers, 3, 60.0, 120.0, "facts")
    assert base_projection({"metadata": metadata}, "facts") == expected


def test_nothing_that_is_not() -> None:
    """A bare object, and one whose optional fields are null."""
    nothing = Projection({}, (), (), 0, 0.0, None, None)
    assert base_projection({}) == nothing
    assert base_projection({"metadata": {"labels": None, "ownerReferences": None, "finalizers": None}}) == nothing


def test_labels_are_not_the_bodys_own() -> None:
    """Changing the body afterwards does not change what is known of the object."""
    body = {"metadata": {"labels": {"app": "web"}}}
    projection = base_projection(body)
    body["metadata"]["labels"]["app"] = "spoilt"
    assert projection.labels == {"app": "web"}
