"""The console's socket: who may come in, what they say, and that nobody costs the others anything."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trio

from kube_actors.console.client import ConsoleUnavailable, connect
from kube_actors.console.server import ConsoleLimits, open_console
from kube_actors.errors import InputError
from kube_actors.kernel import RealClock

from ..verbs.stage import create, pod, simulated_cluster, until_ready
from .stage import console_stage

PATIENT = 90


class Peer:
    """A client that speaks the protocol by hand."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._buffer = b""

    async def say(self, **said: Any) -> None:
        """A line of JSON."""
        await self.stream.send_all(json.dumps(said).encode() + b"\n")

    async def type(self, line: str) -> None:
        """A typed line."""
        await self.stream.send_all(line.encode() + b"\n")

    async def hear(self) -> dict[str, Any]:
        """The next line of JSON."""
        line = await self._until(b"\n")
        heard: dict[str, Any] = json.loads(line)
        return heard

    async def answer(self, id: object) -> tuple[str, int]:
        """(what a request printed, how it ended), leaving out what is said of others."""
        printed = ""
        while True:
            said = await self.hear()
            if said.get("id") != id:
                continue
            printed += said.get("data", "")
            if "exit" in said:
                return printed, said["exit"]

    async def read_prompt(self) -> str:
        """What is printed until the next prompt."""
        return (await self._until(b"> ")).decode().removesuffix("> ")

    async def _until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            data = await self.stream.receive_some()
            if not data:
                raise EOFError(self._buffer)
            self._buffer += data
        at = self._buffer.index(end) + len(end)
        found, self._buffer = self._buffer[:at], self._buffer[at:]
        return found


@asynccontextmanager
async def peer(path: Path) -> AsyncIterator[Peer]:
    """A connection, for at most a few seconds."""
    with trio.fail_after(PATIENT):
        async with await trio.open_unix_socket(path) as stream:
            yield Peer(stream)


async def test_json(tmp_path: Path) -> None:
    """Requests side by side, each with its own answer."""
    async with console_stage(tmp_path) as stage, peer(stage.path) as client:
        await client.say(id=1, argv=["get", "nodes", "-o", "name"])
        await client.say(id="two", argv=["get", "pod", "nope"])
        said = [await client.hear() for _ in range(4)]
        assert {"id": 1, "stream": "stdout", "data": "node/node-1\nnode/node-2\n"} in said
        assert {"id": 1, "exit": 0} in said
        assert {
            "id": "two",
            "stream": "stderr",
            "data": 'Error from server (NotFound): pods "nope" not found\n',
        } in said
        assert {"id": "two", "exit": 1} in said


async def test_input_in_pieces(tmp_path: Path) -> None:
    """The server asks for input when the command reads it; `stdin` in the request is all of it."""
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n"
    async with console_stage(tmp_path) as stage, peer(stage.path) as client:
        await client.say(id=1, argv=["apply", "-f", "-"])
        assert (await client.hear())["input"] > 0
        await client.say(id=1, stdin=text[:20])
        await client.say(id=1, stdin=text[20:])
        await client.say(id=1, eof=True)
        assert await client.answer(1) == ("configmap/one created\n", 0)
        await client.say(id=2, argv=["apply", "-f", "-"], stdin=text)
        assert await client.answer(2) == ("configmap/one unchanged\n", 0)


async def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """Both ways in base64."""
    async with console_stage(tmp_path) as stage, peer(stage.path) as client:
        await create(stage.cluster.session, pod("web"))
        await until_ready(stage.cluster.session, "web")
        await client.say(id=1, argv=["exec", "-i", "web", "--", "cat"])
        await client.say(id=1, stdin_base64="//4=")
        await client.say(id=1, eof=True)
        said = [await client.hear() for _ in range(4)]
        assert {"id": 1, "stream": "stdout", "data_base64": "//4="} in said


async def test_cancel(tmp_path: Path) -> None:
    """One request ends, the others go on."""
    async with console_stage(tmp_path) as stage, peer(stage.path) as client:
        await client.say(id=1, argv=["get", "pods", "-w"])
        await client.say(id=2, argv=["get", "nodes", "-w", "-o", "name"])
        await client.say(id=1, cancel=True)
        assert (await client.answer(1))[1] == 130
        await stage.cluster.session.client.patch(
            stage.cluster.plane.store.list("nodes")[0].key, {"metadata": {"labels": {"x": "y"}}}, "merge"
        )
        while (await client.hear()).get("id") != 2:
            pass


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("{nonsense", "the line is not JSON"),
        ("{}", 'a line needs an "id"'),
        ('{"id": 1, "argv": "get pods"}', '"argv" is a list of texts'),
        ('{"id": 1, "what": 2}', 'a line is a request with "argv"'),
        ('{"id": 1, "stdin_base64": "%"}', '"stdin_base64" is not base64'),
    ],
)
async def test_lines_that_make_no_sense(tmp_path: Path, line: str, error: str) -> None:
    """Told, and the connection goes on."""
    async with console_stage(tmp_path) as stage, peer(stage.path) as client:
        await client.type(line)
        assert error in (await client.hear())["error"]
        await client.say(id=1, argv=["get", "nodes"])
        assert (await client.answer(1))[1] == 0


async def test_an_id_stands_for_one_request(tmp_path: Path) -> None:
    """While it runs; afterwards it may be used again."""
    async with console_stage(tmp_path) as stage, peer(stage.path) as client:
        await client.say(id=1, argv=["get", "pods", "-w"])
        await client.say(id=1, argv=["get", "nodes"])
        assert (await client.hear()).get("error") == "a request with the id 1 is under way"
        await client.say(id=1, cancel=True)
        assert (await client.answer(1))[1] == 130
        await client.say(id=1, argv=["get", "nodes"])
        assert (await client.answer(1))[1] == 0


async def test_typed_by_a_person(tmp_path: Path) -> None:
    """Plain text and a prompt; quotations; an empty line; objects up to a dot; a dot ends what goes on for ever."""
    async with console_stage(tmp_path) as stage, peer(stage.path) as client:
        await client.type("get nodes -o name")
        assert await client.read_prompt() == "node/node-1\nnode/node-2\n"
        await client.type("")
        assert await client.read_prompt() == ""
        await client.type("get 'pods")
        assert (await client.read_prompt()).startswith("error: cannot read the line")
        for line in ("apply -f -", "apiVersion: v1", "kind: ConfigMap", "metadata: {name: typed}", "."):
            await client.type(line)
        assert "configmap/typed created" in await client.read_prompt()
        await client.type("get pods -w")
        await trio.sleep(0.05)
        await client.type(".")
        await client.read_prompt()
        await client.type("exit")
        with pytest.raises(EOFError):
            await client.read_prompt()


async def test_lines_from_a_pipe(tmp_path: Path) -> None:
    """A client that has said everything still gets every answer (`printf ... | nc -N -U`)."""
    async with console_stage(tmp_path) as stage, peer(stage.path) as client:
        await client.stream.send_all(b"get nodes -o name\nget pod nope\nget ns -o name")
        await client.stream.send_eof()
        assert "node-1" in await client.read_prompt()
        assert "not found" in await client.read_prompt()
        assert "namespace/default" in await client.read_prompt()
        with pytest.raises(EOFError):
            await client.read_prompt()


async def test_a_client_that_hangs_up_ends_what_it_asked_for(tmp_path: Path) -> None:
    """Nothing goes on for a client that has gone."""
    async with console_stage(tmp_path) as stage:
        store = stage.cluster.plane.store
        async with peer(stage.path) as client:
            await client.say(id=1, argv=["get", "pods", "-w"])
            while not store.watchers:
                await trio.sleep(0.01)
        with trio.fail_after(PATIENT):
            while store.watchers:
                await trio.sleep(0.05)


async def test_private_whatever_the_umask(tmp_path: Path) -> None:
    """Directory and socket are for their owner only, and both go away in the end."""
    before = os.umask(0)
    try:
        async with console_stage(tmp_path) as stage:
            assert stat.S_IMODE(stage.path.stat().st_mode) == 0o600
            assert stat.S_IMODE(stage.path.parent.stat().st_mode) == 0o700
    finally:
        os.umask(before)
    assert not stage.path.exists()


async def test_a_socket_left_behind_is_replaced(tmp_path: Path) -> None:
    """By a runtime that was killed; one that is served, and what is no socket, are not touched."""
    async with simulated_cluster(tmp_path, clock=RealClock()) as cluster:
        path = cluster.state.console_socket
        with socket.socket(socket.AF_UNIX) as old:
            old.bind(str(path))
        async with open_console(cluster.session, path), connect(path) as client:
            assert (await client.run(["get", "nodes"])).exit_code == 0
            with pytest.raises(InputError, match="another process serves a console there"):
                async with open_console(cluster.session, path):
                    pass
        path.write_text("precious")
        with pytest.raises(InputError, match="there is a file that is no socket"):
            async with open_console(cluster.session, path):
                pass
        assert path.read_text() == "precious"
        with pytest.raises(InputError, match="longer than 107 bytes"):
            async with open_console(cluster.session, tmp_path / ("x" * 120)):
                pass


def ask_as_somebody_else(descriptor: int) -> int:
    """Ask for the nodes as user 65534, through a descriptor of the socket's file; 0 when nothing is answered."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 2
    try:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENT)
            connection.connect(f"/proc/self/fd/{descriptor}")
            try:
                connection.sendall(b"get nodes\n")
                code = 1 if connection.recv(100) else 0
            except (BrokenPipeError, ConnectionResetError):
                code = 0
    finally:
        os._exit(code)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
async def test_other_users_are_refused(tmp_path: Path) -> None:
    """Even one who has got through to the socket's file is told nothing."""
    async with console_stage(tmp_path) as stage:
        descriptor = os.open(stage.path, os.O_PATH)
        try:
            stage.path.chmod(0o666)
            assert await trio.to_thread.run_sync(ask_as_somebody_else, descriptor) == 0
        finally:
            os.close(descriptor)


async def test_stalled_clients_and_an_endless_line_cost_others_nothing(tmp_path: Path) -> None:
    """A hundred clients that never read, and one that sends without end, while somebody works as always."""
    async with console_stage(tmp_path) as stage:
        async with trio.open_nursery() as nursery:
            streams = [await trio.open_unix_socket(stage.path) for _ in range(100)]
            for stream in streams:
                await stream.send_all(b"".join(b'{"id":%d,"argv":["help","get"]}\n' % n for n in range(20)))
                await stream.send_all(b'{"id":99,"argv":["get","nodes","-o","yaml","-w"]}\n')

            sent = 0

            async def flood() -> None:
                nonlocal sent
                async with await trio.open_unix_socket(stage.path) as stream:
                    try:
                        for _ in range(16_384):
                            await stream.send_all(b"x" * 65_536)
                            sent += 65_536
                    except trio.BrokenResourceError:
                        return

            nursery.start_soon(flood)
            async with connect(stage.path) as client:
                for _ in range(20):
                    with trio.fail_after(PATIENT):
                        answer = await client.run(["get", "nodes", "-o", "name"])
                    assert answer.stdout == b"node/node-1\nnode/node-2\n"
            for stream in streams:
                await stream.aclose()
        assert sent < 4 << 20


async def test_a_client_that_never_reads_is_dropped(tmp_path: Path) -> None:
    """After the patience the console has."""
    async with console_stage(tmp_path, ConsoleLimits(patience=0.2)) as stage, peer(stage.path) as client:
        with pytest.raises((trio.BrokenResourceError, trio.TooSlowError)):
            for number in range(60):
                await client.say(id=number, argv=["help"])
            while True:
                await client.stream.send_all(b'{"id":"x","argv":["help"]}\n' * 100)
                await trio.sleep(0.01)


async def test_connections_are_limited(tmp_path: Path) -> None:
    """One too many is told so; when another leaves there is room again."""
    async with console_stage(tmp_path, ConsoleLimits(connections=2)) as stage:
        async with peer(stage.path) as one, peer(stage.path) as two:
            await one.type("")
            await one.read_prompt()
            await two.type("")
            await two.read_prompt()
            async with peer(stage.path) as three:
                assert await three._until(b"\n") == b"error: too many console connections\n"
        with trio.fail_after(PATIENT):
            while not await has_room(stage.path):
                await trio.sleep(0.01)


async def has_room(path: Path) -> bool:
    """Whether a client is let in."""
    async with peer(path) as client:
        with suppress(trio.BrokenResourceError, EOFError):
            await client.type("")
            return await client.read_prompt() == ""
    return False


async def test_input_that_nobody_reads_is_limited(tmp_path: Path) -> None:
    """A command that does not read ends with a word when far too much input waits for it."""
    async with console_stage(tmp_path) as stage, peer(stage.path) as client:
        await client.say(id=1, argv=["get", "pods", "-w"])

        async def push() -> None:
            for _ in range(40):
                await client.say(id=1, stdin="x" * 500_000)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(push)
            printed, code = await client.answer(1)
        assert "too much input waits" in printed
        assert code == 1
        await client.say(id=2, argv=["get", "nodes"])
        assert (await client.answer(2))[1] == 0


async def test_the_end_of_the_cluster_is_told(tmp_path: Path) -> None:
    """Whoever waits for something hears that it will not come, and quickly."""
    heard: list[Any] = []
    async with trio.open_nursery() as nursery:
        async with console_stage(tmp_path) as stage:

            async def follow() -> None:
                async with peer(stage.path) as client:
                    await client.say(id=1, argv=["get", "pods", "-w"])
                    heard.append(await client.answer(1))

            nursery.start_soon(follow)
            while not stage.cluster.plane.store.watchers:
                await trio.sleep(0.01)
            begun = trio.current_time()
        assert trio.current_time() - begun < 30
    assert heard == [("error: the cluster is shutting down\n", 1)]


async def test_the_client_for_programs(tmp_path: Path) -> None:
    """Several commands over one connection, large input, and a clear error when nobody answers."""
    large = "".join(
        f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{n}}}\ndata: {{text: {'x' * 50_000}}}\n"
        for n in range(40)
    )
    async with console_stage(tmp_path) as stage, connect(stage.path) as client:
        applied = await client.run(["apply", "-f", "-"], stdin=large.encode())
        assert applied.exit_code == 0
        assert len(applied.stdout.splitlines()) == 40
        listed = await client.run(["get", "cm", "-o", "json"])
        assert len(json.loads(listed.stdout)["items"]) >= 40
        call = await client.start(["get", "nodes", "-w"])
        async for _, data in call.output():
            assert b"node-1" in data
            break
        await call.cancel()
        async for _ in call.output():
            pass
        assert call.exit_code == 130
    with pytest.raises(ConsoleUnavailable):
        async with connect(stage.path):
            pass


async def test_errors_of_the_body_come_out_as_they_are(tmp_path: Path) -> None:
    """Neither the server nor the client wraps what goes wrong inside their blocks."""
    with pytest.raises(ZeroDivisionError):
        async with simulated_cluster(tmp_path, clock=RealClock()) as cluster:
            try:
                path = cluster.state.console_socket
                async with open_console(cluster.session, path), connect(path):
                    raise ZeroDivisionError
            except ExceptionGroup as group:
                raise AssertionError("wrapped") from group


async def test_input_for_a_lost_command_is_not_waited_for(tmp_path: Path) -> None:
    """A cluster that goes away before it asked for input leaves nobody waiting to hand it in."""
    sock = trio.socket.socket(trio.socket.AF_UNIX)
    await sock.bind(str(tmp_path / "console"))
    sock.listen()

    async def hang_up(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, hang_up, [trio.SocketListener(sock)])
        async with connect(tmp_path / "console") as client:
            call = await client.start(["apply", "-f", "-"])
            with trio.fail_after(PATIENT):
                await call.send_stdin(b"kind: Pod")
            with pytest.raises(ConsoleUnavailable):
                async for _ in call.output():
                    pass
        nursery.cancel_scope.cancel()
