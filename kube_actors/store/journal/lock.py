"""One runtime per state: a lock that the kernel takes back when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from kube_actors.store.journal.errors import StateInUse


class StateLock:
    """Holds the lock file of a state until `release`. The file says the holder's pid and stays behind, unlocked."""

    def __init__(self, path: Path, state: Path) -> None:
        """Takes the lock file at `path` on behalf of `state`. Raises `StateInUse`, or OSError."""
        # flock, not fcntl's record locks: those let a second runtime in the same process through.
        # The descriptor is not inherited by programs we start, so what outlives us does not keep the lock.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _read_pid(descriptor)
            os.close(descriptor)
            raise StateInUse(state, holder) from None
        except BaseException:
            os.close(descriptor)
            raise
        os.fchmod(descriptor, 0o600)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Gives the lock back; twice is once."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def _read_pid(descriptor: int) -> int | None:
    text = os.pread(descriptor, 32, 0).strip()
    return int(text) if text.isdigit() else None
