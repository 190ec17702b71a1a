"""attach: the streams of a container itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio

from kube_actors.api.codecs import json
from kube_actors.server.http import Full

from ...verbs.stage import create, key, pod
from .stage import PATIENCE, POD, WEBSOCKET, Stage, staged

ATTACH = f"{POD}/attach"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A pod `web` that runs."""
    async with staged(tmp_path) as stage:
        yield stage


async def test_attached_until_the_container_ends(stage: Stage) -> None:
    """What it prints from now on, and success however it ended: its exit code is in the pod's status."""
    client = await stage.websocket(f"{ATTACH}?stdout=1&stderr=1")
    assert await client.receive() == b"\1"
    await stage.cluster.session.client.delete(key("pods", "web"), grace_seconds=1)
    channels = await client.rest()
    assert channels[1].startswith(b"simulated container main exited")
    assert json.loads(channels[3]) == {"metadata": {}, "status": "Success"}


async def test_a_client_that_leaves_leaves_the_container(stage: Stage) -> None:
    """It runs on, and others may attach."""
    stream = await stage.open(f"{ATTACH}?stdout=1", WEBSOCKET)
    with trio.fail_after(PATIENCE):
        await stream.send_eof()
        while await stream.receive_some():
            pass
    client = await stage.websocket(f"{ATTACH}?stdout=1")
    assert await client.receive() == b"\1"


@pytest.mark.parametrize(
    ("target", "code", "message"),
    [
        (ATTACH, 400, "you must specify at least 1 of stdin, stdout, stderr"),
        (f"{ATTACH}?stdout=1&container=x", 400, "container x is not valid for pod web"),
        (f"{ATTACH}?stdout=1".replace("web", "gone"), 404, 'pods "gone" not found'),
        (f"{ATTACH}?stdout=1".replace("web", "late"), 400, "pod late does not have a host assigned"),
    ],
)
async def test_refused(stage: Stage, target: str, code: int, message: str) -> None:
    """As an ordinary `Status`."""
    late = pod("late")
    late["spec"]["nodeSelector"] = {"no": "such"}
    await create(stage.cluster.session, late)
    assert await stage.refused(target, headers=WEBSOCKET) == (code, message)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("attach?", b"container main not found in pod web_default"),
        ("exec?command=true&", b'container not found ("main")'),
    ],
)
async def test_a_pod_that_is_over(stage: Stage, path: str, message: bytes) -> None:
    """Its node has no such container any more, and says so in its own form; that the pod is over, kubectl looks up."""
    client = stage.cluster.session.client
    ended = {"name": "main", "ready": False, "state": {"terminated": {"exitCode": 0}}, "restartCount": 0}

    def end(body: dict[str, Any]) -> dict[str, Any]:
        status = {
            **body["status"],
            "phase": "Succeeded",
            "containerStatuses": [{**body["status"]["containerStatuses"][0], **ended}],
        }
        return {**body, "status": status}

    await client.edit(key("pods", "web"), end, "status")
    response = await stage.ask(f"{POD}/{path}stdout=1", headers=WEBSOCKET)
    assert isinstance(response, Full)
    assert (response.status, response.body) == (500, message)
