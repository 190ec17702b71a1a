"""Entry of the keeper's process: become a daemon, find the tier, enter its namespaces, serve.

Run as `python -I -S -c "..."` with this package's parent directory on the path and a SOCK_SEQPACKET socket as stdin:
its one message is the settings, and brings the descriptors that the keeper is to hold. The process that was started
ends with 0 when the agent serves, or when nobody is left to send settings, else with 1 and the reason on stderr.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import signal
import socket
import sys
import traceback

from . import cgroups, syscalls
from .agent import Agent
from .keeper import Inheritance, Keeper, Record, become_keeper, end_children
from .probe import Probe, enter, probe, remove_tree
from .settings import Settings, read_first

_READY = b"ok"
_LONGEST_SETTINGS = 65_536
_MOST_HELD = 16


def main() -> None:
    """Never returns."""
    settings = _settings()
    if settings is None:
        os._exit(0)
    _forget_caller()
    reading, writing = os.pipe2(os.O_CLOEXEC)
    if os.fork() == 0:
        os.close(reading)
        os.setsid()
        _serve(settings, writing)
    os.close(writing)
    with open(reading, "rb") as file:
        told = file.read()
    if told != _READY:
        sys.stderr.write(told.decode(errors="replace") or "the agent died at start; see agent.log\n")
        sys.stderr.flush()
    os._exit(0 if told == _READY else 1)


def _settings() -> Settings | None:
    """Wait for them. The descriptors that come along are never closed: they are held by being open."""
    with socket.socket(fileno=os.dup(0)) as told:
        text, _, _, _ = socket.recv_fds(told, _LONGEST_SETTINGS, _MOST_HELD)
    return Settings.parse(text.decode()) if text else None


def _forget_caller() -> None:
    """Nothing of whoever started us: signals, umask, directory, environment, limits."""
    os.umask(0o022)  # all of ours lies in a private directory, and containers' files are for their users
    os.chdir("/")
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
    for internal in syscalls.INTERNAL_SIGNALS:
        syscalls.reset_signal(internal)
    os.environ.clear()
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the listing's own is closed already
            if int(name) > 2:
                os.set_inheritable(int(name), False)  # what we were given to hold is not for containers
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _serve(settings: Settings, ready: int) -> None:
    """In the daemon: the keeper, and in its forks the agents."""
    code = 1
    try:
        _log_to(settings.directory)
        become_keeper()
        found, listener, records = _prepare(settings)
        inherited = Keeper(records, ready).run()
        if inherited is None:
            end_children()
        else:
            _be_agent(settings, found, listener, inherited, ready)
        code = 0
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.write(ready, f"{error}\n".encode())
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _be_agent(settings: Settings, found: Probe, listener: socket.socket, inherited: Inheritance, ready: int) -> None:
    """Serve as agent; one that cannot even start the first time ends for good, telling why."""
    try:
        agent = Agent(settings, found, listener, inherited)
    except Exception as error:  # whatever it is, the runtime waits to hear why there will be no agent
        if not inherited.first:
            raise
        traceback.print_exc()
        os.write(ready, f"{error}\n".encode())
        return
    if inherited.first:
        os.write(ready, _READY)
        os.close(ready)
    gc.freeze()  # what is here now is never garbage; children share its pages
    agent.run()


def _prepare(settings: Settings) -> tuple[Probe, socket.socket, dict[str, Record]]:
    """Clean up after a dead cluster, then find the tier and enter it."""
    for path in (settings.pods, settings.memory, os.path.join(settings.directory, "trash"), settings.socket):
        remove_tree(path)
    os.makedirs(settings.directory, mode=0o700, exist_ok=True)
    os.chmod(settings.directory, 0o700)
    for path in (settings.memory, settings.pods):
        os.makedirs(path, exist_ok=True)
    stale = cgroups.find_hierarchies(settings.cluster_id, read_first("/proc/self/mountinfo"),
                                     read_first("/proc/self/cgroup"))  # fmt: skip
    for base in set(stale.bases.values()):
        cgroups.remove_groups(base)
    listener = _listen(settings)
    machine = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    found = probe(settings)
    enter(found.tier)
    if found.tier != "C":
        flags = syscalls.MS_NOSUID | syscalls.MS_NODEV
        syscalls.mount("tmpfs", settings.memory, "tmpfs", flags, "mode=711")
    return found, listener, {"machine": Record({"probe": json.dumps(found.steps)}, [machine])}


def _listen(settings: Settings) -> socket.socket:
    """The agent's socket; its directory is private, and a long path is reached through a descriptor of it."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    directory = os.open(settings.directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    listener.bind(f"/proc/self/fd/{directory}/{os.path.basename(settings.socket)}")
    os.close(directory)
    os.chmod(settings.socket, 0o600)
    listener.listen(16)
    return listener


def _log_to(directory: str) -> None:
    """stderr goes to agent.log, stdin and stdout nowhere."""
    null = os.open(os.devnull, os.O_RDWR)
    log = os.open(os.path.join(directory, "agent.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for target, source in ((0, null), (1, null), (2, log)):
        os.dup2(source, target)
    for fd in (null, log):
        if fd > 2:
            os.close(fd)
