"""LimitRanges: defaults for containers, and what is out of range."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.errors import ApiError
from kube_actors.store import Key

from .world import World, causes, pod


@pytest.fixture
async def world() -> World:
    """A world with the namespace default."""
    return await World().with_namespace()


async def with_range(world: World, *limits: dict[str, Any]) -> Any:
    """A LimitRange; answers it as stored."""
    kind = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "range"}}
    return (await world.client.create({**kind, "spec": {"limits": list(limits)}})).body()


def sized(requests: dict[str, str] | None = None, limits: dict[str, str] | None = None, count: int = 1) -> Any:
    """A pod whose containers ask for this much each."""
    resources = {key: value for key, value in (("requests", requests), ("limits", limits)) if value}
    return pod(containers=[{"name": f"c{n}", "image": "nginx", "resources": resources} for n in range(count)])


async def test_defaults(world: World) -> None:
    """What a container leaves out it gets from the range, an annotation says so, and its class of service follows."""
    await with_range(
        world, {"type": "Container", "default": {"cpu": "500m", "memory": "1Gi"}, "defaultRequest": {"cpu": "100m"}}
    )
    containers = [
        {"name": "bare", "image": "nginx"},
        {"name": "own", "image": "nginx", "resources": {"limits": {"cpu": "2"}}},
    ]
    body = (await world.client.create(pod(containers=containers))).body()
    bare, own = (each["resources"] for each in body["spec"]["containers"])
    assert bare == {"limits": {"cpu": "500m", "memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "1Gi"}}
    assert own == {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "2", "memory": "1Gi"}}
    assert body["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == (
        "LimitRanger plugin set: cpu, memory request for container bare; cpu, memory limit for container bare; "
        "memory request for container own; memory limit for container own"
    )
    lone = (await world.client.create(pod("lone"))).body()
    assert lone["status"]["qosClass"] == "Burstable"


async def test_the_ranges_own_defaults(world: World) -> None:
    """The default limit is the maximum, the default request that, and the minimum stands in where there is no limit."""
    stored = await with_range(world, {"type": "Container", "max": {"cpu": "2"}, "min": {"memory": "64Mi"}})
    (item,) = stored["spec"]["limits"]
    assert item["default"] == {"cpu": "2"}
    assert item["defaultRequest"] == {"cpu": "2", "memory": "64Mi"}


@pytest.mark.parametrize(
    ("item", "body", "why"),
    [
        (
            {"type": "Container", "max": {"cpu": "2"}},
            sized(limits={"cpu": "3"}),
            "maximum cpu usage per Container is 2, but limit is 3",
        ),
        (
            {"type": "Container", "min": {"memory": "1Gi"}},
            sized({"memory": "512Mi"}),
            "minimum memory usage per Container is 1Gi, but request is 512Mi",
        ),
        (
            {"type": "Pod", "max": {"cpu": "2"}},
            sized({"cpu": "1500m"}, {"cpu": "1500m"}, count=2),
            "maximum cpu usage per Pod is 2, but limit is 3",
        ),
        (
            {"type": "Pod", "max": {"memory": "1Gi"}, "min": {"cpu": "1"}},
            sized(),
            "[minimum cpu usage per Pod is 1.  No request is specified, "
            "maximum memory usage per Pod is 1Gi.  No limit is specified]",
        ),
        (
            {"type": "Container", "maxLimitRequestRatio": {"cpu": "2"}},
            sized({"cpu": "1"}, {"cpu": "3"}),
            "cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000",
        ),
    ],
)
async def test_out_of_range(world: World, item: dict[str, Any], body: Any, why: str) -> None:
    """403 in Kubernetes' words."""
    await with_range(world, item)
    with pytest.raises(ApiError) as caught:
        await world.client.create(body)
    assert (caught.value.code, caught.value.message) == (403, f'pods "web" is forbidden: {why}')


async def test_claims(world: World) -> None:
    """Are held against what they request."""
    await with_range(world, {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "5Gi"}})

    def claim(size: str) -> dict[str, Any]:
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
        return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c"}, "spec": spec}

    with pytest.raises(ApiError, match="maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 6Gi"):
        await world.client.create(claim("6Gi"))
    with pytest.raises(ApiError, match="minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 512Mi"):
        await world.client.create(claim("512Mi"))
    await world.client.create(claim("5Gi"))


@pytest.mark.parametrize(
    ("item", "cause"),
    [
        (
            {"type": "Pod", "min": {"cpu": "2"}, "max": {"cpu": "1"}},
            'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
        ),
        (
            {"type": "Pod", "default": {"cpu": "2"}},
            "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'",
        ),
        (
            {"type": "Pod", "maxLimitRequestRatio": {"cpu": "500m"}},
            'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "500m": ratio 500m is less than 1',
        ),
    ],
)
async def test_ranges_that_make_no_sense(world: World, item: dict[str, Any], cause: str) -> None:
    """422 with the cause."""
    with pytest.raises(ApiError) as caught:
        await with_range(world, item)
    assert causes(caught.value) == [cause]


async def test_a_resize_is_judged_too(world: World) -> None:
    """More than the range allows is refused; other updates of the pod are not looked at."""
    await world.client.create(sized({"cpu": "1"}, {"cpu": "2"}))
    await with_range(world, {"type": "Container", "max": {"cpu": "1"}})

    def grow(body: dict[str, Any]) -> None:
        body["spec"]["containers"][0]["resources"]["limits"]["cpu"] = "3"

    key = Key("pods", "default", "web")
    with pytest.raises(ApiError, match="maximum cpu usage per Container is 1, but limit is 3"):
        await world.client.mutate(key, grow, subresource="resize")
    await world.client.mutate(key, lambda body: body["metadata"].update(labels={"a": "b"}))
