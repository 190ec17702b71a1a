"""Server-side apply through a client: outcomes, owners, conflicts, and who else writes."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_actors.errors import ApiError
from kube_actors.store import Key, Revision

from .world import World, config_map, deployment, pod

WEB = Key("deployments.apps", "default", "web")
SETTINGS = Key("configmaps", "default", "settings")


@pytest.fixture
async def world() -> World:
    """A world with the namespace default."""
    return await World().with_namespace()


def _owners(revision: Revision) -> list[tuple[str, str, str]]:
    entries = revision.body()["metadata"].get("managedFields", [])
    return [(each["manager"], each["operation"], each.get("subresource", "")) for each in entries]


async def test_created_configured_unchanged(world: World) -> None:
    """The three outcomes; unchanged writes nothing, however much time has passed."""
    outcomes = [(await world.client.apply(deployment())).outcome]
    world.clock.jump(60)
    head = world.store.head
    outcomes.append((await world.client.apply(deployment())).outcome)
    assert world.store.head == head
    outcomes.append((await world.client.apply(deployment(replicas=3))).outcome)
    outcomes.append((await world.client.apply(deployment(replicas=3), dry_run=True)).outcome)
    assert outcomes == ["created", "unchanged", "configured", "unchanged"]


async def test_dropped_fields_fall_back_to_their_default(world: World) -> None:
    """A field that is applied no more is removed, then defaulted."""
    await world.client.apply(deployment(replicas=3, minReadySeconds=5))
    body = (await world.client.apply(deployment())).revision.body()
    assert (body["spec"]["replicas"], body["spec"].get("minReadySeconds")) == (1, None)


async def test_conflict_and_force(world: World) -> None:
    """A field that another manager changed is refused, and taken over with force."""
    await world.client.apply(deployment(replicas=3))
    scaler = world.named("scaler")
    await scaler.mutate(WEB, lambda body: body["spec"].update(replicas=5))
    with pytest.raises(ApiError) as caught:
        await world.client.apply(deployment(replicas=3))
    assert caught.value.message == 'Apply failed with 1 conflict: conflict with "scaler" using apps/v1: .spec.replicas'
    applied = await world.client.apply(deployment(replicas=3), force=True)
    assert applied.revision.body()["spec"]["replicas"] == 3
    assert _owners(applied.revision) == [("alice", "Apply", "")]


async def test_leaving_a_field_to_somebody_else(world: World) -> None:
    """Who stops applying the replicas that an autoscaler set leaves them as they are."""
    await world.client.apply(deployment(replicas=3))
    await world.named("scaler").mutate(WEB, lambda body: body["spec"].update(replicas=5))
    applied = await world.client.apply(deployment())
    assert applied.revision.body()["spec"]["replicas"] == 5


async def test_every_writer_owns_its_part(world: World) -> None:
    """Creation, status and scale are told apart by manager and subresource."""
    await world.client.create(deployment())
    controller, scaler = world.named("controller"), world.named("scaler")
    status = {"replicas": 1}
    await controller.mutate(WEB, lambda body: body.update(status=status), subresource="status")
    revision = await scaler.patch(WEB, {"spec": {"replicas": 4}}, "merge", subresource="scale")
    assert sorted(_owners(revision)) == [
        ("alice", "Update", ""),
        ("controller", "Update", "status"),
        ("scaler", "Update", "scale"),
    ]
    fields = {each["manager"]: each["fieldsV1"] for each in revision.body()["metadata"]["managedFields"]}
    assert fields["controller"] == {"f:status": {"f:replicas": {}}}
    assert fields["scaler"] == {"f:spec": {"f:replicas": {}}}
    assert "f:replicas" not in fields["alice"]["f:spec"]


async def test_objects_nobody_is_known_to_own(world: World) -> None:
    """The first apply to an object without managed fields conflicts with whoever wrote it before."""
    await world.client.create(config_map(a="1"))
    await world.client.patch(SETTINGS, {"metadata": {"managedFields": [{}]}}, "merge")
    assert _owners(world.client.live(SETTINGS)) == []
    with pytest.raises(ApiError, match="before-first-apply"):
        await world.client.apply(config_map(a="2"))
    applied = await world.client.apply(config_map(a="1", b="2"))
    assert _owners(applied.revision) == [("alice", "Apply", ""), ("before-first-apply", "Update", "")]


async def test_old_updaters_are_merged(world: World) -> None:
    """The list of updaters stays short: the oldest share one entry."""
    await world.client.create(config_map())
    for number in range(12):
        world.clock.jump(1)
        writer = world.named(f"writer-{number:02d}")
        await writer.patch(SETTINGS, {"data": {f"key-{number}": "x"}}, "merge")
    entries = world.client.live(SETTINGS).body()["metadata"]["managedFields"]
    assert [each["manager"] for each in entries][:2] == ["ancient-changes", "writer-03"]
    assert len(entries) == 10
    assert {"f:key-0", "f:key-2"} <= entries[0]["fieldsV1"]["f:data"].keys()


async def test_a_name_alone_owns_nothing(world: World) -> None:
    """Applying an object that says no more than its name is done once. What it has besides was there before."""
    bare = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bare"}}
    outcomes = [(await world.client.apply(bare, namespace="default")).outcome for _ in range(3)]
    assert outcomes == ["created", "unchanged", "unchanged"]
    team = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}}
    applied = [await world.client.apply(team) for _ in range(3)]
    assert [each.outcome for each in applied] == ["created", "configured", "unchanged"]
    assert _owners(applied[0].revision) == []
    assert _owners(applied[1].revision) == [("before-first-apply", "Update", "")]


@pytest.mark.parametrize(
    ("metadata", "code", "message"),
    [
        ({"managedFields": [{"manager": "x"}]}, 400, "metadata.managedFields must be nil"),
        ({"name": ""}, 400, "metadata.name is required"),
        ({"uid": "gone"}, 409, "uid mismatch"),
    ],
)
async def test_configurations_that_are_refused(world: World, metadata: dict[str, Any], code: int, message: str) -> None:
    """Nothing is stored."""
    body = config_map(a="1")
    body["metadata"].update(metadata)
    with pytest.raises(ApiError, match=message) as caught:
        await world.client.apply(body)
    assert (caught.value.code, world.client.get(SETTINGS)) == (code, None)


async def test_status_can_be_applied(world: World) -> None:
    """Apply to the status sets and owns only the status."""
    await world.client.create(pod())
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "status": {"phase": "Running"}}
    applied = await world.named("kubelet").apply(body, subresource="status")
    assert applied.revision.body()["status"]["phase"] == "Running"
    assert ("kubelet", "Apply", "status") in _owners(applied.revision)


configurations = st.fixed_dictionaries(
    {},
    optional={
        "replicas": st.integers(0, 3),
        "minReadySeconds": st.integers(0, 3),
        "paused": st.booleans(),
        "strategy": st.sampled_from([{"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 2}}, {}]),
    },
)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(["alice", "bob"]), configurations), max_size=6))
def test_the_last_apply_is_always_in_force(history: list[tuple[str, dict[str, Any]]]) -> None:
    """Whatever was applied before, by whomever: with force the last one holds, and applying it again is no change."""

    async def run() -> None:
        world = await World().with_namespace()
        for manager, spec in history:
            client = world.named(manager)
            applied = await client.apply(deployment(**spec), force=True)
            stored = applied.revision.body()["spec"]
            assert {name: stored.get(name, False) for name in spec if name != "strategy"} == {
                name: value for name, value in spec.items() if name != "strategy"
            }
            assert (await client.apply(deployment(**spec))).outcome == "unchanged"

    trio.run(run)
