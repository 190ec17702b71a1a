"""Starting a program in a sandbox: the clone, and what the new process does until its program runs."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import resource
import signal
import socket
import sys
import termios
from typing import Any, NamedTuple

from . import credentials, syscalls
from .failures import Failure
from .network import Namespaces
from .rootfs import RootPlan, enter_root
from .subreaper import supervise

USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Program(NamedTuple):
    """What to execute, as whom and where. `env` holds text pairs; PATH, HOME and HOSTNAME are added when missing.

    `data_limit` is how many bytes of memory of its own each process may have, where no control group counts them all.
    """

    tier: str
    argv: list[str]
    env: list[list[str]]
    working_dir: str
    security: dict[str, Any]
    image_user: str
    search_path: str
    hostname: str
    tty: bool
    data_limit: int | None = None


class Stdio(NamedTuple):
    """The program's ends of its streams; None is /dev/null, and with a terminal all three are."""

    stdin: int | None
    stdout: int | None
    stderr: int | None


class Joined(NamedTuple):
    """A running container whose world an exec enters."""

    pidfd: int
    user_namespace: int | None


class Launch(NamedTuple):
    """A program and the world it starts in.

    `pid_namespace`: "own", "outer" (the agent's) or a descriptor of one to join. `root` None keeps the machine's files
    (tier C) or those of the joined container. `subreaper` puts a small parent above the program; `end_rest` then makes
    the program's end the end of all it started.
    """

    program: Program
    stdio: Stdio
    namespaces: Namespaces | None
    pid_namespace: str | int
    root: RootPlan | None = None
    join: Joined | None = None
    process_files: tuple[str, ...] = ()
    subreaper: bool = False
    end_rest: bool = True


class Child(NamedTuple):
    """What came of a clone: `report` brings lines that `Told` reads, perhaps a terminal, and its end when the program
    was executed."""

    pid: int
    pidfd: int
    report: socket.socket


class Told(NamedTuple):
    """What a new process told before its program was executed: who it runs as, and why it failed, if it did."""

    user: dict[str, Any] | None = None
    failure: Failure | None = None

    @classmethod
    def of(cls, report: bytes) -> Told:
        """Read all that came of a report."""
        told: dict[str, Any] = {}
        for line in report.split(b"\n"):
            told |= json.loads(line) if line else {}
        failure = Failure(told["reason"], told["message"]) if "reason" in told else None
        return cls(told.get("user"), failure)


def spawn(launch: Launch) -> Child:
    """Clone; returns at once in the agent, never in the child."""
    ours, theirs = socket.socketpair()
    if isinstance(launch.pid_namespace, int):
        pid, pidfd = _clone_into(launch.pid_namespace, launch, theirs)
    else:
        pid, pidfd = syscalls.clone_sibling(syscalls.NEWPID if launch.pid_namespace == "own" else 0)
        if pid == 0:
            _child(launch, theirs)
    theirs.close()
    ours.setblocking(False)
    return Child(pid, pidfd, ours)


def _clone_into(namespace: int, launch: Launch, report: socket.socket) -> tuple[int, int]:
    """Clone in another pid namespace, by way of a process that goes there for us: an unprivileged agent that went
    itself could not come back."""
    ours, theirs = socket.socketpair()
    pid, pidfd = syscalls.clone_sibling(0)
    if pid == 0:
        try:
            syscalls.setns(namespace, syscalls.NEWPID)
            inside, inside_fd = syscalls.clone_sibling(0)
            if inside == 0:
                _child(launch, report)
            socket.send_fds(theirs, [str(inside).encode()], [inside_fd])  # the number as seen from here
        except OSError as error:
            theirs.send(str(error).encode())
        finally:
            os._exit(0)
    os.close(pidfd)
    theirs.close()
    with ours:
        told, fds, _, _ = socket.recv_fds(ours, 4096, 1)
    if not fds:
        raise Failure("CreateContainerError", f"cannot join the pid namespace: {told.decode()}")
    return int(told), fds[0]


def _child(launch: Launch, report: socket.socket) -> None:
    """Everything between clone and exec. Never returns."""
    try:
        _clean_process()
        for path in launch.process_files:
            with open(path, "w") as file:
                file.write("0")
        if launch.subreaper:
            syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
            syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
            program = os.fork()
            if program:
                supervise(program, end_rest=launch.end_rest)
            os.setsid()
        _enter_world(launch)
        _execute(launch, report)
    except Failure as failure:
        _report(report, {"reason": failure.reason, "message": failure.message})
    except BaseException as error:
        _report(report, {"reason": "CreateContainerError", "message": f"failed to create containerd task: {error}"})
    finally:
        os._exit(127)


def _clean_process() -> None:
    """Nothing of ours but the descriptors, which close themselves on exec."""
    os.setsid()
    os.umask(0o022)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)


def _enter_world(launch: Launch) -> None:
    if launch.join is not None:
        flags = syscalls.NEWNS | syscalls.NEWNET | syscalls.NEWIPC | syscalls.NEWUTS | syscalls.NEWCGROUP
        syscalls.setns(launch.join.pidfd, flags)
    elif launch.namespaces is not None:
        launch.namespaces.join()
        syscalls.unshare(syscalls.NEWNS | syscalls.NEWCGROUP)
    if launch.root is not None:
        enter_root(launch.root)


def _execute(launch: Launch, report: socket.socket) -> None:
    program = launch.program
    who = credentials.identity(program.security, program.image_user)
    stdio = _terminal(report) if program.tty else launch.stdio
    _connect(stdio, who if program.tier == "A" else None)
    if program.tty:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    _change_directory(program.working_dir)
    environment = _environment(program, who)
    joined = launch.join.user_namespace if launch.join else None
    kept = credentials.capability_set(program.security)
    credentials.assume(who, kept, program.security, tier=program.tier, user_namespace=joined)
    groups = sorted({os.getgid(), *os.getgroups()})
    _report(report, {"user": {"uid": os.getuid(), "gid": os.getgid(), "groups": groups}})
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if program.data_limit is not None:
        with contextlib.suppress(ValueError, OSError):  # above a hard limit: that one is kept already
            resource.setrlimit(resource.RLIMIT_DATA, (program.data_limit, program.data_limit))
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    _exec(program.argv, environment)


def _terminal(report: socket.socket) -> Stdio:
    """A terminal of the container's own; its master goes to the agent."""
    master = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    fcntl.ioctl(master, 0x40045431, b"\0\0\0\0")  # TIOCSPTLCK: unlock
    slave = fcntl.ioctl(master, 0x5441, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)  # TIOCGPTPEER
    socket.send_fds(report, [b"\n"], [master])
    os.close(master)
    return Stdio(slave, slave, slave)


def _connect(stdio: Stdio, owner: credentials.Identity | None) -> None:
    """Put the streams at 0, 1 and 2; pipes become the user's, so that /dev/stdout can be opened again."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    sources = [fcntl.fcntl(null if fd is None else fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in stdio]
    for number, source in enumerate(sources):
        os.dup2(source, number)
        if owner and stdio[number] is not None:
            os.fchown(number, owner.uid, owner.gid)


def _change_directory(path: str) -> None:
    path = path or "/"
    try:
        os.makedirs(path, exist_ok=True)
        os.chdir(path)
    except OSError as error:
        raise Failure("CreateContainerError", f"working directory {path}: {error.strerror}") from error


def _environment(program: Program, who: credentials.Identity) -> dict[str, str]:
    defaults = {"PATH": program.search_path or USUAL_PATH, "HOSTNAME": program.hostname, "HOME": who.home}
    if program.tty:
        defaults["TERM"] = "xterm"
    return defaults | {name: value for name, value in program.env}


def _exec(argv: list[str], environment: dict[str, str]) -> None:
    """Execute, or fail in the words a container runtime uses."""
    name = argv[0]
    path = name if "/" in name else _find(name, environment.get("PATH", USUAL_PATH))
    try:
        os.execve(path, argv, environment)
    except OSError as error:
        if error.errno == errno.ENOENT and not os.path.lexists(path):
            why = f"stat {path}: no such file or directory"
        else:
            why = (error.strerror or "cannot be executed").lower()
        raise Failure("StartError", f'exec: "{name}": {why}') from error


def _find(name: str, search: str) -> str:
    denied = False
    for directory in search.split(":"):
        path = os.path.join(directory or ".", name)
        if os.path.isfile(path):
            if os.access(path, os.X_OK):
                return path
            denied = True
    why = "permission denied" if denied else "executable file not found in $PATH"
    raise Failure("StartError", f'exec: "{name}": {why}')


def _report(report: socket.socket, message: dict[str, Any]) -> None:
    try:
        report.setblocking(True)
        report.sendall(json.dumps(message).encode() + b"\n")
    except OSError as error:
        print(f"agent: a new container could not tell {message}: {error}", file=sys.stderr)
