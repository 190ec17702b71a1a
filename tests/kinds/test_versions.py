"""Old API versions on their way in."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.api.patches import clone
from kube_actors.api.registry import Registry
from kube_actors.kinds.versions import CONVERSIONS, convert

LABELS = {"project": "wido", "role": "web"}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "web", "image": "nginx:0.1"}]}}


def _deployment(version: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": version,
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"template": TEMPLATE, **spec},
    }


def test_the_oldest_deployment() -> None:
    """No selector, one by one, all old ReplicaSets, no deadline: as extensions/v1beta1 meant it."""
    old = _deployment("extensions/v1beta1", rollbackTo={"revision": 3})
    before = clone(old)
    converted, warnings = convert(old)
    assert old == before
    assert converted == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "labels": LABELS,
            "annotations": {"deprecated.deployment.rollback.to": "3"},
        },
        "spec": {
            "template": TEMPLATE,
            "selector": {"matchLabels": LABELS},
            "revisionHistoryLimit": 2147483647,
            "progressDeadlineSeconds": 2147483647,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}},
        },
    }
    assert warnings == ["extensions/v1beta1 Deployment is deprecated, unavailable in v1.16+; use apps/v1 Deployment"]


@pytest.mark.parametrize(
    ("version", "spec", "added"),
    [
        ("apps/v1beta1", {}, {"selector": {"matchLabels": LABELS}, "revisionHistoryLimit": 2}),
        ("apps/v1beta2", {"selector": {"matchLabels": LABELS}}, {}),
        ("apps/v1beta1", {"selector": {"matchLabels": {"role": "web"}}, "revisionHistoryLimit": 5}, {}),
    ],
)
def test_younger_deployments(version: str, spec: dict[str, Any], added: dict[str, Any]) -> None:
    """What is said stays; what that version defaulted otherwise is added."""
    converted, _ = convert(_deployment(version, **spec))
    assert (converted["apiVersion"], converted["spec"]) == ("apps/v1", {"template": TEMPLATE, **spec, **added})


def test_recreate_gets_no_amounts() -> None:
    """Only rolling updates are by one."""
    converted, _ = convert(_deployment("extensions/v1beta1", strategy={"type": "Recreate"}))
    assert converted["spec"]["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize("body", [_deployment("apps/v1"), {"kind": "Deployment"}, {"apiVersion": "x/v1", "kind": "Y"}])
def test_others_come_back_as_they_are(body: dict[str, Any]) -> None:
    """Current and unknown versions."""
    converted, warnings = convert(body)
    assert (converted is body, warnings) == (True, [])


@pytest.mark.parametrize("spec", [None, [], {"template": 3}, {"template": {"metadata": None}}, {"strategy": 1}])
def test_nonsense_is_left_to_validation(spec: Any) -> None:
    """A body that is no Deployment is converted without falling over it."""
    converted, _ = convert({"apiVersion": "extensions/v1beta1", "kind": "Deployment", "metadata": {}, "spec": spec})
    assert converted["apiVersion"] == "apps/v1"


def test_every_target_exists() -> None:
    """Each conversion leads to a kind the registry has, from a version it has not."""
    registry = Registry.built_in()
    for (version, kind), conversion in CONVERSIONS.items():
        assert registry.by_kind(conversion.api_version, kind) is not None
        assert registry.by_kind(version, kind) is None
