"""Processes named so that a recycled pid is never taken for the one that was meant."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path

from kube_actors.records import frozen


def boot_id() -> str:
    """The kernel's id of this boot of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None when there is no such process, or it is a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the name before may hold spaces and brackets
    return None if fields[0] in "ZX" else int(fields[19])


@frozen
class ProcessIdentity:
    """One process of one boot."""

    pid: int
    boot: str
    started: int

    @classmethod
    def own(cls) -> ProcessIdentity:
        """This process."""
        started = start_time(os.getpid())
        assert started is not None, "we run"
        return cls(os.getpid(), boot_id(), started)

    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self.boot == boot_id() and start_time(self.pid) == self.started

    @contextlib.contextmanager
    def held(self) -> Iterator[int | None]:
        """A descriptor that stays this process's whatever becomes of the pid; None when it has ended."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            yield None
            return
        try:
            # Only now is the answer final: the descriptor names whoever had the pid when it was opened.
            yield descriptor if self.is_alive() else None
        finally:
            os.close(descriptor)

    def end(self, number: signal.Signals, within: float) -> bool:
        """Send a signal and wait at most `within` seconds for the end. True when it has ended.

        Raises PermissionError for another user's process.
        """
        with self.held() as descriptor:
            if descriptor is None:
                return True
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, number)
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            return bool(poll.poll(within * 1000))
