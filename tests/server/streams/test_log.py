"""pods/log: its options, their words, and what is streamed."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from kube_actors.api.times import rfc3339_micro
from kube_actors.server.http import Full, Streaming

from ...verbs.stage import create, key, pod, until_ready
from .stage import PATIENCE, POD, WEBSOCKET, Stage, staged

LOG = f"{POD}/log"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A pod `web` that has printed two lines, one to stderr."""
    async with staged(tmp_path) as stage:
        revision = stage.cluster.plane.store.get(key("pods", "web"))
        assert revision is not None
        path = Path(stage.cluster.session.logs, f"default_web_{revision.uid}", "main", "0.log")
        path.parent.mkdir(parents=True)
        time = rfc3339_micro(stage.cluster.plane.clock.now())
        path.write_text(f"{time} stdout F out\n{time} stderr F err\n")
        yield stage


async def test_a_log_is_text(stage: Stage) -> None:
    """From the one container, or the one named; as plain text."""
    assert await stage.text(LOG) == "out\nerr\n"
    assert await stage.text(f"{LOG}?container=main&tailLines=1") == "err\n"
    assert await stage.text(f"{LOG}?limitBytes=5") == "out\ne"
    assert await stage.text(f"{LOG}?tailLines=0") == ""
    assert await stage.text(f"{LOG}?stream=Stderr") == "err\n"
    assert await stage.text(f"{LOG}?stream=Stdout&insecureSkipTLSVerifyBackend=true") == "out\n"
    response = await stage.ask(LOG)
    assert isinstance(response, Streaming)
    assert response.content_type == "text/plain"


async def test_timestamps_and_since(stage: Stage) -> None:
    """Times are the cluster's."""
    line = await stage.text(f"{LOG}?timestamps=true")
    assert line.partition(" ")[0].endswith("Z")
    assert await stage.text(f"{LOG}?sinceSeconds=3600") != ""
    assert await stage.text(f"{LOG}?sinceTime=2999-01-01T00:00:00Z") == ""


async def test_over_a_websocket(stage: Stage) -> None:
    """An empty message first, then the bytes, plain or in base64, then goodbye; in a protocol that both speak."""
    for protocol in ("binary.k8s.io", "", "other, binary.k8s.io"):
        client = await stage.websocket(LOG, protocol)
        assert await client.receive() == b""
        pieces = []
        while (piece := await client.receive()) is not None:
            assert isinstance(piece, bytes)
            pieces.append(piece)
        assert (b"".join(pieces), client.code) == (b"out\nerr\n", 1000)
    client = await stage.websocket(f"{LOG}?tailLines=1", "base64.binary.k8s.io")
    assert [await client.receive() for _ in range(3)] == ["", base64.b64encode(b"err\n").decode(), None]
    token = "base64url.bearer.authorization.k8s.io.c2VjcmV0"
    other = WEBSOCKET | {"sec-websocket-protocol": f"channel.k8s.io, {token}"}
    refused = (403, "websocket: no protocol of channel.k8s.io is supported")
    assert await stage.refused(LOG, headers=other) == refused
    assert await stage.refused(f"{LOG}?container=x", headers=WEBSOCKET) == (400, "container x is not valid for pod web")


async def test_whoever_leaves_a_websocket_ends_it(stage: Stage) -> None:
    """Nothing follows a log for a client that is gone."""
    stream = await stage.open(f"{LOG}?follow=true", WEBSOCKET)
    with trio.fail_after(PATIENCE):
        await stream.send_eof()
        while await stream.receive_some():
            pass


async def test_following_ends_with_the_container(stage: Stage) -> None:
    """And brings its last words."""
    async with trio.open_nursery() as nursery:
        said: list[str] = []

        async def follow() -> None:
            said.append(await stage.text(f"{LOG}?follow=true"))

        nursery.start_soon(follow)
        await stage.cluster.session.client.delete(key("pods", "web"), grace_seconds=1)
    assert said[0].startswith("out\nerr\n")
    assert said[0].endswith("simulated container main exited with 143\n")


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("tailLines=-1", 422, "tailLines: Invalid value: -1: must be greater than or equal to 0"),
        ("limitBytes=0", 422, "limitBytes: Invalid value: 0: must be greater than 0"),
        ("sinceSeconds=0", 422, "sinceSeconds: Invalid value: 0: must be greater than 0"),
        ("sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z", 422, "at most one of `sinceTime` or `sinceSeconds`"),
        ("stream=Soap", 422, 'stream: Unsupported value: "Soap": supported values: "All", "Stderr", "Stdout"'),
        ("stream=Stdout&tailLines=1", 422, "`tailLines` and specific `stream` are mutually exclusive for now"),
        ("tailLines=x", 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
        (f"tailLines={'9' * 5000}", 400, "value out of range"),
        ("sinceTime=x", 400, 'parsing time "x"'),
        ("container=x", 400, "container x is not valid for pod web"),
        ("previous=true", 400, 'previous terminated container "main" in pod "web" not found'),
    ],
)
async def test_options_that_make_no_sense(stage: Stage, query: str, code: int, message: str) -> None:
    """In Kubernetes' words; several at once are told at once."""
    answered, said = await stage.refused(f"{LOG}?{query}")
    assert answered == code
    assert message in said
    assert code != 422 or said.startswith('PodLogOptions "web" is invalid: ')


async def test_a_pod_without_a_node_has_no_content(stage: Stage) -> None:
    """There is nobody to ask, which is no error; a container it has not is one all the same."""
    late = pod("late")
    late["spec"]["nodeSelector"] = {"no": "such"}
    await create(stage.cluster.session, late)
    unbound = LOG.replace("web", "late")
    for query in ("", "?follow=true", "?previous=true", "?container=main"):
        assert await stage.ask(f"{unbound}{query}") == Full(204, b"")
    assert await stage.refused(f"{unbound}?container=x") == (400, "container x is not valid for pod late")


async def test_one_of_several_must_be_named(stage: Stage) -> None:
    """As for exec."""
    await create(stage.cluster.session, pod("two", ("a", "b")))
    await until_ready(stage.cluster.session, "two")
    code, said = await stage.refused(LOG.replace("web", "two"))
    assert (code, said) == (400, "a container name must be specified for pod two, choose one of: [a b]")


async def test_a_client_that_never_reads_holds_up_nobody(stage: Stage) -> None:
    """One that follows and does not take its pieces only keeps itself waiting."""
    response = await stage.ask(f"{LOG}?follow=true")
    assert isinstance(response, Streaming)

    async def never(data: bytes | tuple[bytes, ...], /) -> None:
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(response.write, never)
        with trio.fail_after(PATIENCE):
            assert await stage.text(LOG)
        nursery.cancel_scope.cancel()
