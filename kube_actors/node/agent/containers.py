"""Containers: started, watched, reported once, forgotten."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable

from .cgroups import Group, check_resize, check_supported, join_new_groups, make_group
from .container import Container, Key
from .failures import Failure
from .host_root import HostRoot
from .keeper import Exit, child_pids
from .launches import container_launch
from .logs import LogPump
from .loop import ended_pipe, nonblocking_pipe
from .sandboxes import Sandbox
from .settings import Value
from .spawn import Child, Stdio, Told, spawn
from .subreaper import descendants, kill_below
from .world import World

Done = Callable[[Value | Failure], None]
_DRAIN_FOR = 0.2  # seconds the log may lag behind the exit


class Containers:
    """All containers of the cluster on this machine. `report` is called with each exit."""

    def __init__(self, world: World, sandboxes: dict[str, Sandbox], host: HostRoot) -> None:
        self._world, self._sandboxes, self._host = world, sandboxes, host
        self.by_key: dict[Key, Container] = {}
        self.report: Callable[[Container], None] = lambda container: None

    def of_pod(self, uid: str) -> list[Container]:
        return [container for container in self.by_key.values() if container.key[0] == uid]

    def get(self, key: Key) -> Container:
        """A container that is known. Raises Failure."""
        try:
            return self.by_key[key]
        except KeyError:
            raise Failure("ContainerNotFound", f"container {key[1]} (attempt {key[2]}) is not there") from None

    def run(self, sandbox: Sandbox, spec: Value, done: Done) -> None:
        """Create and start; `done` gets what `describe` tells, or the failure, once the program was executed."""
        key: Key = (spec["id"][0], spec["id"][1], spec["id"][2])
        if key in self.by_key:
            raise Failure("AlreadyRunning", f"container {key[1]} (attempt {key[2]}) exists already")
        world, name = self._world, f"{key[1]}-{key[2]}"
        directory = os.path.join(world.settings.pod_directory(key[0]), "containers", name)
        group = make_group(world.cgroups, key[0], name, spec["resources"], sandbox.spec["resources"])
        container = Container(spec, directory, group)
        try:
            container.make_directories()
            container.open_log()  # what cannot be logged is not started
            child, outputs = self._spawn(container, sandbox)
        except BaseException:
            self._close(container)
            self._clean_up(container)
            raise
        self.by_key[key] = container
        container.pid = container.program = child.pid
        container.pidfd, container.started_at = child.pidfd, time.time()
        container.name_start(world.settings.cluster_id)
        world.watch(child.pid, lambda how: self._on_exit(container, how))
        self._remember(container, [*outputs, container.stdin] if container.stdin >= 0 else outputs)
        self._pump(container, outputs)
        self._await_report(container, child, done)

    def _spawn(self, container: Container, sandbox: Sandbox) -> tuple[Child, list[int]]:
        spec = container.spec
        opened: list[int] = []
        outputs: list[int] = []
        stdin = None
        try:
            if not spec["tty"]:
                for _ in range(2):
                    reading, writing = nonblocking_pipe()
                    outputs.append(reading)
                    opened.append(writing)
            if spec["stdin"] and not spec["tty"]:
                stdin, container.stdin = os.pipe2(os.O_CLOEXEC)
                opened.append(stdin)
            streams = opened[:2] if outputs else [None, None]
            launch = container_launch(self._world, sandbox, spec, container.directory, self._host)
            if spec["processes_of"] and launch.pid_namespace == "own":
                namespace = self._pid_namespace_of(spec)
                opened.append(namespace)
                launch = launch._replace(pid_namespace=namespace, subreaper=True)
            launch = launch._replace(stdio=Stdio(stdin, *streams), process_files=tuple(container.group.process_files))
            container.subreaper = launch.subreaper
            return spawn(launch), outputs
        except BaseException:
            for fd in outputs:
                os.close(fd)
            raise
        finally:
            for fd in opened:
                os.close(fd)

    def _pid_namespace_of(self, spec: Value) -> int:
        """A descriptor of the pid namespace of the container this one is to look into. Raises Failure."""
        name = spec["processes_of"]
        running = [c for c in self.of_pod(spec["id"][0]) if c.key[1] == name and c.running and not c.starting]
        if not running:
            raise Failure("CreateContainerConfigError", f'target container "{name}" is not running')
        return os.open(f"/proc/{running[0].program}/ns/pid", os.O_RDONLY | os.O_CLOEXEC)

    def _await_report(self, container: Container, child: Child, done: Done) -> None:
        """Collect what the child tells until its exec closes the socket."""
        told = bytearray()

        def readable() -> None:
            data, fds, _, _ = socket.recv_fds(child.report, 65536, 4)
            if fds:  # the master of its terminal
                self._adopt_terminal(container, fds[0])
            told.extend(data)
            if not data:
                self._world.loop.remove_reader(child.report.fileno())
                child.report.close()
                self._on_reported(container, Told.of(bytes(told)), done)

        self._world.loop.add_reader(child.report.fileno(), readable)

    def _on_reported(self, container: Container, told: Told, done: Done) -> None:
        if (failure := told.failure) is not None:
            self._when_ended(container, lambda: self._failed_to_start(container, failure, done))
            return
        container.user = told.user
        if container.subreaper:
            container.program = next(iter(child_pids(container.pid)), container.pid)
        container.starting = False
        self._remember(container)
        done(container.describe())
        self._settle(container)

    def _failed_to_start(self, container: Container, failure: Failure, done: Done) -> None:
        for pump in container.pumps:
            pump.close()
        self._forget(container)
        done(failure)

    def _adopt_terminal(self, container: Container, master: int) -> None:
        os.set_blocking(master, False)
        self._remember(container, [master])
        self._pump(container, [master])

    def _pump(self, container: Container, outputs: list[int]) -> None:
        log = container.open_log()
        for fd, stream in zip(outputs, ("stdout", "stderr"), strict=False):
            pump = LogPump(self._world.loop, fd, stream, log, lambda: self._settle(container))
            container.pumps.append(pump)

    def _on_exit(self, container: Container, how: Exit) -> None:
        container.ended = how
        self._settle(container)
        if any(not pump.ended for pump in container.pumps):
            self._world.loop.call_later(_DRAIN_FOR, lambda: self._end_pumps(container))
        callbacks, container.when_ended = container.when_ended, []
        for callback in callbacks:
            callback()

    def _end_pumps(self, container: Container) -> None:
        for pump in container.pumps:
            pump.drain()
            pump.close()

    def _settle(self, container: Container) -> None:
        """Report the exit once: after the start was answered and the log is complete."""
        if container.starting or container.ended is None or container.exit is not None:
            return
        if any(not pump.ended for pump in container.pumps):
            return
        container.conclude(container.ended)
        self._remember(container, [])
        self._close(container)
        self.report(container)

    def update_resources(self, container: Container, resources: Value, whole_before: Value, whole: Value) -> None:
        """Give a running container other limits, and its pod as a whole. Raises Failure."""
        if not container.running or container.starting:
            raise Failure("ResizeError", f"container {container.key[1]} is not running")
        name = f"{container.key[1]}-{container.key[2]}"
        pids = [container.pid, *descendants(container.pid)]
        before = container.spec["resources"]
        check_resize(self._world.cgroups, container.group, before, resources)
        check_supported(self._world.cgroups, whole_before, whole)
        group = make_group(self._world.cgroups, container.key[0], name, resources, whole)
        container.group = join_new_groups(container.group, group, pids)
        container.spec["resources"] = resources
        self._remember(container)

    def attach(self, container: Container, *, stdin: bool) -> list[int]:
        """Descriptors for a client of a running container: of its terminal or (`stdin`) its input, if it has them;
        then of its output from now on, one for each stream. They are the caller's. Raises Failure."""
        if not container.running or container.starting:
            raise Failure("ContainerNotFound", f"container {container.key[1]} is not running")
        found: list[int] = []
        if container.spec["tty"]:
            found += [os.dup(pump.fd) for pump in container.pumps if not pump.ended]
        elif stdin and container.stdin >= 0:
            found.append(os.dup(container.stdin))
        for pump in container.pumps:
            reading, writing = os.pipe2(os.O_CLOEXEC)
            found.append(reading)
            pump.attach(writing)
        return found

    def close_stdin(self, container: Container) -> None:
        """End the container's input, for good: the keeper gives up its copy too."""
        if container.stdin < 0:
            return
        os.close(container.stdin)
        container.stdin = -1
        ended = ended_pipe()
        self._remember(container, [ended if pump.ended else pump.fd for pump in container.pumps])
        os.close(ended)

    def signal(self, container: Container, number: int, *, everything: bool) -> None:
        """Send a signal to the program, or to all it started; ended already is fine."""
        if not container.running:
            return
        with contextlib.suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                self.kill(container)
            elif everything:
                for pid in [container.program, *descendants(container.program)]:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)
            elif container.subreaper:
                os.kill(container.program, number)
            else:
                signal.pidfd_send_signal(container.pidfd, number)

    def kill(self, container: Container) -> None:
        """End everything the container started."""
        with contextlib.suppress(ProcessLookupError):
            if container.subreaper:
                kill_below(container.pid)
            elif container.running:
                signal.pidfd_send_signal(container.pidfd, signal.SIGKILL)

    def remove(self, container: Container, done: Callable[[], None]) -> None:
        """Kill if it runs, then forget; the log stays."""

        def ended() -> None:
            container.starting = False
            self._end_pumps(container)
            if container.exit is not None:
                self._forget(container)
            done()

        if container.running:
            self.kill(container)
        self._when_ended(container, ended)

    def mark_seen(self, key: Key) -> None:
        """The runtime has taken note of the exit."""
        container = self.by_key.get(key)
        if container is not None and not container.seen:
            container.seen = True
            self._remember(container)

    def restore(self, value: Value, fds: list[int], ended: Exit | None) -> None:
        """Take a container over from an earlier agent."""
        container = Container(value["spec"], value["directory"], Group(value["groups"], self._world.cgroups.version))
        container.pid, container.program = value["pid"], value["program"]
        container.subreaper, container.seen, container.exit = value["subreaper"], value["seen"], value["exit"]
        container.started_at, container.runtime_id = value["started_at"], value["runtime_id"]
        container.user = value.get("user")
        container.starting = False
        self.by_key[container.key] = container
        if container.exit is not None:
            container.ended = Exit(0, container.exit["finished_at"])
            return
        outputs = 1 if container.spec["tty"] else 2
        container.stdin = fds[outputs] if len(fds) > outputs else -1
        if ended is not None and ended.time < container.started_at:
            ended = None  # of an earlier process with the same number
        if ended is None:
            container.pidfd = os.pidfd_open(container.pid)
            self._world.watch(container.pid, lambda how: self._on_exit(container, how))
        self._pump(container, fds[:outputs])
        if ended is not None:
            self._on_exit(container, ended)

    def _when_ended(self, container: Container, callback: Callable[[], None]) -> None:
        if container.running:
            container.when_ended.append(callback)
        else:
            callback()

    def _forget(self, container: Container) -> None:
        self._close(container)
        if self.by_key.pop(container.key, None):
            self._world.records.drop(container.record_key)
        self._clean_up(container)

    def _clean_up(self, container: Container) -> None:
        container.group.remove()
        self._world.trash.discard(container.directory)

    def _close(self, container: Container) -> None:
        for fd in (container.pidfd, container.stdin):
            if fd >= 0:
                os.close(fd)
        container.pidfd = container.stdin = -1
        if container.log is not None and all(pump.ended for pump in container.pumps):
            container.log.close()
            container.log = None

    def _remember(self, container: Container, fds: list[int] | None = None) -> None:
        self._world.records.put(container.record_key, container.remembered(), fds)
