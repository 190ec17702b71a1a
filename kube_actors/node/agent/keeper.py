"""The keeper: parent of every container, memory of the agent.

It holds what must not be lost when the agent dies (namespaces, the reading ends of log pipes, exit codes) and forks
the agent again from its own image, which hands everything over by inheritance. It decides nothing else. When the agent
ends on purpose (exit code 0), or cannot even start, the keeper takes everything down and ends.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import time
from typing import NamedTuple

from . import syscalls
from .protocol import Channel, Frame
from .settings import Value

_RESTART_DELAYS = (0.0, 0.05, 0.2, 1.0, 5.0)
_FORGET_FAILURES_AFTER = 10.0
_UNKNOWN_EXITS = 4096
_FLUSH_INTERVAL = 0.02


class Record(NamedTuple):
    """Something the agent wants back after a restart."""

    value: Value
    fds: list[int]


class Exit(NamedTuple):
    """How a child ended: wait(2) status, and when (machine epoch seconds)."""

    status: int
    time: float


class Inheritance(NamedTuple):
    """What an agent starts with."""

    channel: Channel
    records: dict[str, Record]
    exits: dict[int, Exit]
    first: bool


class Keeper:
    """One keeper per cluster. `run` returns in the keeper when all is over, and in each forked agent with what it
    inherits."""

    def __init__(self, records: dict[str, Record], ready: int) -> None:
        """`ready` is a descriptor for the first agent alone."""
        self._records = records
        self._ready = ready
        self._exits: dict[int, Exit] = {}
        self._agent = 0
        self._channel: Channel | None = None
        self._failures = 0
        self._started = 0.0
        self._restart_at: float | None = None
        self._wake, self._signalled = socket.socketpair()
        self._poll = select.epoll()

    def run(self) -> Inheritance | None:
        """Serve until the agent is done."""
        self._wake.setblocking(False)
        self._signalled.setblocking(False)
        signal.set_wakeup_fd(self._signalled.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self._poll.register(self._wake, select.EPOLLIN)
        if inheritance := self._fork_agent(first=True):
            return inheritance
        os.close(self._ready)
        while True:
            for fd, _ in self._poll.poll(self._wait()):
                if fd == self._wake.fileno():
                    if signal.SIGTERM in self._wake.recv(4096) and self._channel:
                        self._tell({"op": "end"})
                elif self._channel and fd == self._channel.fileno():
                    self._serve()
            if self._channel and self._channel.pending:
                self._flush()
            if self._reap():
                return None
            if self._restart_at is not None and time.monotonic() >= self._restart_at:
                self._restart_at = None
                if inheritance := self._fork_agent(first=False):
                    return inheritance

    def _wait(self) -> float:
        if self._channel and self._channel.pending:
            return _FLUSH_INTERVAL
        return -1 if self._restart_at is None else max(0.0, self._restart_at - time.monotonic())

    def _fork_agent(self, *, first: bool) -> Inheritance | None:
        ours, theirs = socket.socketpair()
        self._started = time.monotonic()
        pid = os.fork()
        if pid == 0:
            ours.close()
            self._leave()
            return Inheritance(Channel(theirs), self._records, self._exits, first)
        theirs.close()
        self._agent, self._channel = pid, Channel(ours)
        self._poll.register(ours, select.EPOLLIN)
        return None

    def _leave(self) -> None:
        """In the forked agent: let go of what is the keeper's alone."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self._poll.close()
        self._wake.close()
        self._signalled.close()
        if self._channel:
            self._channel.close()

    def _serve(self) -> None:
        assert self._channel is not None
        frames = self._channel.receive()
        if frames is None:
            self._close_channel()
            return
        for frame, fds in frames:
            if frame["op"] == "put":
                old = self._records.get(frame["key"])
                if frame["fds"] and old is not None:
                    _close_all(old.fds)
                self._records[frame["key"]] = Record(frame["value"], fds if frame["fds"] or old is None else old.fds)
            elif frame["op"] == "drop" and (record := self._records.pop(frame["key"], None)):
                _close_all(record.fds)
                self._exits.pop(record.value.get("pid", 0), None)

    def _close_channel(self) -> None:
        if self._channel is not None:
            self._poll.unregister(self._channel.fileno())
            self._channel.close()
            self._channel = None

    def _reap(self) -> bool:
        """Collect every ended child; True when the agent has ended for good."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return False
            if pid == self._agent:
                if self._channel:
                    self._serve()
                self._close_channel()
                if self._agent_ended(status):
                    return True
                continue
            self._exits[pid] = Exit(status, time.time())
            if len(self._exits) > _UNKNOWN_EXITS + len(self._records):
                self._exits.pop(next(iter(self._exits)))
            self._tell({"op": "exit", "pid": pid, "status": status, "time": self._exits[pid].time})

    def _tell(self, frame: Frame) -> None:
        if self._channel is not None:
            with contextlib.suppress(ConnectionError):  # the agent has died: its exit comes next
                self._channel.send(frame)

    def _flush(self) -> None:
        if self._channel is not None:
            with contextlib.suppress(ConnectionError):
                self._channel.flush()

    def _agent_ended(self, status: int) -> bool:
        if os.waitstatus_to_exitcode(status) == 0:
            end_children()
            return True
        lived = time.monotonic() - self._started
        self._failures = 0 if lived > _FORGET_FAILURES_AFTER else self._failures + 1
        delay = _RESTART_DELAYS[min(max(self._failures - 1, 0), len(_RESTART_DELAYS) - 1)]
        print(f"keeper: the agent ended with status {status}; starting it again in {delay} s", file=sys.stderr)
        sys.stderr.flush()
        self._restart_at = time.monotonic() + delay
        return False


def end_children() -> None:
    """Kill every child, and those that come to us when their parents end, until there is none."""
    while children := _own_children():
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _own_children() -> list[int]:
    """Our children as we number them: who has joined another pid namespace finds other numbers in /proc."""
    with open("/proc/thread-self/children") as file:
        children = file.read().split()
    level = len(_numbers("self")) - 1
    return [_numbers(child)[level] for child in children]


def _numbers(process: str) -> list[int]:
    """The numbers of a process in the namespaces it is in: that of /proc first, its own last."""
    with open(f"/proc/{process}/status") as file:
        line = next(line for line in file if line.startswith("NSpid:"))
    return [int(word) for word in line.split()[1:]]


def child_pids(pid: int) -> list[int]:
    """The processes whose parent is `pid`, whichever of its threads made them; none when it is gone."""
    children: list[int] = []
    gone = (FileNotFoundError, ProcessLookupError)  # it has no children then: they have another parent
    with contextlib.suppress(*gone):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(*gone), open(f"/proc/{pid}/task/{thread}/children") as file:
                children += (int(word) for word in file.read().split())
    return children


def become_keeper() -> None:
    """Make orphans below us our children, and end them with us."""
    syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)


def _close_all(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)
