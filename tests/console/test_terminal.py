"""The console's other end in a process of its own: streams, keys, interruptions, and the prompt."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import socket
import stat
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import trio

from kube_actors.console.prompt import candidates, private_history, reads_typed_input, words_before_cursor
from kube_actors.console.terminal import BROKEN_PIPE, INTERRUPTED, Unreachable, run_once
from kube_actors.records import frozen

from ..verbs.stage import create, pod, until_ready
from .stage import console_stage

PATIENT = 90
ONCE = "import sys; from pathlib import Path; from kube_actors.console.terminal import run_once; "
ONCE += "sys.exit(run_once(Path(sys.argv[1]), sys.argv[2:]))"
PROMPT = "import sys; from pathlib import Path; from kube_actors.console.prompt import run_prompt; "
PROMPT += "sys.exit(run_prompt(Path(sys.argv[1]), history=Path(sys.argv[2])))"


@frozen
class Ran:
    """What came of `run_once`."""

    code: int
    out: bytes
    err: bytes
    input_left: bytes


def once(tmp_path: Path, path: Path, *argv: str, stdin: bytes = b"") -> Ran:
    """Run a command with files for streams."""
    with (
        open(tmp_path / "in", "w+b") as given,
        open(tmp_path / "out", "w+b") as out,
        open(tmp_path / "err", "w+b") as err,
    ):
        given.write(stdin)
        given.seek(0)
        code = run_once(path, argv, given, out, err)
        left = os.read(given.fileno(), 1 << 20)
        return Ran(code, _content(out), _content(err), left)


def _content(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


async def test_streams_and_exit_codes(tmp_path: Path) -> None:
    """Output and errors apart; input is read by commands that want it and left alone by others."""
    manifest = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n"
    async with console_stage(tmp_path) as stage:

        async def run(*argv: str, stdin: bytes = b"") -> Ran:
            return await trio.to_thread.run_sync(lambda: once(tmp_path, stage.path, *argv, stdin=stdin))

        nodes = await run("get", "nodes", "-o", "name", stdin=b"next command\n")
        assert nodes == Ran(0, b"node/node-1\nnode/node-2\n", b"", b"next command\n")
        missing = await run("get", "pod", "nope")
        assert (missing.code, missing.out) == (1, b"")
        assert missing.err == b'Error from server (NotFound): pods "nope" not found\n'
        assert (await run("get", "podz")).code == 2
        assert (await run("apply", "-f", "-", stdin=manifest)).out == b"configmap/one created\n"
        await create(stage.cluster.session, pod("web"))
        await until_ready(stage.cluster.session, "web")
        data = bytes(range(256)) * 10_000
        echoed = await run("exec", "-i", "web", "--", "cat", stdin=data)
        assert (echoed.code, echoed.out) == (0, data)
        assert (await run("exec", "web", "--", "exit", "9")).code == 9


async def test_relative_files_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From where the person stands."""
    (tmp_path / "one.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n")
    monkeypatch.chdir(tmp_path)
    async with console_stage(tmp_path) as stage:
        ran = await trio.to_thread.run_sync(lambda: once(tmp_path, stage.path, "apply", "-f", "one.yaml"))
    assert ran.out == b"configmap/one created\n"


def test_no_cluster(tmp_path: Path) -> None:
    """Told at once."""
    with pytest.raises(Unreachable, match="no cluster answers at"):
        run_once(tmp_path / "console.sock", ["get", "nodes"])


async def test_interrupted(tmp_path: Path) -> None:
    """Ctrl-C ends a command that goes on for ever: 130, and not a word of Python."""
    async with console_stage(tmp_path) as stage:
        command = [sys.executable, "-c", ONCE, str(stage.path), "get", "nodes", "-w"]
        process = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stderr is not None
        with trio.fail_after(PATIENT):
            assert await process.stdout.receive_some()
            process.send_signal(signal.SIGINT)
            assert await process.stderr.receive_some() == b""
            assert await process.wait() == INTERRUPTED


async def test_a_reader_that_has_enough(tmp_path: Path) -> None:
    """`get ... | head -1` ends quietly."""
    async with console_stage(tmp_path) as stage:
        reading, writing = os.pipe()
        os.close(reading)

        def run() -> int:
            with open(writing, "wb", buffering=0) as out, open(os.devnull, "r+b") as nothing:
                return run_once(stage.path, ["get", "nodes"], nothing, out, nothing)

        assert await trio.to_thread.run_sync(run) == BROKEN_PIPE


class FakeServer:
    """The server's side of one conversation, by hand."""

    def __init__(self, path: Path) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._listener.settimeout(PATIENT)
        self._buffer = b""

    def accept(self) -> None:
        """Take the client."""
        self._connection, _ = self._listener.accept()
        self._connection.settimeout(PATIENT)

    def hear(self) -> dict[str, Any]:
        """The next line."""
        while b"\n" not in self._buffer:
            data = self._connection.recv(65_536)
            assert data, "the client has gone"
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        heard: dict[str, Any] = json.loads(line)
        return heard

    def say(self, **said: Any) -> None:
        """A line about the request."""
        self._connection.sendall(json.dumps({"id": 1, **said}).encode() + b"\n")

    def close(self) -> None:
        """Be gone."""
        self._listener.close()
        self._connection.close()


@contextmanager
def on_a_terminal(*argv: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A process whose terminal we hold the other end of."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
    process = subprocess.Popen(
        argv, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, env=environment
    )
    os.close(theirs)
    try:
        yield process, ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def read_until(terminal: int, text: bytes) -> bytes:
    """What the terminal shows, up to some text."""
    shown = b""
    end = time.monotonic() + PATIENT
    while text not in shown:
        assert time.monotonic() < end, shown
        if select.select([terminal], [], [], 0.1)[0]:
            shown += os.read(terminal, 65_536)
    return shown


def is_raw(terminal: int) -> bool:
    """Whether keys go through one by one, Ctrl-C included."""
    return not termios.tcgetattr(terminal)[3] & (termios.ICANON | termios.ISIG)


def test_a_remote_terminal(tmp_path: Path) -> None:
    """Every key goes there, its size follows, and the own terminal is as before in the end."""
    path = tmp_path / "console.sock"
    with (
        closing(FakeServer(path)) as server,
        on_a_terminal(sys.executable, "-c", ONCE, str(path), "exec", "-it") as (
            process,
            terminal,
        ),
    ):
        termios.tcsetwinsize(terminal, (24, 80))
        server.accept()
        assert server.hear()["tty"] is True
        server.say(raw=True)
        assert server.hear()["resize"] == [24, 80]
        server.say(input=1 << 20)
        assert is_raw(terminal)
        os.write(terminal, b"\x03")
        assert server.hear()["stdin"] == "\x03"
        termios.tcsetwinsize(terminal, (50, 132))
        process.send_signal(signal.SIGWINCH)
        assert server.hear()["resize"] == [50, 132]
        server.say(stream="stdout", data="\x1b[2Jscreen")
        read_until(terminal, b"\x1b[2Jscreen")
        server.say(exit=5)
        assert process.wait(PATIENT) == 5
        assert not is_raw(terminal)


def test_a_cluster_that_goes_away(tmp_path: Path) -> None:
    """The connection was lost: 1, and one line."""
    path = tmp_path / "console.sock"
    server = FakeServer(path)
    process = subprocess.Popen([sys.executable, "-c", ONCE, str(path), "get", "pods", "-w"], stderr=subprocess.PIPE)
    server.accept()
    server.hear()
    server.close()
    _, err = process.communicate(timeout=PATIENT)
    assert (process.returncode, err) == (1, b"error: the connection to the cluster was lost\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", [""]),
        ("get", ["get"]),
        ("get ", ["get", ""]),
        ("get pods -n ", ["get", "pods", "-n", ""]),
        ("exec web -- sh -c 'echo", ["exec", "web", "--", "sh", "-c", "'echo"]),
    ],
)
def test_words_before_the_cursor(text: str, words: list[str]) -> None:
    """The last word is the one that may be completed."""
    assert words_before_cursor(text) == words


@pytest.mark.parametrize(
    ("line", "reads"),
    [
        ("apply -f -", True),
        ("apply --filename=-", True),
        ("apply -f- -n shop", True),
        ("delete -f -", True),
        ("apply -f web.yaml", False),
        ("get pods -f -", False),
    ],
)
def test_which_commands_read_typed_objects(line: str, reads: bool) -> None:
    """Only then the prompt asks for more lines."""
    assert reads_typed_input(line.split()) is reads


def test_the_history_is_private(tmp_path: Path) -> None:
    """Whatever the umask, and also when others could read it before."""
    before = os.umask(0)
    try:
        file = tmp_path / "history"
        file.touch(0o666)
        private_history(file).append_string("get secrets")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    finally:
        os.umask(before)
    assert "get secrets" in file.read_text()


async def test_the_prompt(tmp_path: Path) -> None:
    """Type, complete, apply over several lines, leave."""
    async with console_stage(tmp_path) as stage:
        assert ("node-1", "") in await trio.to_thread.run_sync(candidates, stage.path, ["node", "stop", "no"])
        history = tmp_path / "history"

        def converse() -> int:
            with on_a_terminal(sys.executable, "-c", PROMPT, str(stage.path), str(history)) as (process, terminal):
                read_until(terminal, b"to leave.\r\n")
                os.write(terminal, b"get nod\t")
                read_until(terminal, b"es")  # what is typed before the cluster has answered would outrun it
                os.write(terminal, b" -o name\r")
                read_until(terminal, b"node/node-2")
                os.write(terminal, b"apply -f -\r")
                read_until(terminal, b"ends the input")
                for line in (b"apiVersion: v1", b"kind: ConfigMap", b"metadata: {name: typed}", b"."):
                    os.write(terminal, line + b"\r")
                read_until(terminal, b"configmap/typed created")
                os.write(terminal, b"exit\r")
                return process.wait(PATIENT)

        assert await trio.to_thread.run_sync(converse) == 0
        assert "get nodes -o name" in history.read_text()
