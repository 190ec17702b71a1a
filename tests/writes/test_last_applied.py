"""From client-side to server-side apply: kubectl takes over what it applied itself, and its annotation follows."""

from __future__ import annotations

from typing import Any

import pytest

from kube_actors.api.codecs import json
from kube_actors.errors import ApiError
from kube_actors.store import Key
from kube_actors.writes.last_applied import ANNOTATION

from .world import World, deployment

WEB = Key("deployments.apps", "default", "web")


@pytest.fixture
async def world() -> World:
    """A Deployment that client-side apply made with two replicas."""
    world = await World().with_namespace()
    body = deployment(replicas=2)
    body["metadata"]["annotations"] = {ANNOTATION: json.dumps(body).decode()}
    await world.named("kubectl-client-side-apply").create(body)
    return world


async def _applied(world: World, manager: str, **spec: Any) -> dict[str, Any]:
    return (await world.named(manager).apply(deployment(**spec))).revision.body()


async def test_kubectl_takes_over_without_conflict(world: World) -> None:
    """What the annotation says and nobody changed since is kubectl's own; the annotation says what is applied now."""
    body = await _applied(world, "kubectl", replicas=3)
    assert body["spec"]["replicas"] == 3
    remembered = json.loads(body["metadata"]["annotations"][ANNOTATION])
    assert (remembered["spec"]["replicas"], "annotations" in remembered["metadata"]) == (3, False)


async def test_other_managers_do_not(world: World) -> None:
    """They conflict with client-side apply, and the annotation stays."""
    with pytest.raises(ApiError) as caught:
        await _applied(world, "argo", replicas=3)
    conflict = 'conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas'
    assert caught.value.message == f"Apply failed with 1 conflict: {conflict}"


async def test_what_changed_since_is_refused(world: World) -> None:
    """A field that somebody else wrote after client-side apply conflicts."""
    await world.named("scaler").mutate(WEB, lambda body: body["spec"].update(replicas=7))
    with pytest.raises(ApiError) as caught:
        await _applied(world, "kubectl", replicas=3)
    assert [cause.message for cause in caught.value.causes] == ['conflict with "scaler" using apps/v1']


@pytest.mark.parametrize("text", ["{", "[]", '{"apiVersion":"apps/v1beta1","spec":{"replicas":2}}', '{"apiVersion":1}'])
async def test_spoilt_annotations_give_nothing_away(world: World, text: str) -> None:
    """An annotation that cannot be read, or is of another version, allows no conflict."""
    client = world.named("kubectl-client-side-apply")
    await client.mutate(WEB, lambda body: body["metadata"]["annotations"].update({ANNOTATION: text}))
    with pytest.raises(ApiError) as caught:
        await _applied(world, "kubectl", replicas=3)
    assert caught.value.reason == "Conflict"


async def test_an_annotation_that_would_be_too_large_goes(world: World) -> None:
    """Kubernetes drops it rather than refuse the apply."""
    body = deployment(replicas=2)
    body["metadata"]["annotations"] = {"note": "x" * 200_000}
    stored = (await world.named("kubectl").apply(body)).revision.body()
    assert set(stored["metadata"]["annotations"]) == {"note"}
