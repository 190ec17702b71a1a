"""A small parent that keeps together what one program started, where no pid namespace of its own does that.

Orphans below a subreaper become its children, so neither a double fork nor a new session gets out. Used for
containers that share processes (hostPID, shareProcessNamespace, tier C) and for every exec.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time

from . import syscalls
from .keeper import child_pids, end_children

_DIE_WITHIN = 1.0  # seconds


def supervise(program: int, *, end_rest: bool) -> None:
    """Wait for our child `program` and end as it did; with `end_rest` whatever else it left is killed before.

    Does not return. Everything but our process is given up: descriptors, the right to be inspected, the way to the
    machine's files.
    """
    os.closerange(0, os.sysconf("SC_OPEN_MAX"))
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
    status = 0
    while True:
        pid, ended = os.waitpid(-1, 0)
        if pid == program:
            status = ended
            break
    if end_rest:
        with contextlib.suppress(ChildProcessError):
            end_children()
    if os.WIFSIGNALED(status) and os.getpid() != 1:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def hold_pid_namespace() -> None:
    """First process of a pid namespace that several containers share: reaps orphans until killed. Does not return."""
    os.closerange(0, os.sysconf("SC_OPEN_MAX"))
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    while True:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        signal.sigwait({signal.SIGCHLD})


def descendants(pid: int) -> list[int]:
    """Every process below `pid`, parents first."""
    found = child_pids(pid)
    for child in found:
        found.extend(child_pids(child))
    return found


def kill_below(pid: int) -> None:
    """Kill everything below a subreaper until nothing is left there; new forks are found in the next round.

    What sleeps in the kernel (a file system that does not answer, a frozen group) ends when it wakes: it is waited for
    no longer than `_DIE_WITHIN`, as nobody else is served meanwhile.
    """
    deadline = time.monotonic() + _DIE_WITHIN
    killed: set[int] = set()
    while living := [child for child in descendants(pid) if not _is_ended(child)]:
        if killed.issuperset(living) and time.monotonic() > deadline:
            return
        for child in living:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        killed.update(living)


def _is_ended(pid: int) -> bool:
    """Whether it is a zombie, which its parent will reap, or gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True
