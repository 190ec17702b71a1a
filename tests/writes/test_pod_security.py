"""PodSecurity: pods are refused or warned of by the labels of their namespace."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.errors import ApiError
from kube_actors.store import Key
from kube_actors.writes import Admission
from kube_actors.writes.plugins.pod_security import PodSecurity

from .world import World, causes, deployment, pod

ENFORCE = "pod-security.kubernetes.io/enforce"
WARN = "pod-security.kubernetes.io/warn"
DEFAULT = Key("namespaces", "", "default")
NETWORK = 'violate PodSecurity "baseline:latest": host namespaces (hostNetwork=true)'


@pytest.fixture
async def world() -> World:
    """A world with the namespace default, and with no other admission."""
    return await World(lambda store: Admission(validating=(PodSecurity(store),))).with_namespace()


async def label(world: World, **labels: str) -> None:
    """Label the namespace `default`; `enforce` and so on."""
    wanted = {f"pod-security.kubernetes.io/{name.replace('_', '-')}": value for name, value in labels.items()}
    await world.client.mutate(DEFAULT, lambda body: body["metadata"].setdefault("labels", {}).update(wanted))


def image(body: dict[str, Any]) -> None:
    """Another image for the first container."""
    body["spec"]["containers"][0]["image"] = "nginx:1.28"


async def test_enforced(world: World) -> None:
    """A pod that does not keep to the level is refused, and one that was there already when its image changes."""
    old = await world.client.create(pod("old", hostNetwork=True))
    await label(world, enforce="baseline")
    world.warnings.clear()
    with pytest.raises(ApiError) as refused:
        await world.client.create(pod("new", hostNetwork=True))
    assert (refused.value.code, refused.value.reason) == (403, "Forbidden")
    assert refused.value.message == f'pods "new" is forbidden: {NETWORK.replace("violate", "violates")}'
    await world.client.create(pod("good"))
    await world.client.mutate(old.key, lambda body: body["metadata"].update(labels={"a": "b"}))
    with pytest.raises(ApiError, match="violates PodSecurity"):
        await world.client.mutate(old.key, image)
    template = deployment("web")
    template["spec"]["template"]["spec"]["hostNetwork"] = True
    assert world.warnings == []
    await world.client.create(template)
    assert world.warnings == [f"would {NETWORK}"], "only the pods of a workload are refused"
    await label(world, warn="privileged")
    world.warnings.clear()
    await world.client.create({**template, "metadata": {"name": "quiet", "namespace": "default"}})
    assert world.warnings == []


async def test_warned(world: World) -> None:
    """Pods and what makes pods, each told what would be wrong."""
    await label(world, warn="baseline", warn_version="v1.30")
    told = f"would {NETWORK.replace('latest', 'v1.30')}"
    template = deployment("web")
    template["spec"]["template"]["spec"]["hostNetwork"] = True
    await world.client.create(pod("p", hostNetwork=True))
    assert world.warnings == [told]
    await world.client.create(template)
    assert world.warnings == [told, told]


async def test_a_namespace_that_becomes_stricter(world: World) -> None:
    """It is told which of its pods do not keep to the new level; a laxer one is told nothing."""
    for name in ("a", "b", "c"):
        await world.client.create(pod(name, hostNetwork=True))
    await world.client.create(pod("d", hostPID=True, volumes=[{"name": "v", "hostPath": {"path": "/"}}]))
    await label(world, enforce="baseline")
    assert world.warnings == [
        'existing pods in namespace "default" violate the new PodSecurity enforce level "baseline:latest"',
        "a (and 2 other pods): host namespaces",
        "d: host namespaces, hostPath volumes",
    ]
    world.warnings.clear()
    await label(world, enforce="privileged")
    assert world.warnings == []


async def test_labels_that_cannot_be_read(world: World) -> None:
    """They are refused, on new namespaces as well."""
    with pytest.raises(ApiError) as refused:
        await label(world, enforce="strict")
    assert causes(refused.value) == [
        f'metadata.labels[{ENFORCE}]: Invalid value: "strict": must be one of privileged, baseline, restricted'
    ]
    metadata = {"name": "x", "labels": {f"{WARN}-version": "1.30"}}
    with pytest.raises(ApiError) as refused:
        await world.client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    assert causes(refused.value) == [
        f'metadata.labels[{WARN}-version]: Invalid value: "1.30": must be "latest" or "v1.x"'
    ]
