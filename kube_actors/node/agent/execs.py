"""Commands in running containers. Their streams belong to the runtime that asked; we keep only the process."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Callable
from itertools import count

from .container import Container
from .failures import Failure
from .keeper import Exit
from .launches import container_program
from .sandboxes import Sandbox
from .settings import Value
from .spawn import Child, Joined, Launch, Stdio, Told, spawn
from .subreaper import kill_below
from .world import World

OnStarted = Callable[[int, list[int]], None]
OnFailed = Callable[[Failure], None]
OnEnded = Callable[[int, int], None]


class Exec:
    """One command: our child is the subreaper above it."""

    def __init__(self, child: Child) -> None:
        self.pid, self.pidfd = child.pid, child.pidfd


class Execs:
    """The commands that run now."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._numbers = count(1)
        self._running: dict[int, Exec] = {}

    def start(
        self,
        sandbox: Sandbox,
        container: Container,
        request: Value,
        started: OnStarted,
        failed: OnFailed,
        ended: OnEnded,
    ) -> int:
        """Run a command; answers with its number and our ends of its streams: stdin?, stdout, stderr or terminal."""
        if not container.running:
            raise Failure("ContainerNotFound", f"container {container.key[1]} is not running")
        theirs, ours = _streams(stdin=request["stdin"], tty=request["tty"])
        try:
            launch = self._launch(sandbox, container, request, theirs)
            try:
                child = spawn(launch)
            finally:
                _close_joined(launch)
        except BaseException:
            for fd in ours:
                os.close(fd)
            raise
        finally:
            for stream in {fd for fd in theirs if fd is not None}:
                os.close(stream)
        number = next(self._numbers)
        command = self._running[number] = Exec(child)
        self._world.watch(child.pid, lambda how: self._on_exit(number, command, how, ended))
        self._await_report(number, child, ours, started, failed)
        return number

    def kill(self, number: int) -> None:
        """End a command and all it started; ended already is fine."""
        command = self._running.get(number)
        if command is not None:
            kill_below(command.pid)
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(command.pidfd, signal.SIGKILL)

    def _launch(self, sandbox: Sandbox, container: Container, request: Value, theirs: Stdio) -> Launch:
        program = container_program(self._world, sandbox, container.spec)
        program = program._replace(argv=request["argv"], tty=request["tty"])
        files = tuple(container.group.process_files)
        if self._world.tier == "C":
            return Launch(program, theirs, None, "outer", process_files=files, subreaper=True, end_rest=False)
        user = _other_user_namespace(container.program)
        pid = os.open(f"/proc/{container.program}/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        joined = Joined(os.pidfd_open(container.program), user)
        return Launch(program, theirs, None, pid, None, joined, files, subreaper=True, end_rest=False)

    def _await_report(self, number: int, child: Child, ours: list[int], started: OnStarted, failed: OnFailed) -> None:
        told = bytearray()

        def readable() -> None:
            data, fds, _, _ = socket.recv_fds(child.report, 65536, 4)
            ours.extend(fds)
            told.extend(data)
            if data:
                return
            self._world.loop.remove_reader(child.report.fileno())
            child.report.close()
            failure = Told.of(bytes(told)).failure
            if failure is not None:
                failed(failure)
            else:
                started(number, ours)
            for fd in ours:
                os.close(fd)

        self._world.loop.add_reader(child.report.fileno(), readable)

    def _on_exit(self, number: int, command: Exec, how: Exit, ended: OnEnded) -> None:
        del self._running[number]
        os.close(command.pidfd)
        code = os.waitstatus_to_exitcode(how.status)
        ended(number, code if code >= 0 else 128 - code)


def _streams(*, stdin: bool, tty: bool) -> tuple[Stdio, list[int]]:
    """The command's ends and ours. With a terminal the new process makes it and sends us the master."""
    if tty:
        return Stdio(None, None, None), []
    (out, write_out), (err, write_err) = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
    if not stdin:
        return Stdio(None, write_out, write_err), [out, err]
    read_in, write_in = os.pipe2(os.O_CLOEXEC)
    return Stdio(read_in, write_out, write_err), [write_in, out, err]


def _other_user_namespace(pid: int) -> int | None:
    """A descriptor of the process's user namespace when it is not ours."""
    path = f"/proc/{pid}/ns/user"
    if os.readlink(path) == os.readlink("/proc/self/ns/user"):
        return None
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _close_joined(launch: Launch) -> None:
    """Close the descriptors a launch opened to join a container."""
    for fd in (launch.pid_namespace, *(launch.join or ())):
        if isinstance(fd, int):
            os.close(fd)
