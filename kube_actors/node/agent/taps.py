"""Copies of a container's output for those who are attached to it, beside its log.

A client that does not read holds the container up, as with any terminal; one that takes nothing for `LET_GO_AFTER`
seconds is let go, so that the container and its log go on without it.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from .loop import Loop, Timer

LET_GO_AFTER = 10.0


class Tap:
    """One client's copy of one stream: the writing end of a pipe. Owns the descriptor.

    `changed` is called when there is room again and when the client has gone.
    """

    def __init__(self, loop: Loop, writing: int, changed: Callable[[], None]) -> None:
        os.set_blocking(writing, False)
        self._loop, self._fd, self._changed = loop, writing, changed
        self._pending = b""
        self._timer: Timer | None = None
        self._ending = False
        self.closed = False
        loop.add_reader(writing, self.close)  # a writing end is never readable: the client has closed its own

    @property
    def full(self) -> bool:
        """Whether the client has to read before there may be more."""
        return bool(self._pending)

    def feed(self, data: bytes) -> None:
        """Pass on what the container printed."""
        if not self.closed:
            self._pending += data
            self._flush()

    def end(self) -> None:
        """There is no more; what waits is still handed over."""
        self._ending = True
        if not self._pending:
            self.close()

    def _flush(self) -> None:
        try:
            written = os.write(self._fd, self._pending)
        except BlockingIOError:
            written = 0
        except OSError:
            self.close()
            return
        self._pending = self._pending[written:]
        if self._timer is not None and written:
            self._timer.cancel()
            self._timer = None
        if self._pending:
            self._loop.want_write(self._fd, self._flush)
            self._timer = self._timer or self._loop.call_later(LET_GO_AFTER, self.close)
        elif self._ending:
            self.close()
        else:
            self._loop.want_write(self._fd, None)
            self._changed()

    def close(self) -> None:
        """Let the client go."""
        if self.closed:
            return
        self.closed, self._pending = True, b""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._fd)
        os.close(self._fd)
        self._changed()
