"""Navigation in a schema, nulls, and decoding errors."""

import pytest

from kube_actors.api.registry import Registry
from kube_actors.api.schema import Kind, decoding_error, parse_path
from kube_actors.errors import Cause

DEPLOYMENT = Registry.built_in().by_id("deployments.apps").schema
POD = Registry.built_in().by_id("pods").schema


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("$", ()),
        ("", ()),
        ("$.spec.replicas", ("spec", "replicas")),
        ("spec.containers[0].image", ("spec", "containers", 0, "image")),
        ("metadata.labels[app.kubernetes.io/name]", ("metadata", "labels", "app.kubernetes.io/name")),
        ('$.metadata.labels["a.b"]', ("metadata", "labels", "a.b")),
        ("a[0][1]", ("a", 0, 1)),
    ],
)
def test_parse_path(text: str, path: tuple[str | int, ...]) -> None:
    """Both spellings of a path, with indexes and keys in brackets."""
    assert parse_path(text) == path


@pytest.mark.parametrize("text", ["a..b", "a[", "a]", ".", "a."])
def test_parse_path_refuses_what_is_none(text: str) -> None:
    """Half a path is an error, not another path."""
    with pytest.raises(ValueError, match="not a path"):
        parse_path(text)


def test_lists_that_merge_by_key() -> None:
    """What patches and server-side apply need to know about a container's ports."""
    ports = DEPLOYMENT.node("spec.template.spec.containers[0].ports")
    assert ports is not None
    assert (ports.kind, ports.list_type, ports.list_keys) == (Kind.LIST, "map", ("containerPort", "protocol"))
    assert (ports.patch_strategies, ports.patch_merge_key) == (frozenset({"merge"}), "containerPort")


def test_other_ways_to_merge() -> None:
    """Atomic lists and maps, sets, and retained keys."""
    command = POD.node("spec.containers[0].command")
    finalizers = POD.node("metadata.finalizers")
    selector = DEPLOYMENT.node("spec.selector")
    strategy = DEPLOYMENT.node(("spec", "strategy"))
    volumes = POD.node("spec.volumes")
    assert command is not None
    assert finalizers is not None
    assert selector is not None
    assert strategy is not None
    assert volumes is not None
    assert command.list_type == "atomic"
    assert (finalizers.list_type, finalizers.patch_strategies) == ("set", frozenset({"merge"}))
    assert selector.atomic
    assert strategy.patch_strategies == frozenset({"retainKeys"})
    assert volumes.patch_strategies == frozenset({"merge", "retainKeys"})


def test_special_types() -> None:
    """Quantities, numbers-or-text, times, and places where anything may stand."""
    kinds = {
        "spec.template.spec.containers[0].resources.limits[cpu]": Kind.QUANTITY,
        "spec.strategy.rollingUpdate.maxSurge": Kind.INT_OR_STRING,
        "metadata.creationTimestamp": Kind.TIME,
        "metadata.managedFields[0].fieldsV1.f:spec": Kind.ANY,
        "spec.replicas": Kind.INT32,
        "metadata.labels[app]": Kind.STRING,
    }
    assert {path: getattr(DEPLOYMENT.node(path), "kind", None) for path in kinds} == kinds


def test_unknown_places_have_no_node() -> None:
    """Navigation ends where the schema does."""
    assert DEPLOYMENT.node("spec.nothing.below") is None
    assert DEPLOYMENT.node("spec.replicas.below") is None
    assert DEPLOYMENT.node(("spec", 0)) is None


def test_types_that_contain_themselves() -> None:
    """A CRD's schema nests without end."""
    schema = Registry.built_in().find("crd").schema
    path = "spec.versions[0].schema.openAPIV3Schema" + ".properties[a]" * 5
    node = schema.node(path + ".type")
    assert node is not None
    assert node.kind is Kind.STRING


def test_drop_nulls() -> None:
    """Null fields were never there; keys of maps and items of lists stay, and free-form values are left alone."""
    resources = {"limits": None, "requests": {"cpu": None}}
    body = {
        "metadata": {"name": "a", "creationTimestamp": None, "labels": {"a": None}},
        "spec": {
            "containers": [{"name": "c", "image": None, "args": [None, "x"], "resources": resources}],
            "tolerations": [None],
            "volumes": None,
        },
    }
    POD.drop_nulls(body)
    assert body == {
        "metadata": {"name": "a", "labels": {"a": ""}},
        "spec": {
            "containers": [{"name": "c", "args": ["", "x"], "resources": {"requests": {"cpu": "0"}}}],
            "tolerations": [{}],
        },
    }
    revision = {"data": {"spec": None}, "revision": 1}
    Registry.built_in().find("controllerrevisions").schema.drop_nulls(revision)
    assert revision == {"data": {"spec": None}, "revision": 1}


def test_decoding_error_in_kubernetes_words() -> None:
    """Unknown fields and wrong types make the sentence a server answers with 400."""
    causes = DEPLOYMENT.validate({"spec": {"foo": 1, "bar": 2, "template": {}, "selector": {}}})
    error = decoding_error("apps/v1", "Deployment", causes)
    assert error is not None
    assert (error.code, error.reason) == (400, "BadRequest")
    assert error.message == (
        'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: '
        'unknown field "spec.foo", unknown field "spec.bar"'
    )
    wrong = decoding_error("v1", "Pod", POD.validate({"metadata": {"labels": {"a": 1}}}))
    assert wrong is not None
    assert wrong.message == (
        'Pod in version "v1" cannot be handled as a Pod: '
        "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string"
    )
    assert decoding_error("v1", "Pod", [Cause("FieldValueRequired", "Required value", "spec")]) is None
