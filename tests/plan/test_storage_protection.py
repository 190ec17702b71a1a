"""Which pods keep a claim, and when the finalizer comes and goes."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.plan.storage_protection import is_bound, protect, uses_claim

FINALIZER = "example.com/kept"
OWNED = {"controller": True, "uid": "u1", "kind": "Pod", "name": "web"}
CLAIMED = {"name": "data", "persistentVolumeClaim": {"claimName": "web-scratch"}}
EPHEMERAL = {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}}
NODE = {"nodeName": "a"}


def pod(
    *volumes: dict[str, Any], spec: dict[str, Any] = NODE, phase: str = "Running", **metadata: Any
) -> dict[str, Any]:
    """A pod called web with these volumes."""
    return {
        "metadata": {"name": "web", "uid": "u1", **metadata},
        "spec": {**spec, "volumes": list(volumes)},
        "status": {"phase": phase},
    }


def claim(name: str = "web-scratch", *owners: dict[str, Any]) -> dict[str, Any]:
    """A claim with owners."""
    return {"metadata": {"name": name, "ownerReferences": list(owners)}}


ENDING: dict[str, Any] = {"deletionTimestamp": "2025-01-01T00:00:00Z", "deletionGracePeriodSeconds": 30}
SHUT_DOWN: dict[str, Any] = {**ENDING, "deletionGracePeriodSeconds": 0}


@pytest.mark.parametrize(
    ("user", "claimed", "used"),
    [
        pytest.param(pod(CLAIMED), claim(), True, id="on a node"),
        pytest.param(pod(CLAIMED, spec={}), claim(), False, id="not on a node yet"),
        pytest.param(pod(CLAIMED, phase="Succeeded"), claim(), True, id="finished"),
        pytest.param(pod(CLAIMED, **SHUT_DOWN), claim(), True, id="shut down, but still there"),
        pytest.param(pod(CLAIMED), claim("other"), False, id="another claim"),
        pytest.param(pod(), claim(), False, id="no volumes"),
        pytest.param(pod(EPHEMERAL), claim("web-scratch", OWNED), True, id="made for the pod"),
        pytest.param(pod(EPHEMERAL, **ENDING), claim("web-scratch", OWNED), True, id="made for a pod that ends"),
        pytest.param(pod(EPHEMERAL, **SHUT_DOWN), claim("web-scratch", OWNED), False, id="made for a pod that is over"),
        pytest.param(pod(EPHEMERAL), claim(), False, id="of the same name, not made for the pod"),
        pytest.param(pod(EPHEMERAL, CLAIMED), claim(), True, id="claimed by a second volume"),
    ],
)
def test_who_uses_a_claim(user: dict[str, Any], claimed: dict[str, Any], used: bool) -> None:
    """Pods that are bound to a node, until they are gone."""
    assert uses_claim(user, claimed) is used


def test_bound_volumes() -> None:
    """The phase says it."""
    assert is_bound({"status": {"phase": "Bound"}})
    assert not is_bound({"status": {"phase": "Released"}})
    assert not is_bound({})


@pytest.mark.parametrize(
    ("before", "deleted", "used", "after"),
    [
        ([], False, False, [FINALIZER]),
        (["other"], False, True, ["other", FINALIZER]),
        ([FINALIZER], False, False, [FINALIZER]),
        (["other", FINALIZER], True, False, ["other"]),
        ([FINALIZER], True, True, [FINALIZER]),
        ([], True, True, []),
    ],
)
def test_the_finalizer(before: list[str], deleted: bool, used: bool, after: list[str]) -> None:
    """All that stay have it; what is deleted loses it when nobody uses it, and gets none."""
    metadata: dict[str, Any] = {"finalizers": before, **(ENDING if deleted else {})}
    protect({"metadata": metadata}, FINALIZER, used=used)
    assert metadata["finalizers"] == after
