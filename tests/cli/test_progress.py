"""How far workloads have come, and what is told of it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
import trio

from kube_actors.cli.following import show_until_ready, until_answering
from kube_actors.cli.progress import Row, all_done, rows
from kube_actors.cli.views import PlainView, described
from kube_actors.kinds import project
from kube_actors.store import Candidate, Commit, Key, Store
from kube_actors.store.journal import MemoryJournal

WEB = Key("deployments.apps", "default", "web")


def fail(error: Exception, _commit: Commit) -> None:
    """No subscriber may fail."""
    raise AssertionError from error


@pytest.fixture
def store() -> Store:
    """An empty store."""
    return Store(MemoryJournal(), project=project, on_error=fail)


def put(store: Store, key: Key, spec: dict[str, Any], status: dict[str, Any], owner: str = "") -> None:
    """Create or replace an object; its uid is its name."""
    kinds = {"deployments.apps": ("apps/v1", "Deployment"), "replicasets.apps": ("apps/v1", "ReplicaSet")}
    version, kind = kinds.get(key.resource, ("v1", "Pod"))
    metadata: dict[str, Any] = {"name": key.name, "namespace": key.namespace, "uid": key.name, "generation": 2}
    if owner:
        reference = {"apiVersion": "apps/v1", "kind": "Owner", "name": owner, "uid": owner, "controller": True}
        metadata["ownerReferences"] = [reference]
    body = {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec, "status": status}
    live = store.get(key)
    candidate = Candidate(key, key.name, body, project(key.resource, body))
    store.commit(candidate, None if live is None else live.resource_version)


def deployment(store: Store, status: dict[str, Any], **spec: Any) -> Row:
    """The row of a Deployment with this status."""
    put(store, WEB, {"replicas": 3, **spec}, status)
    (row,) = rows(store, [WEB])
    return row


READY = {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}


@pytest.mark.parametrize(
    ("status", "done"),
    [
        (READY, True),
        ({}, False),
        ({**READY, "observedGeneration": 1}, False),
        ({**READY, "availableReplicas": 2}, False),
        ({**READY, "updatedReplicas": 1}, False),
        ({**READY, "replicas": 4, "updatedReplicas": 3}, False),
    ],
)
def test_when_a_deployment_is_done(store: Store, status: dict[str, Any], done: bool) -> None:
    """When the new version is all there is, and all of it can be used."""
    assert deployment(store, status).done is done


def test_a_paused_deployment_waits_for_nobody(store: Store) -> None:
    """Its old replicas count."""
    assert deployment(store, {**READY, "updatedReplicas": 0}, paused=True).done
    assert deployment(store, {"observedGeneration": 2}, replicas=0).done


def test_why_a_deployment_is_not_done(store: Store) -> None:
    """Its own conditions first; otherwise what a pod of it says."""
    put(store, Key("replicasets.apps", "default", "web-1"), {"replicas": 1}, {}, owner="web")
    waiting = {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}
    pod = Key("pods", "default", "web-1-a")
    put(store, pod, {"containers": []}, {"containerStatuses": [{"name": "c", "state": waiting}]}, owner="web-1")
    assert deployment(store, {}).note == "ErrImagePull: no such image"
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    assert deployment(store, {"conditions": [late]}).note == "ProgressDeadlineExceeded"
    assert deployment(store, READY).note == ""


@pytest.mark.parametrize(
    ("status", "row"),
    [
        ({"phase": "Pending"}, Row("pod/a", 0, 1, False)),
        ({"phase": "Succeeded"}, Row("pod/a", 1, 1, True)),
        ({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}, Row("pod/a", 1, 1, True)),
        (
            {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no"}]},
            Row("pod/a", 0, 1, False, "Unschedulable: no"),
        ),
        (
            {"containerStatuses": [{"name": "c", "state": {"waiting": {"reason": "ContainerCreating"}}}]},
            Row("pod/a", 0, 1, False),
        ),
        ({"phase": "Failed", "reason": "Evicted"}, Row("pod/a", 0, 1, False, "Evicted")),
    ],
)
def test_pods(store: Store, status: dict[str, Any], row: Row) -> None:
    """Ready, over, or why not."""
    key = Key("pods", "default", "a")
    put(store, key, {"containers": []}, status)
    assert rows(store, [key]) == (row,)


def test_replica_sets_namespaces_and_what_was_deleted(store: Store) -> None:
    """A namespace is told unless it is the usual one; what is not there holds nobody up; other kinds have no row."""
    key = Key("replicasets.apps", "shop", "web")
    put(store, key, {"replicas": 2}, {"observedGeneration": 2, "replicas": 2, "availableReplicas": 2})
    gone = Key("pods", "default", "gone")
    found = rows(store, [Key("configmaps", "default", "c"), key, gone])
    assert found == (Row("shop/replicaset/web", 2, 2, True), Row("pod/gone", 0, 0, True, "deleted"))
    assert all_done(found)


def test_plain_lines_only_tell_what_changed(capsys: pytest.CaptureFixture[str]) -> None:
    """One line per change, and nothing in a note can fake another line."""
    view = PlainView()
    view.show([Row("pod/a", 0, 1, False), Row("pod/b", 1, 1, True)])
    view.show([Row("pod/a", 0, 1, False), Row("pod/b", 1, 1, True)])
    view.show([Row("pod/a", 0, 1, False, "bad\n\x1b[2J"), Row("pod/b", 1, 1, True)])
    assert capsys.readouterr().out.splitlines() == [
        "pod/a: 0/1 available",
        "pod/b: 1/1 available",
        "pod/a: 0/1 available (bad\\n\\e[2J)",
    ]


async def test_following_ends_when_all_is_ready(store: Store, autojump_clock: trio.testing.MockClock) -> None:
    """Changes of the store are shown until there is nothing left to wait for."""
    shown: list[str] = []

    class View:
        def show(self, rows: Collection[Row]) -> None:
            shown.extend(map(described, rows))

    deployment(store, {**READY, "availableReplicas": 1})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(show_until_ready, store, [WEB], View())
        for available in (2, 3):
            await trio.sleep(1)
            deployment(store, {**READY, "availableReplicas": available})
    assert shown == [f"deployment/web: {number}/3 available" for number in (1, 2, 3)]


async def answer(stream: trio.SocketStream, text: bytes) -> None:
    """A server that says one thing."""
    async with stream:
        await stream.receive_some()
        await stream.send_all(text)


async def test_until_a_listener_answers() -> None:
    """Refused and empty answers are no answers; any byte is."""
    answers = [b"", b"", b"HTTP/1.1 503 Service Unavailable\r\n\r\n"]
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    asked: list[bytes] = []

    async def serve(stream: trio.SocketStream) -> None:
        asked.append(answers[len(asked)])
        await answer(stream, asked[-1])

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, serve, listeners)
            await until_answering("127.0.0.1", port, lambda _trouble: None)
            nursery.cancel_scope.cancel()
    assert asked == answers
