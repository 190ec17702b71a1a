"""Times and quantities are spelt in one way."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.api.registry import Registry
from kube_actors.api.spelling import spell

POD = Registry.built_in().by_id("pods").schema.root
LEASE = Registry.built_in().by_id("leases.coordination.k8s.io").schema.root


@pytest.mark.parametrize(
    ("sent", "spelt"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01T02:00:00.999+02:00", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00-00:30", "2026-01-01T00:30:00Z"),
    ],
)
def test_times(sent: str, spelt: str) -> None:
    """Whole seconds in UTC."""
    body = {"status": {"conditions": [{"type": "Ready", "lastTransitionTime": sent}]}}
    assert spell(POD, body)["status"]["conditions"] == [{"type": "Ready", "lastTransitionTime": spelt}]


@pytest.mark.parametrize(
    ("sent", "spelt"),
    [
        ("2026-01-01T00:00:00.000001Z", "2026-01-01T00:00:00.000001Z"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000Z"),
        ("2026-01-01T01:00:00.123456789+01:00", "2026-01-01T00:00:00.123456Z"),
    ],
)
def test_times_of_leases(sent: str, spelt: str) -> None:
    """Microseconds, always six digits."""
    assert spell(LEASE, {"spec": {"renewTime": sent}}) == {"spec": {"renewTime": spelt}}


@pytest.mark.parametrize(
    ("sent", "spelt"), [("0.5", "500m"), ("1024Ki", "1Mi"), (2, "2"), (1.5, "1500m"), ("1e9", "1e9"), ("250m", "250m")]
)
def test_quantities(sent: Any, spelt: str) -> None:
    """In maps inside of lists, and in fields; all else stays as it is."""
    container = {"name": "1024Ki", "resources": {"requests": {"cpu": sent}}}
    volume = {"name": "v", "emptyDir": {"sizeLimit": sent}}
    body = {"metadata": {"labels": {"a": "0.5"}}, "spec": {"containers": [container], "volumes": [volume]}}
    spec = spell(POD, body)["spec"]
    assert spec["containers"] == [{"name": "1024Ki", "resources": {"requests": {"cpu": spelt}}}]
    assert spec["volumes"][0]["emptyDir"] == {"sizeLimit": spelt}
    assert body["metadata"] == {"labels": {"a": "0.5"}}


def test_types_that_contain_themselves() -> None:
    """A schema of a custom resource is looked through only as far as its types reach."""
    root = Registry.built_in().by_id("customresourcedefinitions.apiextensions.k8s.io").schema.root
    nested = {"properties": {"a": {"properties": {"b": {"default": "0.5"}}}}}
    body = {"spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": nested}}]}}
    assert spell(root, body)["spec"]["versions"][0]["schema"]["openAPIV3Schema"] == nested
