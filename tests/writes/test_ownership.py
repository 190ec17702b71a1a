"""Managed fields as they are written down: by the usual author, by a new one, and where two share a field."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.api.patches import clone
from kube_actors.api.registry import Registry
from kube_actors.kinds.versions import ServedVersions
from kube_actors.writes.ownership import Author, record_update

PODS = Registry.built_in().by_id("pods")
VERSIONS = ServedVersions({PODS.api_version: PODS})
EARLY, LATE = "2025-01-01T00:00:00Z", "2025-01-01T00:01:00Z"


def _entry(manager: str, fields: dict[str, Any], time: str = EARLY, subresource: str = "") -> dict[str, Any]:
    entry: dict[str, Any] = {"manager": manager, "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1"}
    entry |= {"fieldsV1": fields, "time": time}
    return entry | ({"subresource": subresource} if subresource else {})


def _status(**leaves: dict[str, Any]) -> dict[str, Any]:
    return {"f:status": {f"f:{name}": value for name, value in leaves.items()}}


PHASE = _status(phase={})


@pytest.mark.parametrize(
    ("stored", "status", "expected"),
    [
        pytest.param(
            [_entry("kubelet", PHASE, subresource="status")],
            {"phase": "Running"},
            [_entry("kubelet", PHASE, LATE, "status")],
            id="the usual author",
        ),
        pytest.param(
            [_entry("kubelet", PHASE, subresource="status")],
            {"phase": "Running", "podIP": "10.0.0.1"},
            [_entry("kubelet", _status(phase={}, podIP={}), LATE, "status")],
            id="a field more",
        ),
        pytest.param(
            [_entry("kubelet", _status(phase={}, podIP={}), subresource="status"), _entry("other", PHASE)],
            {"phase": "Running"},
            [_entry("kubelet", _status(phase={}, podIP={}), LATE, "status")],
            id="a shared field is taken",
        ),
        pytest.param(
            [_entry("other", _status(phase={}, reason={}))],
            {"phase": "Running", "reason": "x"},
            [_entry("other", _status(reason={})), _entry("kubelet", PHASE, LATE, "status")],
            id="a new author",
        ),
        pytest.param(
            [_entry("kubelet", _status(phase={}, message={}), subresource="status")],
            {"phase": "Running", "message": None},
            [_entry("kubelet", PHASE, LATE, "status")],
            id="a field less",
        ),
        pytest.param(
            [_entry("kubelet", PHASE, subresource="status")],
            {},
            [_entry("kubelet", PHASE, subresource="status")],
            id="no change, no time",
        ),
    ],
)
def test_a_report_of_the_status(
    stored: list[dict[str, Any]], status: dict[str, Any], expected: list[dict[str, Any]]
) -> None:
    """Who owns what after the kubelet wrote the status."""
    before = {"phase": "Pending", "reason": "x", "message": "m"}
    old = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "managedFields": stored}, "status": before}
    new = clone(old)
    new["status"] = {name: value for name, value in {**before, **status}.items() if value is not None}
    unchanged = clone(old)
    record_update(old, new, Author("kubelet", "v1", "status", LATE), VERSIONS)
    assert new["metadata"]["managedFields"] == expected
    assert old == unchanged


def test_the_last_field_takes_its_owner_along() -> None:
    """An owner of nothing is not kept."""
    metadata = {"name": "a", "managedFields": [_entry("kubelet", PHASE)]}
    old = {"metadata": metadata, "status": {"phase": "Running"}}
    new: dict[str, Any] = {"metadata": dict(metadata), "status": {}}
    record_update(old, new, Author("other", "v1", "", LATE), VERSIONS)
    assert new["metadata"] == {"name": "a"}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ([{}], []),
        ([], []),
        ([{"manager": "x", "operation": "Guess"}], [_entry("kubelet", PHASE)]),
        ([_entry("x", {"bad": {}})], [_entry("kubelet", PHASE)]),
        ([_entry("heir", PHASE)], [_entry("heir", PHASE)]),
    ],
)
def test_clients_that_edit_managed_fields(sent: list[dict[str, Any]], kept: list[dict[str, Any]]) -> None:
    """They may clear or replace them; what makes no sense is ignored."""
    old = {"metadata": {"name": "a", "managedFields": [_entry("kubelet", PHASE)]}, "status": {"phase": "Running"}}
    old["metadata"]["uid"] = "u"  # type: ignore[index]
    new = clone(old)
    new["metadata"]["managedFields"] = sent
    record_update(old, new, Author("editor", "v1", "", LATE), VERSIONS)
    assert new["metadata"].get("managedFields", []) == kept
