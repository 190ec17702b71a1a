"""Creating and updating through a client: metadata, halves of the object, concurrency, dry run."""

from __future__ import annotations

import copy
import random
import re
import uuid
from typing import Any

import attrs
import pytest

from kube_actors.errors import ApiError
from kube_actors.store import Key
from kube_actors.writes import Client, Identity

from .world import NOW, World, causes, config_map, deployment, pod

SETTINGS = Key("configmaps", "default", "settings")
WEB = Key("deployments.apps", "default", "web")


@pytest.fixture
async def world() -> World:
    """A world with the namespace default."""
    return await World().with_namespace()


async def test_a_new_object(world: World) -> None:
    """The system's metadata is filled in, and the author owns what it sent."""
    body = (await world.client.create(config_map(color="blue"))).body()
    uid = body["metadata"].pop("uid")
    assert uuid.UUID(uid).version == 4
    entry = {
        "manager": "alice",
        "operation": "Update",
        "apiVersion": "v1",
        "time": NOW,
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:data": {".": {}, "f:color": {}}},
    }
    metadata = {
        "name": "settings",
        "namespace": "default",
        "creationTimestamp": NOW,
        "resourceVersion": "2",
        "managedFields": [entry],
    }
    assert body == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"color": "blue"}}


async def test_what_a_client_may_not_bring_along(world: World) -> None:
    """Status, generation, deletion marks and links of the sender do not count."""
    body = deployment()
    body["status"] = {"replicas": 9}
    body["metadata"].update(generation=7, deletionTimestamp=NOW, selfLink="/x", uid="mine", creationTimestamp=None)
    created = (await world.client.create(body)).body()
    metadata = created["metadata"]
    assert created["status"] == {}
    assert (metadata["generation"], metadata.get("deletionTimestamp"), metadata.get("selfLink")) == (1, None, None)
    assert metadata["uid"] != "mine"


async def test_the_given_body_is_not_changed(world: World) -> None:
    """A caller keeps its manifest as it was."""
    body = deployment()
    await world.client.create(body)
    assert body == deployment()


async def test_a_body_given_away_is_stored_as_any_other() -> None:
    """Whether it is copied or taken as it is, of whatever version: the same bytes in a cluster of the same seed."""
    scaler = {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "labels": {}, "managedFields": [{}]},
        "spec": {"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "web"}},
    }
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": None}
    stored = []
    for in_place in (False, True):
        client = World().client
        await client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}})
        made = [await client.create(copy.deepcopy(body), in_place=in_place) for body in (scaler, settings)]
        stored.append([revision.raw for revision in made])
    assert stored[0] == stored[1]


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"kind": None}, 400, "Object 'Kind' is missing"),
        ({"kind": "ConfigMop"}, 400, 'no matches for kind "ConfigMop" in version "v1"'),
        ({"metadata": []}, 400, "metadata must be an object"),
        ({"dota": {}}, 400, 'unknown field "dota"'),
        ({"data": {"a": 1}}, 400, "cannot unmarshal number into Go struct field ConfigMap.data"),
        ({"metadata": {"name": "a", "resourceVersion": "5"}}, 400, "resourceVersion should not be set"),
        ({"metadata": {}}, 422, "name or generateName is required"),
        ({"metadata": {"name": "a_b"}}, 422, "a lowercase RFC 1123 subdomain must consist of"),
        ({"metadata": {"name": "a", "namespace": "none"}}, 404, 'namespaces "none" not found'),
        ({"apiVersion": "v1", "kind": "ComponentStatus", "data": None}, 405, "does not allow this method|not stored"),
    ],
)
async def test_bodies_that_are_refused(world: World, change: dict[str, Any], code: int, message: str) -> None:
    """Each for its own reason, and nothing is stored."""
    body = {**config_map(), **change}
    if body.get("kind") == "ComponentStatus":
        body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "a"}, "target": {"name": "n"}}
    with pytest.raises(ApiError) as caught:
        await world.client.create(body)
    assert caught.value.code == code
    assert re.search(message, caught.value.message)
    assert world.store.list("configmaps") == []


async def test_every_problem_at_once(world: World) -> None:
    """Schema, metadata and the kind's own rules are told together."""
    body = deployment(replicas=-1)
    body["metadata"].update(name="Web", labels={"a b": "c"}, annotations={"x": "y" * 262144})
    del body["spec"]["template"]["spec"]["containers"][0]["name"]
    with pytest.raises(ApiError) as caught:
        await world.client.create(body)
    fields = [cause.field for cause in caught.value.causes]
    assert fields == [
        "metadata.name",
        "metadata.labels",
        "metadata.annotations",
        "spec.replicas",
        "spec.template.spec.containers[0].name",
    ]


async def test_owners_are_named_in_full(world: World) -> None:
    """What is missing in a reference is told as Kubernetes does."""
    body = config_map()
    body["metadata"]["ownerReferences"] = [{"name": "a", "kind": "Pod"}]
    with pytest.raises(ApiError) as caught:
        await world.client.create(body)
    assert [(cause.field.rpartition(".")[2], cause.message) for cause in caught.value.causes] == [
        ("apiVersion", 'Invalid value: "": version must not be empty'),
        ("uid", 'Invalid value: "": must not be empty'),
    ]


@pytest.mark.parametrize("api_version", ["apps/", "a/b/c", "/"])
async def test_owners_of_no_version(world: World, api_version: str) -> None:
    """A group alone is none, nor is what is no group and version."""
    body = config_map()
    body["metadata"]["ownerReferences"] = [{"name": "a", "kind": "Pod", "uid": "1", "apiVersion": api_version}]
    with pytest.raises(ApiError) as caught:
        await world.client.create(body)
    (cause,) = caught.value.causes
    assert cause.field == "metadata.ownerReferences[0].apiVersion"
    assert cause.message == f'Invalid value: "{api_version}": version must not be empty'


@pytest.mark.parametrize(
    ("api_version", "kind", "fields"),
    [
        ("v1", "Pod", ["spec.containers"]),
        ("v1", "Service", ["spec.ports"]),
        (
            "apps/v1",
            "Deployment",
            ["spec.selector", "spec.template.metadata.labels", "spec.template.spec.containers"],
        ),
    ],
)
async def test_nothing_but_a_name(world: World, api_version: str, kind: str, fields: list[str]) -> None:
    """Each required field is asked for once."""
    with pytest.raises(ApiError) as caught:
        await world.client.create({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}})
    assert [cause.field for cause in caught.value.causes] == fields


async def test_names_taken_and_generated(world: World) -> None:
    """A name is unique; a generated one is tried again until it is."""
    await world.client.create(config_map())
    with pytest.raises(ApiError, match='configmaps "settings" already exists'):
        await world.client.create(config_map())
    body = config_map()
    body["metadata"] = {"generateName": "x" * 70 + "-"}
    names = {(await world.client.create(body)).key.name for _ in range(5)}
    assert len(names) == 5
    assert all(re.fullmatch(r"x{58}[b-z2-9]{5}", name) for name in names)


class Repeating(random.Random):
    """Draws the same suffix a number of times before it draws others."""

    def __init__(self, times: int) -> None:
        super().__init__(3)
        self.left = 5 * times

    def choice(self, seq: Any) -> Any:
        """The first, until it is time for another."""
        self.left -= 1
        return seq[0] if self.left >= 0 else super().choice(seq)


@pytest.mark.parametrize(("draws", "created"), [(8, True), (9, False)])
async def test_generated_names_are_tried_eight_times(world: World, draws: int, created: bool) -> None:
    """A taken name is drawn again; the eighth that is taken is an error."""
    client = Client(attrs.evolve(world.pipeline, random=Repeating(draws)), Identity("alice"))
    body = config_map()
    body["metadata"] = {"generateName": "a-"}
    first = await client.create(body)
    assert first.key.name == "a-bbbbb"
    if created:
        assert (await client.create(body)).key.name != first.key.name
    else:
        with pytest.raises(ApiError, match='"a-bbbbb" already exists'):
            await client.create(body)


async def test_namespace_of_body_and_request(world: World) -> None:
    """The body's wins when the request names none; two that differ are refused."""
    body = config_map()
    body["metadata"]["namespace"] = "default"
    await world.client.create(body, namespace="default")
    with pytest.raises(ApiError, match="does not match the namespace sent on the request") as caught:
        await world.client.create(body, namespace="other")
    assert caught.value.code == 400


async def test_one_seed_one_cluster() -> None:
    """The same writes give the same uids and names."""

    async def uids() -> list[str]:
        world = await World().with_namespace()
        body = pod()
        body["metadata"] = {"generateName": "p-"}
        created = [await world.client.create(body) for _ in range(3)]
        return [each.uid + each.key.name for each in created]

    assert await uids() == await uids()


async def test_dry_run_stores_nothing(world: World) -> None:
    """What would be stored is answered, nothing is."""
    head = world.store.head
    revision = await world.client.create(config_map(a="1"), dry_run=True)
    assert revision.body()["metadata"]["namespace"] == "default"
    await world.client.create(config_map(a="1"))
    patched = await world.client.patch(SETTINGS, {"data": {"a": "2"}}, "merge", dry_run=True)
    assert patched.body()["data"] == {"a": "2"}
    assert await world.client.delete(SETTINGS, dry_run=True) is None
    with pytest.raises(ApiError, match="already exists"):
        await world.client.create(config_map(), dry_run=True)
    assert world.store.head == head + 1


async def test_generation_counts_changes_of_the_spec(world: World) -> None:
    """Labels and status leave it alone; a client cannot set it."""
    await world.client.create(deployment())

    def change(body: dict[str, Any]) -> None:
        body["metadata"]["labels"] = {"a": "b"}
        body["metadata"]["generation"] = 50

    generations = [(await world.client.mutate(WEB, change)).projection.generation]
    status = {"replicas": 1, "observedGeneration": 1}
    written = await world.client.mutate(WEB, lambda body: body.update(status=status), subresource="status")
    generations.append(written.projection.generation)
    generations.append(
        (await world.client.mutate(WEB, lambda body: body["spec"].update(replicas=2))).projection.generation
    )
    assert generations == [1, 1, 2]


async def test_annotations_of_a_deployment_count(world: World) -> None:
    """Kubernetes counts them for Deployments, unless they come with the status, as the controller's revision does."""
    await world.client.create(deployment())

    def annotate(body: dict[str, Any]) -> None:
        annotations = body["metadata"].setdefault("annotations", {})
        annotations[f"a{len(annotations)}"] = "b"

    assert (await world.client.mutate(WEB, annotate)).projection.generation == 2
    told = await world.client.mutate(WEB, annotate, subresource="status")
    assert told.projection.generation == 2
    assert told.body()["metadata"]["annotations"] == {"a0": "b", "a1": "b"}


async def test_status_and_spec_are_two_halves(world: World) -> None:
    """A write of the object keeps the status, a write of the status keeps everything else."""
    await world.client.create(deployment())

    def both(body: dict[str, Any]) -> None:
        body["spec"]["replicas"] = 4
        body["status"] = {"replicas": body["status"].get("replicas", 0) + 4}
        body["metadata"]["labels"] = {"by": "status"}
        body["metadata"]["annotations"] = {"by": "status"}

    after_status = (await world.client.mutate(WEB, both, subresource="status")).body()
    assert (after_status["spec"]["replicas"], after_status["status"]) == (1, {"replicas": 4})
    assert after_status["metadata"].get("labels") is None
    assert after_status["metadata"]["annotations"] == {"by": "status"}
    after_spec = (await world.client.mutate(WEB, both)).body()
    assert (after_spec["spec"]["replicas"], after_spec["status"]) == (4, {"replicas": 4})


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("uid", "other", "Precondition failed: UID in precondition: other"),
        ("resourceVersion", "1", "the object has been modified; please apply your changes to the latest version"),
    ],
)
async def test_preconditions_in_the_body(world: World, field: str, value: str, message: str) -> None:
    """409 when the body means another object or another version of it."""
    body = (await world.client.create(config_map(a="1"))).body()
    body["metadata"][field] = value
    with pytest.raises(ApiError, match=message) as caught:
        await world.client.update(body)
    assert caught.value.code == 409


async def test_system_metadata_is_immutable(world: World) -> None:
    """Leaving the system's fields out keeps them, naming others is refused, each by name."""
    created = (await world.client.create(config_map(a="1"))).body()
    body = config_map(a="2")
    updated = (await world.client.update(body)).body()
    for name in ("uid", "creationTimestamp"):
        assert updated["metadata"][name] == created["metadata"][name]
    body["metadata"].update(creationTimestamp="2020-01-01T00:00:00Z", deletionTimestamp=NOW)
    with pytest.raises(ApiError) as caught:
        await world.client.update(body)
    assert causes(caught.value) == [
        'metadata.creationTimestamp: Invalid value: "2020-01-01T00:00:00Z": field is immutable',
        f'metadata.deletionTimestamp: Invalid value: "{NOW}": field is immutable',
    ]


async def test_no_change_no_write(world: World) -> None:
    """An update that says what is there answers the stored revision."""
    created = await world.client.create(deployment())
    assert await world.client.update(deployment()) is created
    assert await world.client.mutate(WEB, lambda body: None) is created
    assert await world.client.patch(WEB, {"spec": {"replicas": 1}}, "merge") is created


async def test_mutate_means_one_object(world: World) -> None:
    """With a uid, a namesake is not meant."""
    created = await world.client.create(config_map(a="1"))
    await world.client.mutate(SETTINGS, lambda body: body["data"].update(a="2"), uid=created.uid)
    with pytest.raises(ApiError, match="not found"):
        await world.client.mutate(SETTINGS, lambda body: body["data"].clear(), uid="another")


async def test_patches_of_every_kind(world: World) -> None:
    """The same change as JSON, merge and strategic merge patch."""
    await world.client.create(deployment())
    client = world.client
    await client.patch(WEB, [{"op": "replace", "path": "/spec/replicas", "value": 2}], "json")
    container = {"name": "app", "image": "nginx:1.28"}
    await client.patch(WEB, {"spec": {"template": {"spec": {"containers": [container]}}}}, "strategic")
    revision = await client.patch(WEB, {"metadata": {"labels": {"a": "b"}}}, "merge")
    body = revision.body()
    containers = body["spec"]["template"]["spec"]["containers"]
    assert (body["spec"]["replicas"], containers[0]["image"], body["metadata"]["labels"]) == (
        2,
        "nginx:1.28",
        {"a": "b"},
    )
    assert containers[0]["terminationMessagePath"] == "/dev/termination-log"
    with pytest.raises(ApiError, match='no kind "Pod" is registered'):
        await client.patch(WEB, {"kind": "Pod"}, "merge")


async def test_unknown_subresource(world: World) -> None:
    """405 for a part the object does not have."""
    await world.client.create(config_map(a="1"))
    with pytest.raises(ApiError) as caught:
        await world.client.mutate(SETTINGS, lambda body: body.clear(), subresource="status")
    assert caught.value.code == 405


async def test_resources_without_rules_work(world: World) -> None:
    """A kind nobody wrote rules for is created, changed, listed and deleted, with validation and managed fields."""
    body: dict[str, Any] = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "a:b"}}
    body["rules"] = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    created = await world.client.create(body)
    assert created.body()["metadata"]["managedFields"][0]["fieldsV1"] == {"f:rules": {}}
    await world.client.mutate(created.key, lambda body: body["rules"][0]["verbs"].append("list"))
    assert [each.body()["rules"][0]["verbs"] for each in world.store.list(created.key.resource)] == [["get", "list"]]
    with pytest.raises(ApiError, match='unknown field "rulez"'):
        await world.client.patch(created.key, {"rulez": []}, "merge")
    assert await world.client.delete(created.key) is None


async def test_warnings_of_old_versions(world: World) -> None:
    """An old version is converted, and the client is told the new one."""
    body = deployment()
    body["apiVersion"] = "extensions/v1beta1"
    del body["spec"]["selector"]
    created = (await world.client.create(body)).body()
    assert created["apiVersion"] == "apps/v1"
    assert created["spec"]["selector"] == {"matchLabels": {"app": "web"}}
    assert created["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 1}
    assert world.warnings == [
        "extensions/v1beta1 Deployment is deprecated, unavailable in v1.16+; use apps/v1 Deployment"
    ]


async def test_objects_nobody_acts_on_are_told(world: World) -> None:
    """A Job is kept and served, but no pod will come of it: whoever creates one hears it."""
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"}}
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "app"}]}}
    applied = await world.client.apply({**job, "spec": {"template": template}})
    assert applied.warnings == ("this Job is only stored: nothing in this cluster starts its pods",)
    assert (await world.client.apply({**job, "spec": {"template": template}})).warnings == ()
    assert (await world.client.apply(config_map())).warnings == ()


async def test_nulls_at_the_top_were_never_written(world: World) -> None:
    """`spec: null` of a Namespace and `data: null` of a ConfigMap are stored as nothing."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}, "spec": None}
    assert (await world.client.create(namespace)).body()["spec"] == {"finalizers": ["kubernetes"]}
    assert "data" not in (await world.client.create({**config_map(), "data": None})).body()


async def test_a_namespace_that_is_no_text(world: World) -> None:
    """Refused like a name that is none."""
    body = config_map()
    body["metadata"]["namespace"] = ["default"]
    with pytest.raises(ApiError, match=r"metadata\.namespace must be a string"):
        await world.client.create(body)


async def test_times_and_quantities_are_stored_as_kubernetes_spells_them() -> None:
    """In what is created and in what a status brings, whether or not something beside it is spelt well already."""
    world = await World().with_namespace()
    body = pod()
    body["metadata"]["namespace"] = "default"
    body["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "0.5", "memory": "64Mi"}}
    revision = await world.client.create(body)
    assert revision.body()["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "500m", "memory": "64Mi"}
    times = {"Ready": "2026-01-01T02:00:00.5+02:00", "Initialized": "2026-01-01T00:00:00Z"}
    conditions = [{"type": name, "status": "True", "lastTransitionTime": time} for name, time in times.items()]
    status = {"conditions": conditions}
    revision = await world.client.mutate(revision.key, lambda body: body.update(status=status), subresource="status")
    stored = [each["lastTransitionTime"] for each in revision.body()["status"]["conditions"]]
    assert stored == ["2026-01-01T00:00:00Z"] * 2
