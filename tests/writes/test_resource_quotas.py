"""Quotas of a namespace: what counts for them, and what they say to what would be too much."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from kube_actors.errors import ApiError
from kube_actors.store import Key, Store
from kube_actors.writes import Admission
from kube_actors.writes.plugins import QuotaUsage, ResourceQuota

from .world import World, config_map, deployment, pod


@pytest.fixture
async def world() -> World:
    """A world with the namespace default."""
    return await World().with_namespace()


async def with_quota(world: World, hard: dict[str, str], name: str = "q", **spec: Any) -> None:
    """A quota."""
    kind = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}}
    await world.client.create({**kind, "spec": {"hard": hard, **spec}})


def sized(name: str, requests: dict[str, str] | None = None, limits: dict[str, str] | None = None, **spec: Any) -> Any:
    """A pod whose container asks for this much."""
    resources = {key: value for key, value in (("requests", requests), ("limits", limits)) if value}
    return pod(name, containers=[{"name": "app", "image": "nginx", "resources": resources}], **spec)


async def refusal(world: World, body: Any) -> str:
    """Why the object may not be created."""
    with pytest.raises(ApiError) as caught:
        await world.client.create(body)
    assert (caught.value.code, caught.value.reason) == (403, "Forbidden")
    return caught.value.message


async def test_pods_are_counted(world: World) -> None:
    """Up to the quota, again after a deletion, and a finished pod does not count."""
    await world.client.create(pod("before"))
    await with_quota(world, {"pods": "2"})
    await world.client.create(pod("second"))
    exceeded = "exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2"
    assert await refusal(world, pod("third")) == f'pods "third" is forbidden: {exceeded}'
    key = Key("pods", "default", "before")
    await world.client.mutate(key, lambda body: body["status"].update(phase="Succeeded"), subresource="status")
    await world.client.create(pod("third"))
    await world.client.delete(Key("pods", "default", "second"))
    await world.client.create(pod("fourth"))
    assert "used: pods=2" in await refusal(world, pod("fifth"))


async def test_many_at_once(world: World) -> None:
    """However many come together, no more than the quota get in; a dry run takes nothing."""
    await with_quota(world, {"count/configmaps": "5"})
    refused = []

    async def create(number: int) -> None:
        try:
            await world.client.create(config_map(f"m-{number}"))
        except ApiError as error:
            refused.append(error.reason)

    for _ in range(9):
        await world.client.create(config_map("dry"), dry_run=True)
    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(create, number)
    assert (world.store.count("configmaps"), len(refused)) == (5, 15)


async def test_amounts(world: World) -> None:
    """Requests and limits add up; only what is exceeded is named."""
    hard = {"requests.cpu": "1", "limits.memory": "1Gi", "pods": "9"}
    await with_quota(world, hard)
    half = sized("a", {"cpu": "600m"}, {"memory": "512Mi"})
    await world.client.create(half)
    words = await refusal(world, sized("b", {"cpu": "500m"}, {"memory": "256Mi"}))
    assert words.endswith(
        "exceeded quota: q, requested: requests.cpu=500m, used: requests.cpu=600m, limited: requests.cpu=1"
    )
    words = await refusal(world, sized("b", {"cpu": "500m"}, {"memory": "768Mi"}))
    assert "requested: limits.memory=768Mi,requests.cpu=500m, used: limits.memory=512Mi,requests.cpu=600m" in words


async def test_what_must_be_said(world: World) -> None:
    """Under a quota for cpu every container says how much it wants."""
    await with_quota(world, {"limits.cpu": "1", "requests.memory": "1Gi"})
    containers = [{"name": "b", "image": "x"}, {"name": "a", "image": "x", "resources": {"limits": {"cpu": "1"}}}]
    words = await refusal(world, pod("web", containers=containers))
    assert words == (
        'pods "web" is forbidden: failed quota: q: must specify limits.cpu for: b; requests.memory for: a,b'
    )


async def test_scopes(world: World) -> None:
    """A quota with scopes is about pods of that sort alone."""
    await with_quota(world, {"pods": "0"}, "best-effort", scopes=["BestEffort"])
    await with_quota(world, {"pods": "0"}, "jobs", scopes=["Terminating"])
    high = {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]}
    await with_quota(world, {"pods": "0"}, "high", scopeSelector=high)
    assert "exceeded quota: best-effort" in await refusal(world, pod("a"))
    await world.client.create(sized("b", {"cpu": "1"}))
    assert "exceeded quota: jobs" in await refusal(world, sized("c", {"cpu": "1"}, activeDeadlineSeconds=5))
    scheduling = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass"}
    await world.client.create({**scheduling, "metadata": {"name": "high"}, "value": 1000})
    assert "exceeded quota: high" in await refusal(world, sized("d", {"cpu": "1"}, priorityClassName="high"))


async def test_objects_of_any_kind(world: World) -> None:
    """`count/` with the group, and the names of old."""
    await with_quota(world, {"count/deployments.apps": "1", "secrets": "0"})
    await world.client.create(deployment("one"))
    words = "exceeded quota: q, requested: count/deployments.apps=1, used: count/deployments.apps=1"
    assert words in await refusal(world, deployment("two"))
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    assert await refusal(world, secret) == (
        'secrets "s" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=0, limited: secrets=0'
    )


async def test_growing(world: World) -> None:
    """A service that becomes a NodePort uses ports; one that stays as it is may be written."""
    await with_quota(world, {"services.nodeports": "1"})
    metadata = {"name": "web"}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}}
    await world.client.create(service)
    key = Key("services", "default", "web")
    await world.client.mutate(key, lambda body: body["spec"].update(type="NodePort"))
    await world.client.mutate(key, lambda body: body["metadata"].update(labels={"a": "b"}))
    more = [{"name": "a", "port": 80}, {"name": "b", "port": 81}]
    with pytest.raises(ApiError, match=r"requested: services.nodeports=1, used: services.nodeports=1"):
        await world.client.mutate(key, lambda body: body["spec"].update(ports=more))


async def test_storage(world: World) -> None:
    """Of all claims, and of those of a class."""
    gold = "gold.storageclass.storage.k8s.io/requests.storage"
    await with_quota(world, {"requests.storage": "10Gi", gold: "1Gi"})
    resources = {"requests": {"storage": "2Gi"}}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": resources, "storageClassName": "gold"}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c"}, "spec": spec}
    assert f"requested: {gold}=2Gi, used: {gold}=0, limited: {gold}=1Gi" in await refusal(world, claim)
    await world.client.create({**claim, "spec": {**spec, "storageClassName": "silver"}})


async def test_a_changed_quota_counts_anew(world: World) -> None:
    """Raised, lowered, deleted."""
    await with_quota(world, {"pods": "0"})
    await refusal(world, pod("a"))
    key = Key("resourcequotas", "default", "q")
    await world.client.mutate(key, lambda body: body["spec"].update(hard={"pods": "1"}))
    await world.client.create(pod("a"))
    await refusal(world, pod("b"))
    await world.client.delete(key)
    await world.client.create(pod("b"))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"hard": {"pods": "-1"}}, 'spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0'),
        ({"hard": {"pods": "500m"}}, 'spec.hard[pods]: Invalid value: "500m": must be an integer'),
        ({"hard": {"example.com/gpu": "1.5"}}, 'Invalid value: "1500m": must be an integer'),
        ({"hard": {}, "scopes": ["Odd"]}, "unsupported scope"),
        ({"hard": {}, "scopes": ["BestEffort", "NotBestEffort"]}, "conflicting scopes"),
    ],
)
async def test_quotas_that_make_no_sense(world: World, spec: dict[str, Any], message: str) -> None:
    """422."""
    with pytest.raises(ApiError) as caught:
        await world.client.create(
            {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": spec}
        )
    assert message in caught.value.message


async def test_a_resize_is_counted(world: World) -> None:
    """What a running pod takes more of must be there; less is always allowed, and counted."""
    await with_quota(world, {"requests.cpu": "1"})
    await world.client.create(sized("web", {"cpu": "600m"}))

    async def resize(cpu: str) -> None:
        def change(body: dict[str, Any]) -> None:
            body["spec"]["containers"][0]["resources"]["requests"]["cpu"] = cpu

        await world.client.mutate(Key("pods", "default", "web"), change, subresource="resize")

    with pytest.raises(
        ApiError, match=r"requested: requests.cpu=900m, used: requests.cpu=600m, limited: requests.cpu=1"
    ):
        await resize("1500m")
    await resize("200m")
    await world.client.create(sized("other", {"cpu": "800m"}))


def claim(name: str, **spec: Any) -> Any:
    """A claim for a gibibyte."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


async def test_claims_count_for_every_class_they_touch(world: World) -> None:
    """A claim that changes its attributes class counts for the old and the new one until the status says it is done."""
    for name in ("gold", "silver"):
        scope = {"scopeName": "VolumeAttributesClass", "operator": "In", "values": [name]}
        await with_quota(world, {"persistentvolumeclaims": "1"}, name, scopeSelector={"matchExpressions": [scope]})
    await world.client.create(claim("a", volumeAttributesClassName="gold"))
    assert "exceeded quota: gold" in await refusal(world, claim("b", volumeAttributesClassName="gold"))
    await world.client.create(claim("other"))
    key = Key("persistentvolumeclaims", "default", "a")

    async def now_has(name: str) -> None:
        change = {"phase": "Bound", "currentVolumeAttributesClassName": name}
        await world.client.mutate(key, lambda body: body["status"].update(change), subresource="status")

    await now_has("gold")
    await world.client.mutate(key, lambda body: body["spec"].update(volumeAttributesClassName="silver"))
    for name in ("gold", "silver"):
        assert f"exceeded quota: {name}" in await refusal(world, claim("b", volumeAttributesClassName=name))
    await now_has("silver")
    await world.client.create(claim("b", volumeAttributesClassName="gold"))


async def test_devices_of_claims_are_counted(world: World) -> None:
    """By class: what is asked for exactly, 32 for all there are, and of alternatives the most that could be taken."""
    await with_quota(world, {"gold.deviceclass.resource.k8s.io/devices": "4"})

    def devices(*requests: Any) -> Any:
        named = [{"name": f"r{number}", **request} for number, request in enumerate(requests)]
        kind = {"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": {"name": "c"}}
        return {**kind, "spec": {"devices": {"requests": named}}}

    def exactly(**wanted: Any) -> Any:
        return {"exactly": {"deviceClassName": "gold", **wanted}}

    choices = [{"name": f"s{count}", "deviceClassName": "gold", "count": count} for count in (1, 3)]
    asked = "requested: gold.deviceclass.resource.k8s.io/devices="
    assert f"{asked}32," in await refusal(world, devices(exactly(allocationMode="All")))
    assert f"{asked}5," in await refusal(world, devices({"firstAvailable": choices}, exactly(count=2)))
    await world.client.create(devices({"firstAvailable": choices}, exactly()))


async def test_pods_that_say_what_they_want_as_a_whole(world: World) -> None:
    """Their containers need not say it again; a pod that leaves something out takes nothing of it."""
    await with_quota(world, {"cpu": "1", "limits.memory": "1Gi"})
    await world.client.create(pod("whole", resources={"requests": {"cpu": "600m"}}))
    refused = await refusal(world, pod("second", resources={"requests": {"cpu": "600m"}}))
    assert refused.endswith("requested: cpu=600m, used: cpu=600m, limited: cpu=1")
    assert "must specify cpu for: app" in await refusal(world, pod("plain", resources={}))


async def test_a_deadline_makes_a_pod_count_for_other_quotas(world: World) -> None:
    """Who gets one later needs room there, too."""
    await with_quota(world, {"pods": "1"}, "ends", scopes=["Terminating"])
    await world.client.create(pod("first", activeDeadlineSeconds=60))
    await world.client.create(pod("second"))
    second = Key("pods", "default", "second")
    with pytest.raises(ApiError) as caught:
        await world.client.mutate(second, lambda body: body["spec"].update(activeDeadlineSeconds=60))
    exceeded = "exceeded quota: ends, requested: pods=1, used: pods=1, limited: pods=1"
    assert caught.value.message == f'pods "second" is forbidden: {exceeded}'
    await world.client.mutate(second, lambda body: body["metadata"].update(labels={"a": "b"}))
    await world.client.delete(Key("pods", "default", "first"), grace_seconds=0)
    await world.client.mutate(second, lambda body: body["spec"].update(activeDeadlineSeconds=60))


async def test_pods_that_should_have_ended_make_room() -> None:
    """A pod whose node is lost keeps others out for as long again as it was given to end; as an object it counts on."""
    later = 0.0

    def admission(store: Store) -> Admission:
        return Admission(allocating=(ResourceQuota(QuotaUsage(store), lambda: clock.now() + later),))

    world = World(admission)
    clock = world.clock
    await world.with_namespace()
    await with_quota(world, {"pods": "1", "count/pods": "2"})
    await world.client.create(pod("lost", nodeName="gone"))
    await world.client.delete(Key("pods", "default", "lost"), grace_seconds=30)
    later = 60.0
    assert "used: pods=1" in await refusal(world, pod("next"))
    later = 60.1
    await world.client.create(pod("next"))
    assert "count/pods=2" in await refusal(world, pod("third"))
