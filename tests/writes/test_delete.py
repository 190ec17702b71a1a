"""Deleting: grace, finalizers, propagation, preconditions, namespaces."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.api.selectors import FieldSelector, LabelSelector
from kube_actors.errors import ApiError
from kube_actors.store import Key

from .world import World, config_map, deployment, pod

SETTINGS = Key("configmaps", "default", "settings")
WEB = Key("pods", "default", "web")


@pytest.fixture
async def world() -> World:
    """A world with the namespace default."""
    return await World().with_namespace()


async def _running(world: World, **spec: Any) -> None:
    """The pod web, on a node."""
    await world.client.create(pod(**spec))
    await world.client.bind(WEB, "node-1")


def _end(world: World, key: Key = WEB) -> tuple[str, int]:
    live = world.client.get(key)
    assert live is not None
    metadata = live.body()["metadata"]
    return metadata["deletionTimestamp"], metadata["deletionGracePeriodSeconds"]


async def test_things_go_at_once(world: World) -> None:
    """Without finalizers or grace an object is gone, and watchers see it as it was, unmarked, under a new revision."""
    last = (await world.client.create(config_map(a="1"))).body()
    seen = []
    world.store.subscribe(lambda commit: seen.append((commit.kind, commit.revision.body())))
    assert await world.client.delete(SETTINGS) is None
    last["metadata"]["resourceVersion"] = str(world.store.head)
    assert (world.client.get(SETTINGS), seen) == (None, [("deleted", last)])
    with pytest.raises(ApiError, match='configmaps "settings" not found'):
        await world.client.delete(SETTINGS)


async def test_a_running_pod_gets_its_grace(world: World) -> None:
    """It stays, marked with the time it has to be gone, and its generation counts that."""
    await _running(world, terminationGracePeriodSeconds=20)
    revision = await world.client.delete(WEB)
    assert revision is not None
    assert (_end(world), revision.projection.generation) == (("2025-01-01T00:00:20Z", 20), 2)


async def test_grace_can_only_be_shortened(world: World) -> None:
    """A second deletion with less grace brings the end nearer; with more or none it changes nothing."""
    await _running(world)
    first = await world.client.delete(WEB, grace_seconds=20)
    world.clock.jump(3)
    assert await world.client.delete(WEB, grace_seconds=30) is first
    assert await world.client.delete(WEB) is first
    await world.client.delete(WEB, grace_seconds=5)
    assert _end(world) == ("2025-01-01T00:00:05Z", 5)
    assert await world.client.delete(WEB, grace_seconds=0) is None


@pytest.mark.parametrize("phase", ["", "Succeeded", "Failed"])
async def test_pods_that_nobody_runs_go_at_once(world: World, phase: str) -> None:
    """An unscheduled pod, or one that has ended, needs no grace, whatever the client says."""
    if phase:
        await _running(world)
        await world.client.mutate(WEB, lambda body: body["status"].update(phase=phase), subresource="status")
    else:
        await world.client.create(pod())
    assert await world.client.delete(WEB, grace_seconds=30) is None


async def test_finalizers_hold_an_object(world: World) -> None:
    """It stays until the last finalizer is taken away, and takes no new one; deleting again changes nothing."""
    body = config_map(a="1")
    body["metadata"]["finalizers"] = ["example.com/one", "example.com/two"]
    await world.client.create(body)
    marked = await world.client.delete(SETTINGS)
    assert _end(world, SETTINGS) == ("2025-01-01T00:00:00Z", 0)
    assert await world.client.delete(SETTINGS) is marked
    with pytest.raises(ApiError, match="no new finalizers can be added if the object is being deleted"):
        await world.client.patch(SETTINGS, {"metadata": {"finalizers": ["example.com/new"]}}, "merge")
    await world.client.finalize(SETTINGS, "example.com/one")
    assert world.client.get(SETTINGS) is not None
    await world.client.finalize(SETTINGS, "example.com/two")
    assert world.client.get(SETTINGS) is None


@pytest.mark.parametrize(
    ("propagation", "finalizers"),
    [
        ("Foreground", ["a/b", "foregroundDeletion"]),
        ("Orphan", ["a/b", "orphan"]),
        ("Background", ["a/b"]),
        (None, ["a/b"]),
    ],
)
async def test_propagation_leaves_a_finalizer(world: World, propagation: str | None, finalizers: list[str]) -> None:
    """Foreground and orphan deletion hold the object until the garbage collector has done its part."""
    body = deployment()
    body["metadata"]["finalizers"] = ["a/b"]
    await world.client.create(body)
    revision = await world.client.delete(Key("deployments.apps", "default", "web"), propagation=propagation)
    assert revision is not None
    assert list(revision.projection.finalizers) == finalizers


async def test_a_later_policy_replaces_the_earlier(world: World) -> None:
    """Whoever waits in the foreground may still decide to orphan."""
    await world.client.create(deployment())
    key = Key("deployments.apps", "default", "web")
    await world.client.delete(key, propagation="Foreground")
    revision = await world.client.delete(key, propagation="Orphan")
    assert revision is not None
    assert revision.projection.finalizers == ("orphan",)
    assert await world.client.delete(key, propagation="Background") is None


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ({"uid": "other"}, 409, r"the UID in the precondition \(other\) does not match the UID"),
        ({"resource_version": 1}, 409, r"the ResourceVersion in the precondition \(1\) does not match"),
        ({"propagation": "Sideways"}, 400, 'invalid propagationPolicy "Sideways"'),
    ],
)
async def test_deletions_that_are_refused(world: World, options: dict[str, Any], code: int, message: str) -> None:
    """The object stays."""
    await world.client.create(config_map(a="1"))
    with pytest.raises(ApiError, match=message) as caught:
        await world.client.delete(SETTINGS, **options)
    assert caught.value.code == code
    assert world.client.get(SETTINGS) is not None


async def test_namespaces_end_in_order(world: World) -> None:
    """A namespace is Terminating until its content is gone; nothing new comes in; finalize lets it go."""
    await world.with_namespace("team")
    key = Key("namespaces", "", "team")
    revision = await world.client.delete(key)
    assert revision is not None
    assert revision.projection.facts.phase == "Terminating"
    with pytest.raises(ApiError, match="because it is being terminated") as caught:
        await world.client.create(config_map(), namespace="team")
    assert (caught.value.code, caught.value.causes[0].reason) == (403, "NamespaceTerminating")
    assert await world.client.delete(key) is revision
    await world.client.finalize(key, "kubernetes")
    assert world.client.get(key) is None


async def test_namespaces_that_never_end(world: World) -> None:
    """The system's namespaces are protected."""
    with pytest.raises(ApiError, match='namespaces "default" is forbidden: this namespace may not be deleted'):
        await world.client.delete(Key("namespaces", "", "default"))


async def test_collections(world: World) -> None:
    """Both selectors choose what goes."""
    for name, tier in (("a", "web"), ("b", "web"), ("c", "db")):
        body = config_map(name)
        body["metadata"]["labels"] = {"tier": tier}
        await world.client.create(body)
    fields = FieldSelector.parse("metadata.name!=b")
    gone = await world.client.delete_collection(
        "configmaps", "default", selector=LabelSelector.parse("tier=web"), fields=fields
    )
    assert [each.key.name for each in gone] == ["a"]
    assert [each.key.name for each in world.store.list("configmaps")] == ["b", "c"]


async def test_some_kinds_orphan_by_default(world: World) -> None:
    """Who deletes a ReplicationController without a word about its pods leaves them; a finalizer that is there wins."""
    body = {"apiVersion": "v1", "kind": "ReplicationController", "metadata": {"name": "old"}}
    template = {"metadata": {"labels": {"app": "old"}}, "spec": {"containers": [{"name": "c", "image": "app:1"}]}}
    await world.client.create({**body, "spec": {"template": template}})
    key = Key("replicationcontrollers", "default", "old")
    revision = await world.client.delete(key)
    assert revision is not None
    assert revision.projection.finalizers == ("orphan",)
    await world.client.delete(key, propagation="Foreground")
    revision = await world.client.delete(key)
    assert revision is not None
    assert revision.projection.finalizers == ("foregroundDeletion",)
    assert await world.client.delete(key, propagation="Background") is None
