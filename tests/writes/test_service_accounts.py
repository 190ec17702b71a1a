"""Admission of pods: the account they run as, and the volume with which they reach the API."""

from __future__ import annotations

import random
from typing import Any

import pytest
import trio

from kube_actors.errors import ApiError
from kube_actors.kernel import VirtualClock
from kube_actors.kernel.clock import CLOCK_TASK
from kube_actors.store import Store
from kube_actors.writes import Admission
from kube_actors.writes.plugins import NamespaceLifecycle, ServiceAccounts

from .world import World, pod

MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


def account(name: str = "default", **fields: Any) -> dict[str, Any]:
    """A ServiceAccount."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}, **fields}


def admission(store: Store, clock: VirtualClock) -> Admission:
    """Namespaces and accounts."""
    return Admission(mutating=(NamespaceLifecycle(store), ServiceAccounts(store, clock, random.Random(3))))


@pytest.fixture
async def world() -> World:
    """A world with the namespace default, and no account yet."""
    clock = VirtualClock()
    return await World(lambda store: admission(store, clock)).with_namespace()


async def created(world: World, body: dict[str, Any]) -> dict[str, Any]:
    """The spec as it was stored."""
    spec: dict[str, Any] = (await world.client.create(body)).body()["spec"]
    return spec


async def test_the_volume_that_reaches_the_api(world: World) -> None:
    """Token, certificate and namespace, read-only in every container, init containers included."""
    await world.client.create(account())
    spec = await created(world, pod(initContainers=[{"name": "first", "image": "busybox"}]))
    assert (spec["serviceAccountName"], spec["serviceAccount"]) == ("default", "default")
    (volume,) = spec["volumes"]
    assert volume["name"].startswith("kube-api-access-")
    assert len(volume["name"]) == len("kube-api-access-") + 5
    assert volume["projected"] == {
        "defaultMode": 420,
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {
                "downwardAPI": {
                    "items": [
                        {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
                    ]
                }
            },
        ],
    }
    mount = {"name": volume["name"], "mountPath": MOUNT, "readOnly": True}
    assert [each["volumeMounts"] for each in (*spec["initContainers"], *spec["containers"])] == [[mount], [mount]]


async def test_own_mounts_are_left_alone(world: World) -> None:
    """A container that mounts something there itself keeps it; nobody else, no volume."""
    await world.client.create(account())
    mine = [{"name": "mine", "mountPath": MOUNT}]
    containers = [{"name": "app", "image": "nginx", "volumeMounts": mine}]
    spec = await created(world, pod(containers=containers, volumes=[{"name": "mine", "emptyDir": {}}]))
    assert [volume["name"] for volume in spec["volumes"]] == ["mine"]
    assert spec["containers"][0]["volumeMounts"] == mine


@pytest.mark.parametrize(
    ("of_account", "of_pod", "mounted"),
    [(None, None, True), (False, None, False), (False, True, True), (True, False, False), (None, False, False)],
)
async def test_automounting(world: World, of_account: bool | None, of_pod: bool | None, mounted: bool) -> None:
    """The pod's word counts, then its account's; without either it is mounted."""
    fields: dict[str, Any] = {} if of_account is None else {"automountServiceAccountToken": of_account}
    await world.client.create(account(**fields))
    of_spec: dict[str, Any] = {} if of_pod is None else {"automountServiceAccountToken": of_pod}
    spec = await created(world, pod(**of_spec))
    assert bool(spec.get("volumes")) == mounted


async def test_pull_secrets_are_inherited(world: World) -> None:
    """From the account, unless the pod names its own."""
    await world.client.create(account(imagePullSecrets=[{"name": "registry"}]))
    assert (await created(world, pod("a")))["imagePullSecrets"] == [{"name": "registry"}]
    own = await created(world, pod("b", imagePullSecrets=[{"name": "own"}]))
    assert own["imagePullSecrets"] == [{"name": "own"}]


async def test_a_missing_account_is_refused(world: World) -> None:
    """In Kubernetes' words, at once."""
    with pytest.raises(ApiError) as caught:
        await world.client.create(pod(serviceAccountName="robot"))
    message = (
        'pods "web" is forbidden: error looking up service account default/robot: serviceaccount "robot" not found'
    )
    assert (caught.value.code, caught.value.message) == (403, message)


async def test_the_deprecated_name_of_the_field(world: World) -> None:
    """`serviceAccount` alone names the account too."""
    await world.client.create(account("robot"))
    spec = await created(world, pod(serviceAccount="robot"))
    assert (spec["serviceAccountName"], spec["serviceAccount"]) == ("robot", "robot")


async def test_a_new_namespace_is_waited_for() -> None:
    """A pod that is faster than the account of its namespace is stored when that has come, with its volume."""
    clock = VirtualClock()
    world = await World(lambda store: admission(store, clock)).with_namespace()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(clock.run, name=CLOCK_TASK)
        nursery.start_soon(world.client.create, pod())
        await clock.sleep(0.5)
        assert world.store.count("pods") == 0
        await world.client.create(account())
        await clock.sleep(0.1)
        (found,) = world.store.list("pods")
        assert found.body()["spec"]["volumes"]
        nursery.cancel_scope.cancel()


async def test_an_account_that_never_comes() -> None:
    """After a second and a half the pod is refused."""
    clock = VirtualClock()
    world = await World(lambda store: admission(store, clock)).with_namespace()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(clock.run, name=CLOCK_TASK)
        before = clock.now()
        with pytest.raises(ApiError, match="error looking up service account default/default"):
            await world.client.create(pod())
        assert clock.now() - before == pytest.approx(1.5)
        nursery.cancel_scope.cancel()


async def test_mirror_pods_are_nobody(world: World) -> None:
    """What a node runs by itself has no account, and may not ask for one."""
    mirror = pod(nodeName="a")
    mirror["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "abc"}
    assert "serviceAccountName" not in await created(world, mirror)
    other = pod("other", serviceAccountName="default")
    other["metadata"]["annotations"] = mirror["metadata"]["annotations"]
    with pytest.raises(ApiError, match="a mirror pod may not reference service accounts"):
        await world.client.create(other)
