"""Which resources exist and how they are found."""

import pytest

from kube_actors.api.registry import Column, Registry, UnknownResourceError
from kube_actors.api.types import Kind

REGISTRY = Registry.built_in()


def test_all_built_in_resources_have_a_schema_that_compiles() -> None:
    """Each of the 68 resources describes itself and its metadata."""
    assert len(REGISTRY) == 68
    for resource in REGISTRY:
        schema = resource.schema
        assert schema.root.kind is Kind.OBJECT
        assert schema.validate({"apiVersion": 1}) != []


def test_every_type_that_a_schema_can_reach_compiles() -> None:
    """No field refers to a type that is not in the facts."""
    seen = set()
    waiting = [resource.schema.root for resource in REGISTRY]
    while waiting:
        node = waiting.pop()
        waiting += [node.items] if node.items is not None else []
        if node.object_type is not None and node.object_type.name not in seen:
            seen.add(node.object_type.name)
            waiting += node.fields.values()
            assert set(node.object_type.required) <= node.fields.keys()
    assert {"core.v1.Container", "meta.v1.LabelSelector", "autoscaling.v2.MetricSpec"} <= seen


def test_pods_row() -> None:
    """A row carries what discovery, tables and requests need."""
    pods = REGISTRY.by_id("pods")
    assert (pods.api_version, pods.kind, pods.singular, pods.namespaced) == ("v1", "Pod", "pod", True)
    assert (pods.short_names, pods.categories) == (("po",), ("all",))
    assert pods.columns[:2] == (Column("Name"), Column("Ready"))
    assert Column("Nominated Node", wide=True) in pods.columns
    binding = pods.subresource("binding")
    assert binding is not None
    assert (binding.kind, binding.verbs) == ("Binding", ("create",))
    assert pods.subresource("scale") is None


def test_columns_with_blanks_are_one_column() -> None:
    """The table of columns separates names by blanks, and some names contain them."""
    names = [column.name for column in REGISTRY.find("pdb").columns]
    assert names == ["Name", "Min Available", "Max Unavailable", "Allowed Disruptions", "Age"]
    assert "Reclaim Policy" in [column.name for column in REGISTRY.find("pv").columns]


@pytest.mark.parametrize(
    ("word", "resource_id"),
    [
        ("pods", "pods"),
        ("pod", "pods"),
        ("po", "pods"),
        ("Pod", "pods"),
        ("PODS", "pods"),
        ("deploy", "deployments.apps"),
        ("Deployment", "deployments.apps"),
        ("deployments.apps", "deployments.apps"),
        ("deployments.v1.apps", "deployments.apps"),
        ("deploy.apps", "deployments.apps"),
        ("rs", "replicasets.apps"),
        ("events", "events"),
        ("ev", "events"),
        ("events.events.k8s.io", "events.events.k8s.io"),
        ("ing.networking", "ingresses.networking.k8s.io"),
        ("crds", "customresourcedefinitions.apiextensions.k8s.io"),
        ("endpoints", "endpoints"),
    ],
)
def test_find_by_what_people_type(word: str, resource_id: str) -> None:
    """Plural, singular, short name and kind, with or without the group."""
    assert REGISTRY.find(word).id == resource_id


def test_find_suggests_what_was_meant() -> None:
    """An unknown word is answered in kubectl's sentence, with the nearest names."""
    with pytest.raises(UnknownResourceError) as caught:
        REGISTRY.find("deploymnets")
    assert str(caught.value) == (
        "the server doesn't have a resource type \"deploymnets\" (did you mean 'deployments'?)"
    )
    with pytest.raises(UnknownResourceError) as caught:
        REGISTRY.find("pods.apps")
    assert caught.value.word == "pods.apps"


def test_by_kind_and_preferred_versions() -> None:
    """A manifest's apiVersion finds its own version; the id stands for the preferred one."""
    old = REGISTRY.by_kind("autoscaling/v1", "HorizontalPodAutoscaler")
    assert old is not None
    assert old.version == "v1"
    assert REGISTRY.by_id(old.id).version == "v2"
    assert REGISTRY.by_kind("v1", "Deployment") is None
    assert REGISTRY.by_kind("apps/v1", "deployment") is None


def test_category_all_lists_each_kind_once() -> None:
    """`kubectl get all` shows an autoscaler once, not once per version."""
    ids = [resource.id for resource in REGISTRY.in_category("all")]
    assert len(ids) == len(set(ids))
    assert {"pods", "services", "deployments.apps", "jobs.batch"} <= set(ids)
    assert "configmaps" not in ids


def test_types_without_a_resource() -> None:
    """Bodies of subresources have schemas too."""
    scale = REGISTRY.type_schema("autoscaling.v1.Scale")
    assert scale.validate({"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 3}}) == []


def test_what_is_stored_as_what() -> None:
    """Events of both groups are one store; of two versions of a kind the preferred one is stored."""
    events = REGISTRY.by_path("events.k8s.io", "v1", "events")
    old = REGISTRY.by_path("autoscaling", "v1", "horizontalpodautoscalers")
    assert events is not None
    assert old is not None
    assert (events.id, events.storage_id, REGISTRY.storage_of(events).api_version) == (
        "events.events.k8s.io",
        "events",
        "v1",
    )
    assert (old.storage_id, REGISTRY.storage_of(old).version) == ("horizontalpodautoscalers.autoscaling", "v2")
    assert all(REGISTRY.storage_of(each) is each for each in REGISTRY if each.kind == "Pod")


@pytest.mark.parametrize(
    ("api_version", "kind", "expected"),
    [
        ("v1", "Pod", "core.v1.Pod"),
        ("rbac.authorization.k8s.io/v1", "Role", "rbac.v1.Role"),
        ("autoscaling/v1", "Scale", "autoscaling.v1.Scale"),
        ("apps/v1", "DeleteOptions", "meta.v1.DeleteOptions"),
        ("example.com/v1", "Thing", None),
    ],
)
def test_names_of_types(api_version: str, kind: str, expected: str | None) -> None:
    """Of any kind of a group that is served, and of those that all groups share."""
    assert REGISTRY.type_name(api_version, kind) == expected
