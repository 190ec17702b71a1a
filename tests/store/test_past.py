"""Lists as they were."""

from __future__ import annotations

import random

import pytest

from kube_actors.api.selectors import LabelSelector
from kube_actors.errors import ApiError
from kube_actors.store import Revision

from .building import create, delete, new_store, pod, update

WEB = LabelSelector.parse("app=web")


@pytest.mark.parametrize("seed", range(5))
def test_every_moment_can_be_listed_again(seed: int) -> None:
    """Whatever was created, changed and deleted since: the same revisions in the same order."""
    source, store = random.Random(seed), new_store()
    then: dict[int, list[Revision]] = {0: []}
    for _ in range(60):
        name, namespace = source.choice("abcd"), source.choice(["one", "two"])
        live = [each for each in store.list("pods") if each.key[1:] == (namespace, name)]
        if live and source.random() < 0.4:
            delete(store, name, namespace)
        else:
            (update if live else create)(store, pod(name, namespace, app=source.choice(["web", "db"])))
        if source.random() < 0.3:
            create(store, pod(f"s-{store.head}", "one"), "services")
        then[store.head] = store.list("pods")
    for number, listed in then.items():
        assert store.list_at(number, "pods") == listed
        assert store.list_at(number, "pods", "two") == [each for each in listed if each.key.namespace == "two"]
        web = [each for each in listed if WEB.matches(each.projection.labels)]
        assert store.list_at(number, "pods", selector=WEB) == web


@pytest.mark.parametrize("number", [1, 10_000])
def test_what_history_does_not_reach_is_expired(number: int) -> None:
    """410 for what is too long ago, and for a number that was never given out."""
    store = new_store(history_bytes=3000)
    for index in range(20):
        create(store, pod(f"p-{index}"))
    with pytest.raises(ApiError) as refused:
        store.list_at(number, "pods")
    assert (refused.value.code, refused.value.reason) == (410, "Expired")


def test_what_is_compacted_is_expired() -> None:
    """Nothing older is shown, though history still reaches there; the number itself still is."""
    store = new_store()
    numbers = [create(store, pod(f"p-{index}")).resource_version for index in range(4)]
    store.compact(numbers[2])
    store.compact(numbers[1])
    with pytest.raises(ApiError) as refused:
        store.list_at(numbers[1], "pods")
    assert (refused.value.code, refused.value.reason) == (410, "Expired")
    assert len(store.list_at(numbers[2], "pods")) == 3
    assert len(store.list_at(numbers[3], "pods")) == 4
