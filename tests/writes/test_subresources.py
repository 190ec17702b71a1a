"""Binding and scale."""

from __future__ import annotations

import pytest

from kube_actors.errors import ApiError
from kube_actors.store import Key

from .world import NOW, World, config_map, deployment, pod

POD = Key("pods", "default", "web")
WEB = Key("deployments.apps", "default", "web")


@pytest.fixture
async def world() -> World:
    """A world with the namespace default."""
    return await World().with_namespace()


async def test_binding_a_pod(world: World) -> None:
    """Node, condition and annotations are set; nobody owns them."""
    created = await world.client.create(pod())
    bound = (await world.client.bind(POD, "node-1", uid=created.uid, sent={"annotations": {"a": "b"}})).body()
    assert bound["spec"]["nodeName"] == "node-1"
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": NOW, "observedGeneration": 1}
    assert bound["status"]["conditions"] == [scheduled]
    assert bound["metadata"]["annotations"] == {"a": "b"}
    assert bound["metadata"]["managedFields"] == created.body()["metadata"]["managedFields"]


async def test_bindings_that_are_refused(world: World) -> None:
    """Another uid, a pod bound already, a pod that ends: 409, in Kubernetes' words."""
    await world.client.create(pod())
    with pytest.raises(ApiError, match="Precondition failed: UID in precondition: other"):
        await world.client.bind(POD, "node-1", uid="other")
    await world.client.bind(POD, "node-1")
    with pytest.raises(ApiError, match='pod web is already assigned to node "node-1"') as caught:
        await world.client.bind(POD, "node-2")
    assert caught.value.code == 409
    other = Key("pods", "default", "other")
    body = pod("other")
    body["metadata"]["finalizers"] = ["a/b"]
    await world.client.create(body)
    await world.client.delete(other)
    with pytest.raises(ApiError, match="pod other is being deleted, cannot be assigned to a host"):
        await world.client.bind(other, "node-1")


async def test_reading_a_scale(world: World) -> None:
    """Replicas, selector and identity of the object."""
    created = (await world.client.create(deployment(replicas=2))).body()["metadata"]
    assert world.client.scale(WEB) == {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {
            "name": "web",
            "namespace": "default",
            "uid": created["uid"],
            "resourceVersion": created["resourceVersion"],
            "creationTimestamp": NOW,
        },
        "spec": {"replicas": 2},
        "status": {"replicas": 0, "selector": "app=web"},
    }


async def test_scaling(world: World) -> None:
    """Through the scale, by value and by patch, with and without a version."""
    await world.client.create(deployment(replicas=2))
    scale = world.client.scale(WEB)
    scale["spec"]["replicas"] = 3
    assert (await world.client.update_scale(WEB, scale)).body()["spec"]["replicas"] == 3
    with pytest.raises(ApiError, match="the object has been modified"):
        await world.client.update_scale(WEB, scale)
    patched = await world.client.patch(WEB, {"spec": {"replicas": 0}}, "merge", subresource="scale")
    assert (patched.body()["spec"]["replicas"], patched.projection.generation) == (0, 3)


async def test_scales_that_are_refused(world: World) -> None:
    """Negative replicas, no number, and what cannot be scaled."""
    await world.client.create(deployment())
    with pytest.raises(ApiError, match=r"spec.replicas: Invalid value: -1: must be greater than or equal to 0"):
        await world.client.update_scale(WEB, {"spec": {"replicas": -1}})
    with pytest.raises(ApiError, match="a whole number"):
        await world.client.update_scale(WEB, {"spec": {"replicas": "3"}})
    await world.client.create(config_map())
    with pytest.raises(ApiError) as caught:
        world.client.scale(Key("configmaps", "default", "settings"))
    assert caught.value.code == 405
