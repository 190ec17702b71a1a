"""Writing to the store: compare and swap, numbers, and who is told."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import attrs
import pytest
import trio

from kube_actors.errors import ApiError
from kube_actors.store import Commit, Key, Store
from kube_actors.store.journal import MemoryJournal

from .building import HeldJournal, candidate, create, delete, new_store, pod, project, update

WEB = Key("pods", "default", "web")


def test_created_object_carries_its_number() -> None:
    """The first revision is 1, in the bytes, in the revision and as the store's head."""
    store = new_store()
    revision = create(store, pod("web"))
    assert revision.resource_version == store.head == store.durable_revision == 1
    assert json.loads(revision.raw)["metadata"]["resourceVersion"] == "1"
    assert store.get(WEB) is revision


def test_bytes_are_canonical() -> None:
    """The same object written in another order of keys gives the same bytes."""
    body = pod("web", app="a")
    turned = dict(reversed(list(body.items())))
    assert create(new_store(), body).raw == create(new_store(), turned).raw


def test_small_objects_take_little_memory() -> None:
    """Of 500 pods each takes what its JSON and its indexes need, not the room that was free to write it in."""
    store = new_store()
    tracemalloc.start()
    try:
        for number in range(500):
            create(store, pod(f"web-{number}"))
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert taken / 500 < 3000


def test_writers_body_stays_as_it_was() -> None:
    """Committing does not write into the caller's dict."""
    body = pod("web")
    create(new_store(), body)
    assert body == pod("web")


def test_body_is_fresh_each_time() -> None:
    """Spoiling a parsed body harms nobody else."""
    revision = create(new_store(), pod("web"))
    revision.body()["metadata"]["name"] = "spoilt"
    assert revision.body()["metadata"]["name"] == "web"


def test_create_twice_is_refused() -> None:
    """409 AlreadyExists in Kubernetes' words, and nothing changes."""
    store = new_store()
    create(store, pod("web"), "deployments.apps")
    with pytest.raises(ApiError, match=r'^deployments\.apps "web" already exists$') as refused:
        create(store, pod("web"), "deployments.apps")
    assert (refused.value.code, refused.value.reason, store.head) == (409, "AlreadyExists", 1)


def test_update_of_an_older_revision_is_a_conflict() -> None:
    """Of two writers who read the same revision the second is refused and the first one's object stays."""
    store = new_store()
    first = create(store, pod("web"))
    second = store.commit(candidate(pod("web", app="a")), first.resource_version)
    with pytest.raises(ApiError, match="please apply your changes to the latest version and try again") as refused:
        store.commit(candidate(pod("web", app="b")), first.resource_version)
    assert (refused.value.code, refused.value.reason) == (409, "Conflict")
    assert store.get(WEB) is second


def test_update_of_a_missing_object_is_not_found() -> None:
    """404, not a conflict: there is nothing to try again with."""
    with pytest.raises(ApiError, match='pods "web" not found') as refused:
        new_store().commit(candidate(pod("web")), 1)
    assert refused.value.code == 404


def test_another_uid_under_the_same_name_is_a_conflict() -> None:
    """An object made anew under its old name is not overwritten by a writer of the old one."""
    store = new_store()
    create(store, pod("web"))
    other = attrs.evolve(candidate(pod("web")), uid="somebody-else")
    with pytest.raises(ApiError, match="Precondition failed: UID in precondition: somebody-else") as refused:
        store.commit(other, 1)
    assert refused.value.code == 409


def test_remove_takes_a_number_and_shows_the_final_state() -> None:
    """The deletion is a step of its own: the final body under the deletion's number."""
    store = new_store()
    create(store, pod("web", app="a"))
    removed = store.remove(WEB, 1, pod("web", app="last"))
    assert (removed.resource_version, store.head, store.get(WEB)) == (2, 2, None)
    assert removed.body()["metadata"]["resourceVersion"] == "2"
    assert removed.projection.labels == {"app": "last"}


def test_remove_checks_what_it_expects() -> None:
    """A conflict for another revision, 404 for nothing; without expectation whatever is there goes."""
    store = new_store()
    create(store, pod("web"))
    with pytest.raises(ApiError) as conflicting:
        store.remove(WEB, 9, pod("web"))
    store.remove(WEB, None, pod("web"))
    with pytest.raises(ApiError) as missing:
        store.remove(WEB, None, pod("web"))
    assert (conflicting.value.code, missing.value.code) == (409, 404)


def test_object_that_json_cannot_hold_changes_nothing() -> None:
    """A failing dump uses up no number and leaves the old object."""
    store = new_store()
    first = create(store, pod("web"))
    body: dict[str, Any] = {**pod("web"), "status": {"big": 1 << 70}}
    with pytest.raises(TypeError):
        store.commit(candidate(body), 1)
    assert (store.get(WEB), store.head) == (first, 1)


def test_numbers_rise_over_all_resources() -> None:
    """One sequence for the whole store."""
    store = new_store()
    numbers = [create(store, pod("a"), resource).resource_version for resource in ("pods", "nodes", "services")]
    assert numbers == [1, 2, 3]


def test_subscribers_hear_of_every_step_in_order() -> None:
    """A subscriber sees kind, new and previous revision; one to a resource only that resource."""
    store = new_store()
    seen: list[Commit] = []
    nodes: list[Commit] = []
    store.subscribe(seen.append)
    store.subscribe(nodes.append, "nodes")
    first = create(store, pod("web"))
    second = update(store, pod("web", app="a"))
    node = create(store, pod("one"), "nodes")
    last = delete(store, "web")
    steps = [(commit.kind, commit.revision, commit.previous) for commit in seen]
    assert steps == [
        ("added", first, None),
        ("modified", second, first),
        ("added", node, None),
        ("deleted", last, second),
    ]
    assert [commit.revision for commit in nodes] == [node]


def test_unsubscribed_hears_nothing_more() -> None:
    """Ending one of two equal subscriptions leaves the other."""
    store = new_store()
    seen: list[Commit] = []
    end = store.subscribe(seen.append)
    store.subscribe(seen.append)
    end()
    end()
    create(store, pod("web"))
    assert len(seen) == 1


def test_one_subscription_to_several_resources() -> None:
    """It hears of each of them in order and of no other, until it is ended for all."""
    store = new_store()
    heard: list[str] = []
    end = store.subscribe(lambda commit: heard.append(commit.key.resource), "pods", "nodes")
    for name, resource in (("a", "nodes"), ("b", "secrets"), ("c", "pods"), ("d", "nodes")):
        create(store, pod(name), resource)
    assert heard == ["nodes", "pods", "nodes"]
    end()
    for name, resource in (("e", "nodes"), ("f", "pods")):
        create(store, pod(name), resource)
    assert heard == ["nodes", "pods", "nodes"]


def test_subscriber_that_commits_does_not_disturb_the_order() -> None:
    """Those called later still hear of the first step before the second."""
    store = new_store()
    heard: list[int] = []

    def follow(commit: Commit) -> None:
        if commit.key.name == "first":
            create(store, pod("second"))

    store.subscribe(follow)
    store.subscribe(lambda commit: heard.append(commit.resource_version))
    create(store, pod("first"))
    assert heard == [1, 2]


def test_failing_subscriber_is_reported_and_harms_nobody() -> None:
    """The write stands, the next subscriber is called, and the error is handed to who asked for it."""
    errors: list[tuple[Exception, Commit]] = []
    seen: list[Commit] = []
    store = Store(MemoryJournal(), project=project, on_error=lambda error, commit: errors.append((error, commit)))
    problem = ValueError("broken")

    def fail(commit: Commit) -> None:
        raise problem

    store.subscribe(fail)
    store.subscribe(seen.append)
    revision = create(store, pod("web"))
    assert store.get(WEB) is revision
    assert [commit.revision for commit in seen] == [revision]
    assert errors == [(problem, seen[0])]


async def test_durable_waits_for_the_journal() -> None:
    """Waiters go on when the journal covers their number, and not before."""
    journal = HeldJournal()
    store = new_store(journal)
    done: list[int] = []

    async def wait(number: int) -> None:
        await store.durable(number)
        done.append(number)

    for name in ("a", "b", "c"):
        create(store, pod(name))
    async with trio.open_nursery() as nursery:
        for number in (3, 1, 2):
            nursery.start_soon(wait, number)
        await trio.testing.wait_all_tasks_blocked()
        assert (done, store.head, store.durable_revision) == ([], 3, 0)
        journal.release(2)
        await trio.testing.wait_all_tasks_blocked()
        assert sorted(done) == [1, 2]
        journal.release()
    assert store.durable_revision == 3


async def test_failed_journal_refuses_writes_and_waiters() -> None:
    """503 for who waits, who waits later and who writes; what was acknowledged stays so."""
    journal = HeldJournal()
    store = new_store(journal)
    create(store, pod("a"))
    journal.release()
    create(store, pod("b"))
    refused: list[int] = []

    async def wait() -> None:
        with pytest.raises(ApiError, match="the disk is gone") as error:
            await store.durable(2)
        refused.append(error.value.code)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        journal.fail("the disk is gone")
    await wait()
    await store.durable(1)
    with pytest.raises(ApiError, match="the disk is gone"):
        create(store, pod("c"))
    assert refused == [503, 503]
    assert str(await journal.failed()) == "the disk is gone"


def test_running_out_of_numbers_is_a_refusal_not_a_reuse() -> None:
    """While the journal has reserved no more, a write is refused with 503 and nothing happens; later it is taken."""
    journal = HeldJournal()
    journal.limit = 1
    store = new_store(journal)
    create(store, pod("a"))
    with pytest.raises(ApiError, match="waiting for the disk") as refused:
        create(store, pod("web"))
    assert (refused.value.code, store.head, store.get(WEB)) == (503, 1, None)
    journal.limit = 10
    assert create(store, pod("web")).resource_version == 2


def test_closed_store_refuses_writes() -> None:
    """503 while the cluster shuts down."""
    store = new_store()
    store.close()
    with pytest.raises(ApiError, match="shutting down") as refused:
        create(store, pod("web"))
    assert refused.value.code == 503
