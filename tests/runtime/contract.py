"""What every runtime promises, written against `Runtime` alone.

A runtime's test module subclasses `RuntimeContract`, `ProgramContract` (containers run real programs) or
`IsolationContract` (with a file system of their own), and provides the fixture `stage`.
"""

from __future__ import annotations

import abc
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import attrs
import pytest
import trio

from kube_actors.node.runtime.base import (
    RESIZE_UNSUPPORTED,
    ContainerExited,
    ContainerId,
    ContainerSpec,
    Dns,
    EmptyDirVolume,
    File,
    FilesVolume,
    Image,
    ImageKind,
    Mount,
    PodName,
    Resources,
    Runtime,
    RuntimeFailure,
    SandboxSpec,
)
from kube_actors.node.runtime.sessions import StreamSession
from kube_actors.records import frozen

T = TypeVar("T")
PATIENCE = 60.0  # machine seconds until something that should happen has not


@frozen
class Does:
    """What a container is to do: end with a code at once, or run until told; `deaf` ones ignore SIGTERM."""

    exit_code: int | None = None
    deaf: bool = False


EXITS = Does(exit_code=3)
RUNS = Does()
DEAF = Does(deaf=True)


class Stage(abc.ABC):
    """A runtime with what the tests need around it."""

    runtime: Runtime

    @abc.abstractmethod
    def sandbox(self, uid: str = "u-1") -> SandboxSpec:
        """A pod with an address of this runtime."""

    @abc.abstractmethod
    def container(self, does: Does, *, uid: str = "u-1", name: str = "main", attempt: int = 0) -> ContainerSpec:
        """A container that behaves so."""

    @abc.abstractmethod
    async def reopen(self) -> None:
        """Let go keeping what runs, and put a new runtime over the same in `runtime`."""

    async def start(self, does: Does, *, uid: str = "u-1", name: str = "main", attempt: int = 0) -> ContainerId:
        """Make the pod if it is not there, and start a container in it."""
        if uid not in {found.pod.uid for found in await self.runtime.adopt()}:
            await self.runtime.create_sandbox(self.sandbox(uid))
        started = await self.runtime.run_container(self.container(does, uid=uid, name=name, attempt=attempt))
        return started.id

    async def next_exit(self) -> ContainerExited:
        """The next exit reported."""
        with trio.fail_after(PATIENCE):
            while True:
                event = await self.runtime.events().receive()
                if isinstance(event, ContainerExited):
                    return event

    async def no_more_exits(self) -> None:
        """Nothing further is reported, even after time for it."""
        await self.runtime.adopt()
        with trio.move_on_after(0.1):
            while True:
                event = await self.runtime.events().receive()
                if isinstance(event, ContainerExited):
                    pytest.fail(f"reported again: {event}")


class RuntimeContract:
    """For every runtime."""

    @pytest.fixture
    async def stage(self) -> Stage:
        """Provided by the runtime's own tests."""
        raise AssertionError("override the fixture `stage`")

    async def test_a_started_container_is_known_by_its_id(self, stage: Stage) -> None:
        """What was started is found again, running, in its sandbox."""
        container = await stage.start(RUNS)
        (found,) = await stage.runtime.adopt()
        assert (found.pod.uid, found.address) == ("u-1", stage.sandbox().address)
        assert [(c.id, c.exit) for c in found.containers] == [(container, None)]

    async def test_an_id_starts_once(self, stage: Stage) -> None:
        """Starting the same attempt again is refused, the next attempt is not."""
        await stage.start(RUNS)
        with pytest.raises(RuntimeFailure) as refused:
            await stage.runtime.run_container(stage.container(RUNS))
        assert refused.value.reason == "AlreadyRunning"
        await stage.runtime.run_container(stage.container(RUNS, attempt=1))

    async def test_an_exit_is_reported_once_with_its_code(self, stage: Stage) -> None:
        """One event per started container."""
        container = await stage.start(EXITS)
        exited = await stage.next_exit()
        assert (exited.id, exited.exit_code, exited.oom_killed) == (container, 3, False)
        await stage.no_more_exits()

    async def test_a_killed_container_tells_the_signal(self, stage: Stage) -> None:
        """SIGKILL ends what ignores SIGTERM: 128 + 9, as Kubernetes shows it."""
        container = await stage.start(DEAF)
        await stage.runtime.signal_container(container, signal.SIGTERM)
        await stage.runtime.signal_container(container, signal.SIGKILL, everything=True)
        exited = await stage.next_exit()
        assert exited.exit_code == 137

    async def test_what_is_gone_may_be_signalled_and_removed(self, stage: Stage) -> None:
        """Stopping or removing what is not there is not an error."""
        container = await stage.start(EXITS)
        await stage.next_exit()
        await stage.runtime.signal_container(container, signal.SIGTERM)
        for _ in range(2):
            await stage.runtime.remove_container(container)
        await stage.runtime.signal_container(container, signal.SIGKILL)
        for _ in range(2):
            await stage.runtime.remove_sandbox("u-1")
        assert await stage.runtime.adopt() == ()

    async def test_removing_a_container_kills_it(self, stage: Stage) -> None:
        """A running container is ended and forgotten; its exit is reported all the same."""
        container = await stage.start(DEAF)
        await stage.runtime.remove_container(container)
        assert (await stage.next_exit()).id == container
        (found,) = await stage.runtime.adopt()
        assert found.containers == ()

    async def test_removing_a_sandbox_ends_its_containers(self, stage: Stage) -> None:
        """All containers end, and the pod can be made again."""
        containers = {await stage.start(DEAF, name=name) for name in ("a", "b")}
        await stage.runtime.remove_sandbox("u-1")
        assert {(await stage.next_exit()).id for _ in containers} == containers
        assert await stage.runtime.adopt() == ()
        await stage.start(RUNS)

    async def test_pods_do_not_disturb_each_other(self, stage: Stage) -> None:
        """Removing one pod leaves the other's container running."""
        await stage.start(RUNS)
        other = await stage.start(RUNS, uid="u-2")
        await stage.runtime.remove_sandbox("u-1")
        (found,) = await stage.runtime.adopt()
        assert [(c.id, c.exit) for c in found.containers] == [(other, None)]

    async def test_a_container_needs_its_sandbox(self, stage: Stage) -> None:
        """Without a pod there is nothing to start in."""
        with pytest.raises(RuntimeFailure):
            await stage.runtime.run_container(stage.container(RUNS, uid="nobody"))

    async def test_a_new_runtime_adopts_what_runs(self, stage: Stage) -> None:
        """The same containers, with the same ids and processes."""
        await stage.start(RUNS)
        before = await stage.runtime.adopt()
        await stage.reopen()
        assert await stage.runtime.adopt() == before

    async def test_an_exit_nobody_saw_comes_first_after_adoption(self, stage: Stage) -> None:
        """Ended while no runtime listened: reported by the next, once."""
        container = await stage.start(RUNS)
        await stage.runtime.signal_container(container, signal.SIGKILL)
        await stage.reopen()

        async def adopted_exit() -> ContainerExited | None:
            return (await stage.runtime.adopt())[0].containers[0].exit

        found = await eventually(adopted_exit)
        exited = await stage.next_exit()
        assert (exited.id, exited.exit_code) == (container, 137)
        assert found == exited
        await stage.no_more_exits()

    async def test_attached_until_the_end(self, stage: Stage) -> None:
        """The output of a container that runs ends when it does; one that has ended cannot be attached to."""
        container = await stage.start(RUNS)
        session = await stage.runtime.attach(container)
        await stage.runtime.signal_container(container, signal.SIGKILL)
        await collect(session.output())
        await session.aclose()
        await stage.next_exit()
        with pytest.raises(RuntimeFailure):
            await stage.runtime.attach(container)

    async def test_resources_of_what_runs_may_change(self, stage: Stage) -> None:
        """The container runs on; where a limit cannot be kept that is said, and what has ended has none."""
        container = await stage.start(RUNS)
        refused = ""
        try:
            await stage.runtime.update_resources(
                container, Resources(cpu_limit_milli=500), Resources(cpu_limit_milli=700)
            )
        except RuntimeFailure as failure:
            refused = failure.reason
        assert refused in ("", RESIZE_UNSUPPORTED)
        (found,) = await stage.runtime.adopt()
        assert found.containers[0].exit is None
        await stage.runtime.signal_container(container, signal.SIGKILL)
        await stage.next_exit()
        with pytest.raises(RuntimeFailure):
            await stage.runtime.update_resources(container, Resources(cpu_limit_milli=100))


class ProgramContract(RuntimeContract):
    """For runtimes whose containers run real programs with /bin/sh and `cat`."""

    async def _shell(self, stage: Stage, script: str) -> ContainerSpec:
        await stage.runtime.create_sandbox(stage.sandbox())
        spec = attrs.evolve(stage.container(RUNS), argv=("/bin/sh", "-c", script))
        await stage.runtime.run_container(spec)
        return spec

    async def test_output_goes_to_the_log(self, stage: Stage) -> None:
        """Both streams, line by line, in CRI format, complete when the exit is reported."""
        spec = await self._shell(stage, "echo out; echo err >&2; printf unfinished")
        await stage.next_exit()
        lines = log_lines(spec)
        assert sorted((stream, tag, text) for stream, tag, text in lines) == [
            ("stderr", "F", "err"),
            ("stdout", "F", "out"),
            ("stdout", "P", "unfinished"),
        ]

    async def test_environment_and_directory(self, stage: Stage) -> None:
        """The program sees its variables, its directory and nothing of ours."""
        await stage.runtime.create_sandbox(stage.sandbox())
        spec = attrs.evolve(
            stage.container(RUNS),
            argv=("/bin/sh", "-c", 'echo "$GREETING in $(pwd)"; env | grep -c PYTEST'),
            env=(("GREETING", "hello world"),),
            working_dir="/tmp",
        )
        await stage.runtime.run_container(spec)
        await stage.next_exit()
        assert log_text(spec) == "hello world in /tmp\n0\n"

    async def test_a_command_that_is_not_there(self, stage: Stage) -> None:
        """Refused in words that name it; the attempt can be removed and nothing is reported."""
        await stage.runtime.create_sandbox(stage.sandbox())
        with pytest.raises(RuntimeFailure, match="no-such-program") as failed:
            await stage.runtime.run_container(attrs.evolve(stage.container(RUNS), argv=("no-such-program",)))
        assert failed.value.reason in ("RunContainerError", "StartError")
        await stage.no_more_exits()

    async def test_exec_has_streams_and_exit_code(self, stage: Stage) -> None:
        """stdin reaches the command, both outputs come back apart, the code is its own."""
        container = await stage.start(RUNS)
        session = await stage.runtime.exec(container, ("/bin/sh", "-c", "cat; echo oops >&2; exit 7"), stdin=True)
        await session.send_stdin(b"one\n")
        await session.send_stdin(b"two\n")
        await session.close_stdin()
        streams = await collect(session.output())
        assert (streams, await session.wait()) == ({1: b"one\ntwo\n", 2: b"oops\n"}, 7)
        await session.aclose()

    async def test_exec_shares_the_container(self, stage: Stage) -> None:
        """Same environment and files; a command that is not there fails by name."""
        spec = attrs.evolve(stage.container(RUNS), env=(("COLOUR", "blue"),))
        await stage.runtime.create_sandbox(stage.sandbox())
        await stage.runtime.run_container(spec)
        session = await stage.runtime.exec(spec.id, ("/bin/sh", "-c", "echo $COLOUR"))
        assert await collect(session.output()) == {1: b"blue\n"}
        await session.aclose()
        with pytest.raises(RuntimeFailure, match="no-such-program"):
            await stage.runtime.exec(spec.id, ("no-such-program",))

    async def test_leaving_an_exec_ends_all_it_started(self, stage: Stage) -> None:
        """A command left early, also by who is cancelled, is killed with its children, daemons too; the container runs
        on."""
        container = await stage.start(RUNS)
        script = "(setsid sh -c 'while :; do sleep 0.05; done' &) ; echo ready; sleep 1000"
        session = await stage.runtime.exec(container, ("/bin/sh", "-c", script))
        async for _, data in session.output():
            assert data == b"ready\n"
            break
        with trio.CancelScope() as leaving:
            leaving.cancel()
            await session.aclose()
        assert await session.wait() == 137
        (found,) = await stage.runtime.adopt()
        assert found.containers[0].exit is None

    async def test_exec_with_a_terminal(self, stage: Stage) -> None:
        """The command has a terminal of the size asked for."""
        container = await stage.start(RUNS)
        session = await stage.runtime.exec(
            container, ("/bin/sh", "-c", "read x; stty size; exit 4"), stdin=True, tty=True
        )
        await session.resize(33, 101)
        await session.send_stdin(b"go\n")
        streams = await collect(session.output())
        assert b"33 101" in streams[1]
        assert await session.wait() == 4
        await session.aclose()

    async def _answering(self, stage: Stage, script: str, **changes: Any) -> ContainerSpec:
        await stage.runtime.create_sandbox(stage.sandbox())
        spec = attrs.evolve(stage.container(RUNS), argv=("/bin/sh", "-c", script), stdin=True, **changes)
        await stage.runtime.run_container(spec)
        return spec

    async def test_an_attached_client_speaks_with_the_container(self, stage: Stage) -> None:
        """Its input reaches the program; leaving leaves the container as it is, for the next one."""
        spec = await self._answering(stage, 'while read x; do echo "got $x"; done')
        for word in (b"one", b"two"):
            session = await stage.runtime.attach(spec.id, stdin=True)
            await session.send_stdin(word + b"\n")
            assert await read_until(session, b"\n") == b"got " + word + b"\n"
            await session.close_stdin()
            await session.aclose()
        (found,) = await stage.runtime.adopt()
        assert found.containers[0].exit is None

    async def test_everybody_attached_hears_the_container(self, stage: Stage) -> None:
        """What it prints from then on, each of them, until it ends."""
        spec = await self._answering(stage, "read x; echo $x; echo oops >&2")
        sessions = [await stage.runtime.attach(spec.id, stdin=stdin) for stdin in (True, False)]
        await sessions[0].send_stdin(b"all\n")
        for session in sessions:
            assert await collect(session.output()) == {1: b"all\n", 2: b"oops\n"}
            await session.aclose()
        await stage.next_exit()
        with pytest.raises(RuntimeFailure):
            await stage.runtime.attach(spec.id)

    async def test_input_that_is_given_once_ends(self, stage: Stage) -> None:
        """With `stdinOnce` the program's input ends with the client's, and its output goes on."""
        spec = await self._answering(stage, "cat; echo over", stdin_once=True)
        session = await stage.runtime.attach(spec.id, stdin=True)
        assert not session.ends_with_input
        await session.send_stdin(b"abc\n")
        await session.close_stdin()
        assert await collect(session.output()) == {1: b"abc\nover\n"}
        await session.aclose()
        assert (await stage.next_exit()).exit_code == 0

    async def test_input_that_is_given_once_ends_with_the_client(self, stage: Stage) -> None:
        """Also when it leaves without a word."""
        spec = await self._answering(stage, "cat; exit 5", stdin_once=True)
        session = await stage.runtime.attach(spec.id, stdin=True)
        await session.aclose()
        assert (await stage.next_exit()).exit_code == 5

    async def test_a_terminal_is_attached_with_its_size(self, stage: Stage) -> None:
        """One stream, echo and all."""
        spec = await self._answering(stage, "read x; stty size; exit 4", tty=True)
        session = await stage.runtime.attach(spec.id, stdin=True)
        await session.resize(33, 101)
        await session.send_stdin(b"go\n")
        streams = await collect(session.output())
        assert streams.keys() == {1}
        assert b"33 101" in streams[1]
        await session.aclose()
        assert (await stage.next_exit()).exit_code == 4

    async def test_a_flood_reaches_the_client_whole(self, stage: Stage) -> None:
        """However fast the program prints, and the log has it too."""
        script = (
            "read x; i=0; while [ $i -lt 3000 ]; do echo $i-0123456789012345678901234567890123456789; i=$((i+1)); done"
        )
        spec = await self._answering(stage, script)
        session = await stage.runtime.attach(spec.id, stdin=True)
        await session.send_stdin(b"go\n")
        printed = (await collect(session.output()))[1]
        await session.aclose()
        await stage.next_exit()
        assert printed.decode() == log_text(spec)
        assert printed.count(b"\n") == 3000

    async def test_a_server_is_reached_at_the_pods_address(self, stage: Stage) -> None:
        """From the node to the pod; a port nobody listens on refuses."""
        address = stage.sandbox().address
        server = (
            "import socket; s = socket.create_server(('" + str(address) + "', 8080));\n"
            "while True:\n c, _ = s.accept(); c.sendall(c.recv(100).upper()); c.close()"
        )
        await stage.runtime.create_sandbox(stage.sandbox())
        spec = attrs.evolve(stage.container(RUNS), argv=("python3", "-c", server))
        await stage.runtime.run_container(spec)
        stream = await dial(stage.runtime, 8080)
        async with stream:
            await stream.send_all(b"hello")
            assert await stream.receive_some(100) == b"HELLO"
        with pytest.raises(OSError, match=r"refused"):
            await stage.runtime.connect("u-1", 9)


class IsolationContract(ProgramContract):
    """For runtimes whose containers have a file system and a host name of their own."""

    async def test_volumes_are_shared_by_the_pods_containers(self, stage: Stage) -> None:
        """What one container writes to an emptyDir another reads; files volumes follow updates."""
        files = FilesVolume("conf", (File("a.txt", b"first"),))
        sandbox = attrs.evolve(stage.sandbox(), volumes=(EmptyDirVolume("scratch"), files))
        await stage.runtime.create_sandbox(sandbox)
        mounts = (Mount("scratch", "/scratch"), Mount("conf", "/conf", read_only=True))
        script = "echo shared > /scratch/x; cat /conf/a.txt; until grep -q second /conf/a.txt; do sleep 0.02; done"
        writer = attrs.evolve(stage.container(RUNS), argv=("/bin/sh", "-c", script), mounts=mounts)
        await stage.runtime.run_container(writer)
        reader = attrs.evolve(
            stage.container(RUNS, name="reader"),
            argv=("/bin/sh", "-c", "until [ -s /scratch/x ]; do sleep 0.02; done; cat /scratch/x"),
            mounts=mounts,
        )
        await stage.runtime.run_container(reader)
        assert (await stage.next_exit()).id == reader.id
        assert log_text(reader) == "shared\n"
        await stage.runtime.update_files("u-1", attrs.evolve(files, files=(File("a.txt", b"second"),)))
        assert (await stage.next_exit()).id == writer.id
        assert log_text(writer) == "first"

    async def test_names_of_the_pod(self, stage: Stage) -> None:
        """Host name, /etc/hosts and /etc/resolv.conf are the pod's own."""
        sandbox = attrs.evolve(
            stage.sandbox(),
            hostname="web-0",
            dns=Dns(("10.96.0.10",), ("default.svc.cluster.local",), ("ndots:5",)),
            hosts=(("10.1.2.3", ("db", "db.local")),),
        )
        await stage.runtime.create_sandbox(sandbox)
        script = "uname -n; grep -c db.local /etc/hosts; cat /etc/resolv.conf"
        spec = attrs.evolve(stage.container(RUNS), argv=("/bin/sh", "-c", script))
        await stage.runtime.run_container(spec)
        await stage.next_exit()
        assert log_text(spec) == (
            "web-0\n1\nsearch default.svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n"
        )


def shell_script(does: Does) -> str:
    """The behaviour as a shell script, for runtimes that run programs; it says `up` when it hears (or not) signals."""
    if does.exit_code is not None:
        return f"exit {does.exit_code}"
    return f"trap '{'' if does.deaf else 'exit 0'}' TERM; echo up; while :; do sleep 0.05; done"


def pod_name(uid: str) -> PodName:
    """A pod's name for tests."""
    return PodName(uid, "default", f"pod-{uid}")


HOST_IMAGE = Image("host", ImageKind.HOST)


def log_lines(spec: ContainerSpec) -> list[tuple[str, str, str]]:
    """A container's log as (stream, tag, text)."""
    lines = []
    for line in Path(spec.log_path).read_text().splitlines():
        _, stream, tag, text = line.split(" ", 3)
        lines.append((stream, tag, text))
    return lines


def log_text(spec: ContainerSpec) -> str:
    """What a container printed to stdout, lines put together."""
    return "".join(text + ("\n" if tag == "F" else "") for stream, tag, text in log_lines(spec) if stream == "stdout")


async def eventually(look: Callable[[], Awaitable[T]]) -> T:
    """What `look` finds, as soon as it finds something; fails after PATIENCE."""
    with trio.fail_after(PATIENCE):
        while not (found := await look()):
            await trio.sleep(0.01)
    return found


async def collect(output: AsyncIterator[tuple[int, bytes]]) -> dict[int, bytes]:
    """All output of a command by stream."""
    streams: dict[int, bytes] = {}
    with trio.fail_after(PATIENCE):
        async for number, data in output:
            streams[number] = streams.get(number, b"") + data
    return streams


async def read_until(session: StreamSession, end: bytes) -> bytes:
    """What a program prints, up to and with `end`."""
    printed = b""
    with trio.fail_after(PATIENCE):
        async for _, data in session.output():
            printed += data
            if printed.endswith(end):
                break
    return printed


async def dial(runtime: Runtime, port: int, uid: str = "u-1") -> trio.abc.HalfCloseableStream:
    """Connect to a pod as soon as its server listens."""

    async def attempt() -> trio.abc.HalfCloseableStream | None:
        try:
            return await runtime.connect(uid, port)
        except OSError:
            return None

    stream = await eventually(attempt)
    assert stream is not None
    return stream
