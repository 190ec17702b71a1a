"""Asking the store what there is."""

from __future__ import annotations

import pytest

from kube_actors.api.selectors import LabelSelector
from kube_actors.store import Store

from .building import create, delete, names, new_store, pod, update


@pytest.fixture
def store() -> Store:
    """Pods of two namespaces, created out of order."""
    store = new_store()
    for name, namespace, app in (
        ("c", "default", "web"),
        ("a", "kube-system", "dns"),
        ("a", "default", "web"),
        ("b", "default", "db"),
    ):
        create(store, pod(name, namespace, app=app))
    create(store, pod("a", "default", app="web"), "services")
    return store


def places(store: Store, selector: str | None = None, namespace: str | None = None) -> list[tuple[str, str]]:
    """(namespace, name) of the pods listed."""
    parsed = None if selector is None else LabelSelector.parse(selector)
    return [revision.key[1:] for revision in store.list("pods", namespace, parsed)]


ALL = [("default", "a"), ("default", "b"), ("default", "c"), ("kube-system", "a")]


def test_lists_are_sorted_by_namespace_and_name(store: Store) -> None:
    """Whatever the order of creation; None and "" mean every namespace."""
    assert places(store) == places(store, namespace="") == ALL


def test_list_of_a_namespace(store: Store) -> None:
    """Only that namespace, also when another one's name begins with it."""
    create(store, pod("x", "default-2"))
    assert places(store, namespace="default") == ALL[:3]
    assert places(store, namespace="defaul") == []


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("app=web", [("default", "a"), ("default", "c")]),
        ("app in (web,dns)", [("default", "a"), ("default", "c"), ("kube-system", "a")]),
        ("app=web,app=db", []),
        ("app!=web", [("default", "b"), ("kube-system", "a")]),
        ("app", ALL),
        ("!app", []),
        ("app=none", []),
        ("", ALL),
    ],
)
def test_list_by_labels(store: Store, selector: str, expected: list[tuple[str, str]]) -> None:
    """Sorted as ever, with and without an index for the selector, and the same within a namespace."""
    assert places(store, selector) == expected
    assert places(store, selector, "default") == [place for place in expected if place[0] == "default"]


def test_selector_that_matches_nothing(store: Store) -> None:
    """No selector at all in an object means no objects."""
    assert store.list("pods", None, LabelSelector.from_object(None)) == []


def test_label_index_follows_changes(store: Store) -> None:
    """A pod that changes its label is found under the new one only; a removed one not at all."""
    update(store, pod("a", app="db"))
    delete(store, "c")
    assert places(store, "app=web") == []
    assert places(store, "app=db", "default") == [("default", "a"), ("default", "b")]


def test_list_is_the_callers(store: Store) -> None:
    """Emptying a list leaves the store as it is."""
    store.list("pods").clear()
    assert places(store) == ALL


def test_count_and_resources(store: Store) -> None:
    """How many objects of a resource, and which resources have some."""
    assert (store.count("pods"), store.count("services"), store.count("nodes")) == (4, 1, 0)
    delete(store, "a", resource="services")
    assert list(store.resources()) == ["pods"]


def test_owned_by() -> None:
    """Objects of any resource by an owner's uid, following changes of ownership."""
    store = new_store()
    owned = pod("a")
    owned["metadata"]["ownerReferences"] = [
        {"apiVersion": "v1", "kind": "X", "name": name, "uid": name} for name in ("one", "two")
    ]
    create(store, owned)
    create(store, owned, "services")
    assert [revision.key.resource for revision in store.owned_by("one")] == ["pods", "services"]
    owned["metadata"]["ownerReferences"].pop(0)
    update(store, owned)
    assert [revision.key.resource for revision in store.owned_by("one")] == ["services"]
    assert len(store.owned_by("two")) == 2
    delete(store, "a")
    delete(store, "a", resource="services")
    assert store.owned_by("one") == store.owned_by("two") == []


def test_on_node() -> None:
    """Pods by the node they are bound to; other resources never."""
    store = new_store()
    create(store, pod("b"))
    create(store, pod("a", node="one"))
    create(store, pod("s", node="one"), "services")
    assert names(store.on_node("one")) == ["a"]
    update(store, pod("b", node="one"))
    assert names(store.on_node("one")) == ["a", "b"]
    delete(store, "a")
    assert names(store.on_node("one")) == ["b"]
    assert store.on_node("two") == []


def test_in_namespace(store: Store) -> None:
    """Everything that has to go with a namespace; what is cluster scoped belongs to none."""
    create(store, pod("one", ""), "nodes")
    found = [(revision.key.resource, revision.key.name) for revision in store.in_namespace("default")]
    assert found == [("pods", "a"), ("pods", "b"), ("pods", "c"), ("services", "a")]
    assert store.in_namespace("") == []
