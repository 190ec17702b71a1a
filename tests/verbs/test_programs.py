"""Logs and exec: which container of which pod, and what came of it."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from kube_actors.api.codecs import json
from kube_actors.errors import ApiError
from kube_actors.kernel import RealClock
from kube_actors.node.container_logs import LogOptions
from kube_actors.store import Revision, base_projection
from kube_actors.verbs.errors import VerbError
from kube_actors.verbs.exec import open_exec
from kube_actors.verbs.logs import log_target, logs
from kube_actors.verbs.node import check_reachable, fault_node
from kube_actors.verbs.pods import choose_container, choose_pod
from kube_actors.verbs.session import Session

from .stage import create, deployment, key, pod, simulated_cluster, until_available, until_ready


def keep_logs(session: Session, revision: Revision, container: str = "main") -> Path:
    """A directory for the log of a container, as a node with real processes makes it."""
    directory = Path(session.logs) / f"{revision.key.namespace}_{revision.key.name}_{revision.uid}" / container
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def record(text: str, second: int = 0) -> str:
    """One line of a log file."""
    return f"2026-01-02T03:04:{second:02d}.000000000Z stdout F {text}\n"


async def read(session: Session, revision: Revision, *, previous: bool = False, **options: Any) -> str:
    """The log of the container `main`."""
    target = log_target(session, revision, "main", previous=previous)
    async with aclosing(logs(session, target, LogOptions(**options))) as pieces:
        return b"".join([piece async for piece in pieces]).decode()


async def set_status(
    session: Session, name: str, state: dict[str, Any], last: dict[str, Any], restarts: int
) -> Revision:
    """Say of a pod's container what a kubelet would."""

    def change(body: dict[str, Any]) -> None:
        body["status"]["containerStatuses"][0].update(state=state, lastState=last, restartCount=restarts)

    return await session.client.mutate(key("pods", name), change, subresource="status")


def bare(body: dict[str, Any]) -> Revision:
    """A pod with a body of the test's own."""

    raw = json.dumps(body)
    return Revision(key("pods", "web"), "uid", 1, raw, base_projection(body))


RUNNING = {"running": {"startedAt": "2026-01-02T03:04:05Z"}}
CRASHED = {"terminated": {"exitCode": 1}}
BACKING_OFF = {"waiting": {"reason": "CrashLoopBackOff"}}


@pytest.mark.parametrize(
    ("state", "last", "restarts", "previous", "files", "attempt"),
    [
        (RUNNING, {}, 0, False, (0,), 0),
        (RUNNING, CRASHED, 2, False, (0, 1, 2), 2),
        (RUNNING, CRASHED, 2, True, (0, 1, 2), 1),
        (BACKING_OFF, CRASHED, 2, False, (0, 1, 2), 2),
        (BACKING_OFF, CRASHED, 2, True, (0, 1, 2), 2),
        ({"waiting": {"reason": "ContainerCreating"}}, CRASHED, 3, False, (0, 1, 2), 2),
        (CRASHED, {}, 0, False, (0,), 0),
    ],
)
async def test_which_attempt(
    tmp_path: Path,
    state: dict[str, Any],
    last: dict[str, Any],
    restarts: int,
    previous: bool,
    files: tuple[int, ...],
    attempt: int,
) -> None:
    """The running attempt, else the one that ended last; `--previous` is the one before what runs."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        status = {"containerStatuses": [{"name": "main", "state": state, "lastState": last, "restartCount": restarts}]}
        body = {**pod("web"), "status": status}
        body["spec"]["nodeName"] = "node-1"
        revision = bare(body)
        for number in files:
            (keep_logs(session, revision) / f"{number}.log").touch()
        target = log_target(session, revision, "main", previous=previous)
        assert target.attempt == attempt
        assert target.path.endswith(f"default_web_uid/main/{attempt}.log")


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, 'container "main" in pod "web" is waiting to start: ContainerCreating'),
        (
            {"waiting": {"reason": "ImagePullBackOff"}},
            'container "main" in pod "web" is waiting to start: trying and failing to pull image',
        ),
        (
            {"waiting": {"reason": "ErrImagePull"}},
            'container "main" in pod "web" is waiting to start: image can\'t be pulled',
        ),
    ],
)
async def test_no_log_yet(tmp_path: Path, state: dict[str, Any], message: str) -> None:
    """The kubelet's words."""
    async with simulated_cluster(tmp_path) as cluster:
        body = {**pod("web"), "status": {"containerStatuses": [{"name": "main", "state": state}]}}
        body["spec"]["nodeName"] = "node-1"
        with pytest.raises(ApiError) as raised:
            log_target(cluster.session, bare(body), "main")
        assert raised.value.message == message
        with pytest.raises(ApiError, match='previous terminated container "main" in pod "web" not found'):
            log_target(cluster.session, bare(body), "main", previous=True)


async def test_reading_and_following(tmp_path: Path) -> None:
    """Tail and time stamps; following goes on until the container has ended."""
    async with simulated_cluster(tmp_path, clock=RealClock()) as cluster:
        session = cluster.session
        await create(session, pod("web"))
        revision = await until_ready(session, "web")
        log = keep_logs(session, revision) / "0.log"
        log.write_text(record("one") + record("two", 1))
        assert await read(session, revision) == "one\ntwo\n"
        assert await read(session, revision, tail_lines=1, timestamps=True) == "2026-01-02T03:04:01.000000000Z two\n"

        said: list[str] = []

        async def follow() -> None:
            said.append(await read(session, revision, follow=True))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow)
            await trio.sleep(0.15)
            with open(log, "a") as file:  # noqa: ASYNC230  (a line)
                file.write(record("three", 2))
            assert not said
            await session.client.delete(revision.key, grace_seconds=0)
        assert said[0].startswith("one\ntwo\nthree\n")


async def test_following_begins_before_the_log(tmp_path: Path) -> None:
    """A container that has printed nothing yet has an empty log."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        await create(session, pod("web"))
        revision = await until_ready(session, "web")
        assert await read(session, revision) == ""
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(read, session, revision)
                await session.client.delete(revision.key, grace_seconds=0)
                assert await read(session, revision, follow=True) == ""


async def test_choosing(tmp_path: Path) -> None:
    """By name, by workload (a ready one first), by annotation, by default."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        await create(session, deployment("web", 3), pod("alone", ("app", "helper")))
        await until_available(session, "web")
        alone = await until_ready(session, "alone")
        assert choose_pod(session, "alone").revision.uid == alone.uid
        assert choose_pod(session, "pod/alone").out_of == 1
        chosen = choose_pod(session, "deploy/web")
        assert chosen.out_of == 3
        assert chosen.revision.key.name.startswith("web-")
        with pytest.raises(ApiError, match='pods "nope" not found'):
            choose_pod(session, "nope")
        await create(session, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}})
        with pytest.raises(VerbError, match="selector for configmaps not implemented"):
            choose_pod(session, "cm/settings")
        body = alone.body()
        assert choose_container(body) == choose_container(body, "") != choose_container(body, "helper")
        assert choose_container(body).out_of == ("app", "helper")
        body["metadata"]["annotations"] = {"kubectl.kubernetes.io/default-container": "helper"}
        assert choose_container(body).name == "helper"
        with pytest.raises(ApiError, match="container nope is not valid for pod alone"):
            choose_container(body, "nope")


async def test_exec(tmp_path: Path) -> None:
    """Output, input, exit code; and Kubernetes' words for a container that does not run."""
    async with simulated_cluster(tmp_path) as cluster:
        session = cluster.session
        await create(session, pod("web"))
        revision = await until_ready(session, "web")
        async with aclosing(await open_exec(session, revision, "main", ["cat"], stdin=True)) as command:
            await command.send_stdin(b"hello")
            await command.close_stdin()
            assert [piece async for piece in command.output()] == [(1, b"hello")]
            assert await command.wait() == 0
        async with aclosing(await open_exec(session, revision, "main", ["exit", "3"])) as command:
            assert await command.wait() == 3
        stopped = await set_status(session, "web", BACKING_OFF, CRASHED, 1)
        with pytest.raises(ApiError, match=r'container not found \("main"\)'):
            await open_exec(session, stopped, "main", ["true"])
        body = pod("pending")
        with pytest.raises(ApiError, match="pod web does not have a host assigned"):
            await open_exec(session, bare({**body, "metadata": {"name": "web"}}), "main", ["true"])


async def test_a_node_that_is_about_to_start(tmp_path: Path) -> None:
    """Whoever asks before its actor is there waits for it: the API is served before the nodes are."""
    async with simulated_cluster(tmp_path, nodes=1) as cluster, trio.open_nursery() as nursery:
        session = cluster.session
        nodes = session.plane.directory.nodes
        actor = nodes.pop("node-1")
        asked = trio.Event()

        async def ask() -> None:
            await check_reachable(session, "node-1")
            asked.set()

        nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        assert not asked.is_set()
        nodes["node-1"] = actor
        with trio.fail_after(30):
            await asked.wait()
        with pytest.raises(ApiError, match="error dialing backend: dial node-9: no such node answers"):
            await check_reachable(session, "node-9")


async def test_a_node_that_cannot_be_reached(tmp_path: Path) -> None:
    """Stopped or cut off, it runs no commands for anybody; started again it does."""
    async with simulated_cluster(tmp_path, nodes=1) as cluster:
        session = cluster.session
        await create(session, pod("web"))
        revision = await until_ready(session, "web")
        await fault_node(session, "node-1", "partition")
        with pytest.raises(ApiError, match="error dialing backend: dial node-1: no route to host"):
            await open_exec(session, revision, "main", ["true"])
        await fault_node(session, "node-1", "start")
        async with aclosing(await open_exec(session, revision, "main", ["true"])) as command:
            assert await command.wait() == 0
