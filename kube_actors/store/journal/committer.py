"""The process that writes the state file, as the journal sees it: groups of commits go in, how far it got comes out.

Waiting for the disk, SQLite's work and a thread that asks for the interpreter again and again took a third of what a
write costs; in a process of their own they take no time from anybody.
"""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import Any, Final

import trio

from kube_actors.interpreters import start_interpreter
from kube_actors.store.state_file.frames import Frames, frame

_PARENT: Final = Path(__file__).resolve().parent.parent
_RECEIVED: Final = 4096  # bytes of answers at a time


class Committer:
    """Started when it is made."""

    def __init__(self, *arguments: object) -> None:
        """`arguments` are those of `state_file.committer.main`. OSError when no process can be started."""
        ours, its = socket.socketpair()
        with its, contextlib.ExitStack() as unless_started:
            unless_started.enter_context(ours)
            self._process = start_interpreter("state_file.committer", _PARENT, its, *arguments)
            unless_started.pop_all()
        ours.setblocking(False)
        self._socket = ours
        self._left = memoryview(b"")
        self._received = Frames()

    @property
    def takes_more(self) -> bool:
        """Whether all that was sent is on its way."""
        return not self._left

    def send(self, group: tuple[Any, ...]) -> None:
        """Send a group (`Database.write`'s arguments), as much of it as goes without waiting; `flush` sends the rest.

        Only while it takes more. What is sent to one that has ended is lost; `receive` says so.
        """
        self._left = memoryview(frame(group))
        self._send_on()

    async def flush(self) -> None:
        """Return when all that was sent is on its way."""
        while self._left:
            await trio.lowlevel.wait_writable(self._socket)
            self._send_on()

    def _send_on(self) -> None:
        try:
            self._left = self._left[self._socket.send(self._left, socket.MSG_NOSIGNAL) :]
        except BlockingIOError:
            pass
        except OSError:  # it has ended, and `receive` will say so
            self._left = memoryview(b"")

    async def receive(self) -> list[tuple[int, int] | str] | None:
        """What it has answered since, `(through, reserved)`, or why it cannot go on; None when it has ended."""
        while True:
            try:
                data = self._socket.recv(_RECEIVED)
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self._socket)
            except OSError:
                return None
            else:
                return list(self._received.feed(data)) if data else None

    def finish(self) -> None:
        """Have it end when it has written what it was sent."""
        with contextlib.suppress(OSError):  # it has ended
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """End it where it is; one that has ended leaves nothing behind."""
        self._socket.close()
        self._process.kill()
        self._process.wait()
