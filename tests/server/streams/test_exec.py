"""exec over WebSocket and SPDY: input, output, exit codes, and what is refused before and after the upgrade."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from kube_actors.access.attributes import Attributes, Decision
from kube_actors.api.codecs import json

from ...verbs.stage import create, pod, until_ready
from .spdy_client import SpdyClient, control, data
from .stage import PATIENCE, POD, SPDY, WEBSOCKET, Stage, staged

SUCCESS = {"metadata": {}, "status": "Success"}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A pod `web` that runs."""
    async with staged(tmp_path) as stage:
        yield stage


def command(*words: str, **flags: str) -> str:
    """The path of an exec."""
    query = [f"command={word}" for word in words] + [f"{name}={value}" for name, value in flags.items()]
    return f"{POD}/exec?{'&'.join(query)}"


async def test_a_command_prints_and_succeeds(stage: Stage) -> None:
    """An empty message first, then output, then the status, then goodbye."""
    client = await stage.websocket(command("echo", "hello", stdout="1", stderr="1"))
    assert await client.receive() == b"\1"
    channels = await client.rest()
    assert channels[1] == b"hello\n"
    assert json.loads(channels[3]) == SUCCESS
    assert client.code == 1000


async def test_an_exit_code_is_a_cause(stage: Stage) -> None:
    """As client-go looks for it."""
    channels = await (await stage.websocket(command("exit", "3", stdout="true"))).rest()
    status = json.loads(channels[3])
    assert (status["status"], status["reason"]) == ("Failure", "NonZeroExitCode")
    assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]
    assert "exit code 3" in status["message"]


async def test_input_ends_with_its_channel(stage: Stage) -> None:
    """Version 5: what was typed comes back, and the command ends with its input."""
    client = await stage.websocket(command("cat", stdin="1", stdout="1"))
    await client.send(b"\0one ")
    await client.send(b"\4" + b'{"Width":80,"Height":24}')
    await client.send(b"\0two")
    await client.send(b"\xff\0")
    channels = await client.rest()
    assert channels[1] == b"one two"
    assert json.loads(channels[3]) == SUCCESS


async def test_text_is_input_too(stage: Stage) -> None:
    """As Python's client library sends it; what is no message of the protocol ends the connection."""
    client = await stage.websocket(command("cat", stdin="1", stdout="1"))
    await client.send("\0typed")
    await client.send(b"\xff\0")
    assert (await client.rest())[1] == b"typed"
    client = await stage.websocket(command("cat", stdin="1", stdout="1"))
    await client.send(b"\xff\0\0")
    await client.rest()
    assert client.code == 1002


async def test_base64_channels_are_text(stage: Stage) -> None:
    """The same in base64, for those who cannot send bytes."""
    client = await stage.websocket(command("echo", "hello", stdout="1"), "v4.base64.channel.k8s.io")
    assert await client.receive() == "1"
    assert await client.receive() == "1" + base64.b64encode(b"hello\n").decode()
    status = await client.receive()
    assert isinstance(status, str)
    assert json.loads(base64.b64decode(status[1:])) == SUCCESS


async def test_old_versions_tell_only_failures(stage: Stage) -> None:
    """Before version 4 the error channel has a text, and nothing for success."""
    assert 3 not in await (await stage.websocket(command("true", stdout="1"), "channel.k8s.io")).rest()
    failed = await (await stage.websocket(command("false", stdout="1"), "")).rest()
    assert failed[3].startswith(b"command terminated with non-zero exit code")


async def test_a_ping_is_answered(stage: Stage) -> None:
    """While a command runs."""
    client = await stage.websocket(command("cat", stdin="1", stdout="1"))
    await client.ping(b"there?")
    await client.send(b"\xff\0")
    await client.rest()
    assert client.pongs == [b"there?"]


async def test_a_client_that_leaves_ends_the_input(stage: Stage) -> None:
    """The server's side of the connection is over soon after, and so is a command that waits for more."""
    stream = await stage.open(command("cat", stdin="1", stdout="1"), WEBSOCKET)
    with trio.fail_after(PATIENCE):
        await stream.send_eof()
        while await stream.receive_some():
            pass


async def test_a_malformed_frame_ends_the_connection(stage: Stage) -> None:
    """A WebSocket frame that is none gets a goodbye with a protocol error."""
    client = await stage.websocket(command("cat", stdin="1", stdout="1"))
    await client.receive()
    await client.stream.send_all(b"\xff\xff\xff\xff\xff\xff\xff\xff")
    assert await client.receive() is None
    assert client.code == 1002


async def spdy(stage: Stage, target: str, protocol: str = "v4.channel.k8s.io") -> SpdyClient:
    """A SPDY connection to the path."""
    return SpdyClient(await stage.open(target, SPDY | {"x-stream-protocol-version": protocol}))


async def test_spdy_carries_a_command(stage: Stage) -> None:
    """kubectl's other way: a stream for each of error, stdin and stdout."""
    client = await spdy(stage, command("cat", stdin="1", stdout="1"))
    await client.send(
        client.frames.open(1, streamtype="error"),
        client.frames.open(3, streamtype="stdin"),
        client.frames.open(5, streamtype="stdout"),
        data(3, b"over spdy"),
        data(3, finished=True),
        control(6, b"\0\0\0\1"),
    )
    with trio.fail_after(PATIENCE):
        await client.until_ended(1, 5)
    assert client.data[5] == b"over spdy"
    assert json.loads(client.data[1]) == SUCCESS
    assert client.accepted == [1, 3, 5]
    assert client.pings == [1]


async def test_spdy_takes_the_first_known_version(stage: Stage) -> None:
    """The client offers several, its favourite first."""
    headers = SPDY | {"x-stream-protocol-version": "v9.channel.k8s.io, v4.channel.k8s.io, channel.k8s.io"}
    response = await stage.ask(command("true", stdout="1"), headers=headers)
    assert ("X-Stream-Protocol-Version", "v4.channel.k8s.io") in response.headers


async def test_a_spdy_client_that_sends_garbage_is_dropped(stage: Stage) -> None:
    """And nothing is left waiting for it."""
    stream = await stage.open(command("cat", stdin="1"), SPDY | {"x-stream-protocol-version": "v4.channel.k8s.io"})
    await stream.send_all(b"\x80\x02" + bytes(100))
    with trio.fail_after(PATIENCE):
        assert await stream.receive_some() == b""


@pytest.mark.parametrize(
    ("target", "headers", "code", "message"),
    [
        (command("ls"), WEBSOCKET, 400, "you must specify at least 1 of stdin, stdout, stderr"),
        (f"{POD}/exec?stdout=1", WEBSOCKET, 400, "you must specify at least one command for the container"),
        (command("ls", stdout="1"), {}, 400, "Upgrade request required"),
        (command("ls", stdout="1", container="x"), WEBSOCKET, 400, "container x is not valid for pod web"),
        (command("ls", stdout="1").replace("web", "gone"), WEBSOCKET, 404, 'pods "gone" not found'),
        (command("ls", stdout="1"), SPDY, 400, "unable to upgrade: X-Stream-Protocol-Version is required"),
        (command("ls", stdout="1"), WEBSOCKET | {"sec-websocket-protocol": "soap"}, 403, "no protocol of soap"),
        (command("ls", stdout="1"), WEBSOCKET | {"sec-websocket-key": "x"}, 400, "Sec-WebSocket-Key"),
        (command("ls", stdout="1"), WEBSOCKET | {"sec-websocket-version": "8"}, 400, "unsupported version"),
    ],
)
async def test_refused_before_the_upgrade(
    stage: Stage, target: str, headers: dict[str, str], code: int, message: str
) -> None:
    """As an ordinary `Status`."""
    answered, said = await stage.refused(target, headers=headers)
    assert answered == code
    assert message in said


async def test_one_of_several_containers_must_be_named(stage: Stage) -> None:
    """Unless there is only one."""
    await create(stage.cluster.session, pod("two", ("a", "b")))
    await until_ready(stage.cluster.session, "two")
    target = command("ls", stdout="1").replace("web", "two")
    assert await stage.refused(target, headers=WEBSOCKET) == (
        400,
        "a container name must be specified for pod two, choose one of: [a b]",
    )
    channels = await (await stage.websocket(f"{target}&container=b")).rest()
    assert json.loads(channels[3]) == SUCCESS


class _ReadersOnly:
    """May get but not create."""

    def decide(self, attributes: Attributes) -> Decision:
        """As an authorizer does."""
        return Decision(attributes.verb == "get", "")


async def test_who_may_only_read_may_not_run_commands(tmp_path: Path) -> None:
    """A WebSocket begins with GET; it takes the right to create all the same."""
    async with staged(tmp_path, _ReadersOnly()) as stage:
        code, message = await stage.refused(command("ls", stdout="1"), headers=WEBSOCKET)
    assert code == 403
    assert 'cannot create resource "pods/exec"' in message
