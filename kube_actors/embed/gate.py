"""Virtual time passes only while somebody waits for the cluster.

Without this, a virtual clock would jump whenever nothing is runnable: through a whole day while the caller's own thread
computes, or while another task of a trio program waits for its network.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from kube_actors.kernel import ClusterClock


class Gate:
    """Holds a virtual clock except while it is open for at least one waiter; does nothing to a real one."""

    def __init__(self, clock: ClusterClock, *, virtual: bool) -> None:
        self._clock = clock
        self._virtual = virtual
        self._waiters = 0
        self._hold: AbstractContextManager[None] | None = None
        self._settle()

    @contextmanager
    def open(self) -> Iterator[None]:
        """Time may pass while the block lasts."""
        self._waiters += 1
        self._settle()
        try:
            yield
        finally:
            self._waiters -= 1
            self._settle()

    def _settle(self) -> None:
        held = self._virtual and not self._waiters
        if held and self._hold is None:
            self._hold = self._clock.hold()
            self._hold.__enter__()
        elif not held and self._hold is not None:
            self._hold.__exit__(None, None, None)
            self._hold = None
