"""What a runtime class writes into the pods that name it, and which pods it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.errors import ApiError

from .world import World, pod


@pytest.fixture
async def world() -> World:
    """A world with the namespace default and a class `sandboxed`."""
    world = await World().with_namespace()
    toleration = {"key": "sandboxes", "operator": "Exists"}
    await world.client.create(
        {
            "apiVersion": "node.k8s.io/v1",
            "kind": "RuntimeClass",
            "metadata": {"name": "sandboxed"},
            "handler": "sandbox",
            "overhead": {"podFixed": {"cpu": "100m"}},
            "scheduling": {"nodeSelector": {"sandboxes": "yes"}, "tolerations": [toleration]},
        }
    )
    return world


async def test_a_pod_takes_from_its_class(world: World) -> None:
    """Overhead, labels of nodes, and tolerations; what the pod says itself stays."""
    created = await world.client.create(pod("a", runtimeClassName="sandboxed", nodeSelector={"disk": "fast"}))
    spec = created.body()["spec"]
    assert spec["overhead"] == {"cpu": "100m"}
    assert spec["nodeSelector"] == {"disk": "fast", "sandboxes": "yes"}
    assert [each["key"] for each in spec["tolerations"]].count("sandboxes") == 1


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"runtimeClassName": "unheard"}, 'pod rejected: RuntimeClass "unheard" not found'),
        (
            {"runtimeClassName": "sandboxed", "overhead": {"cpu": "1"}},
            "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
        ),
        (
            {"overhead": {"cpu": "1"}},
            "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
        ),
        (
            {"runtimeClassName": "sandboxed", "nodeSelector": {"sandboxes": "no"}},
            "conflict: runtimeClass.scheduling.nodeSelector[sandboxes] = yes; pod.spec.nodeSelector[sandboxes] = no",
        ),
    ],
)
async def test_pods_that_do_not_fit_their_class(world: World, spec: dict[str, Any], why: str) -> None:
    """403, in Kubernetes' words."""
    with pytest.raises(ApiError) as caught:
        await world.client.create(pod("a", **spec))
    assert (caught.value.code, caught.value.message) == (403, f'pods "a" is forbidden: {why}')
