"""One object in every active namespace: a table of what is done about it."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.plan.namespace_object import CreateObject, RestoreObject, plan_namespace_object

WANTED = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca"}, "data": {"ca.crt": "PEM"}}


def existing(data: dict[str, str], **fields: Any) -> dict[str, Any]:
    """The object as somebody left it."""
    return {"metadata": {"name": "ca", "labels": {"own": "label"}, **fields}, "data": data}


@pytest.mark.parametrize(
    ("active", "found", "action"),
    [
        pytest.param(True, None, CreateObject(WANTED), id="missing"),
        pytest.param(False, None, None, id="namespace ends"),
        pytest.param(True, existing({"ca.crt": "PEM"}), None, id="as it should be"),
        pytest.param(True, existing({"ca.crt": "x"}), RestoreObject({"data": {"ca.crt": "PEM"}}), id="changed"),
        pytest.param(
            True, existing({"ca.crt": "PEM", "b": "c"}), RestoreObject({"data": {"ca.crt": "PEM"}}), id="more"
        ),
        pytest.param(True, existing({}, deletionTimestamp="2025-01-01T00:00:00Z"), None, id="being deleted"),
        pytest.param(False, existing({"ca.crt": "x"}), None, id="changed, namespace ends"),
    ],
)
def test_plan(active: bool, found: dict[str, Any] | None, action: object) -> None:
    """What is missing is made, what was changed is restored, and nothing is done in a namespace that ends."""
    assert plan_namespace_object(WANTED, active, found) == action


def test_fields_of_others_are_left_alone() -> None:
    """An account only has to be there: what people add to it stays."""
    wanted = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    found = {"metadata": {"name": "default"}, "imagePullSecrets": [{"name": "registry"}]}
    assert plan_namespace_object(wanted, True, found) is None
