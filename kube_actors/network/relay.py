"""Moves bytes between pairs of connected sockets, all pairs in one task.

A task per direction costs an epoll_ctl and a turn of the scheduler for every read. The relay keeps an epoll set of its
own with standing registrations and lets trio wait for that set alone, so a message costs one recv and one send.
"""

from __future__ import annotations

import contextlib
import fcntl
import select
import socket
import struct
import sys
import termios
import time
from collections.abc import Callable

import trio

_CHUNK = 256 * 1024
_EVENTS = 128
_STRETCH = 0.002
"""Seconds the relay works before it lets other tasks run."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class _End:
    """One of a pair's two sockets.

    `unsent` waits to be written to it; `finished` means nothing more is read from it; `shut` that its output is closed.
    `mask` is what the epoll set watches it for, None while it is not in the set.
    """

    __slots__ = ("finished", "mask", "pair", "peer", "shut", "sock", "unsent")

    def __init__(self, sock: socket.socket, pair: Pair) -> None:
        self.sock = sock
        self.pair = pair
        self.peer: _End = self
        self.unsent = b""
        self.finished = False
        self.shut = False
        self.mask: int | None = None


class Pair:
    """Two sockets that are one connection; `on_end` is called once, when both are closed."""

    __slots__ = ("broken", "ended", "ends", "on_end")

    def __init__(self, one: socket.socket, other: socket.socket, on_end: Callable[[], None]) -> None:
        self.ends = (_End(one, self), _End(other, self))
        self.ends[0].peer, self.ends[1].peer = self.ends[1], self.ends[0]
        self.on_end = on_end
        self.broken = False
        self.ended = False


class Relay:
    """Carries what `join` gives it while `run` runs.

    End of input on one side becomes end of output on the other, and the other direction goes on. A side that no longer
    takes bytes stops the reading of its peer's. A reset is passed on as a reset, after what was read before it.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._ends: dict[int, _End] = {}
        self._buffer = memoryview(bytearray(_CHUNK))
        self._stopped = False

    def join(self, one: socket.socket, other: socket.socket, on_end: Callable[[], None]) -> Pair:
        """Take over two connected, non-blocking sockets. They are reset at once when `run` has ended."""
        pair = Pair(one, other, on_end)
        if self._stopped:
            self.abort(pair)
            return pair
        for end in pair.ends:
            self._ends[end.sock.fileno()] = end
            self._watch(end)
        return pair

    def abort(self, pair: Pair) -> None:
        """Reset both sides now; nothing when the pair has ended."""
        pair.broken = True
        self._close(pair)

    async def run(self) -> None:
        """Until cancelled; then every pair is reset."""
        try:
            while True:
                await trio.lowlevel.wait_readable(self._epoll.fileno())
                self._work(time.perf_counter() + _STRETCH)
        finally:
            self._stopped = True
            for end in tuple(self._ends.values()):
                self.abort(end.pair)
            self._epoll.close()

    def _work(self, until: float) -> None:
        while events := self._epoll.poll(0, _EVENTS):
            for descriptor, mask in events:
                end = self._ends.get(descriptor)
                if end is not None and end.mask is not None:
                    self._ready(end, end.mask, mask)
            if time.perf_counter() > until:
                return

    def _ready(self, end: _End, watched: int, mask: int) -> None:
        if mask & select.EPOLLOUT and end.unsent:
            self._write(end, end.unsent)
            self._settle(end.pair)
        if end.pair.ended:
            return
        if watched & select.EPOLLIN:
            if mask & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
                self._read(end)
        elif mask & (select.EPOLLHUP | select.EPOLLERR):
            self._lost(end)

    def _read(self, end: _End) -> None:
        try:
            count = end.sock.recv_into(self._buffer)
        except BlockingIOError:
            return
        except OSError:
            self._lost(end)
            return
        if count:
            self._write(end.peer, self._buffer[:count])
            if end.peer.unsent or end.finished:
                self._settle(end.pair)
        else:
            end.finished = True
            self._settle(end.pair)

    def _write(self, end: _End, data: memoryview | bytes) -> None:
        """Send; keep what does not fit. A side that refuses bytes may still have some for us, so only this way ends."""
        try:
            sent = end.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            end.unsent = b""
            end.peer.finished = True
            return
        end.unsent = bytes(data[sent:]) if sent < len(data) else b""

    def _lost(self, end: _End) -> None:
        """The connection on this side is reset: nothing more comes or goes there; its peer gets what came before."""
        end.unsent = b""
        end.finished = end.peer.finished = True
        end.pair.broken = True
        self._settle(end.pair)

    def _settle(self, pair: Pair) -> None:
        """After a change of state: see whether all is done, pass an end of input on, wait for what is left."""
        if all(end.finished and not end.unsent for end in pair.ends):
            self._close(pair)
            return
        for end in pair.ends:
            if end.peer.finished and not end.unsent and not end.shut and not pair.broken:
                end.shut = True
                with contextlib.suppress(OSError):
                    end.sock.shutdown(socket.SHUT_WR)
            self._watch(end)

    def _watch(self, end: _End) -> None:
        """Tell the epoll set what this side waits for.

        A side that only finished stays in the set: a hang-up there says that its program is gone for good. A side
        paused for a slow peer leaves it, since its hang-up would fire over and over before it may be read.
        """
        reading = not end.finished and not end.peer.unsent
        mask = (select.EPOLLIN if reading else 0) | (select.EPOLLOUT if end.unsent else 0)
        wanted = mask if mask or (end.finished and not end.peer.finished) else None
        if wanted == end.mask:
            return
        descriptor = end.sock.fileno()
        if wanted is None:
            self._epoll.unregister(descriptor)
        elif end.mask is None:
            self._epoll.register(descriptor, wanted)
        else:
            self._epoll.modify(descriptor, wanted)
        end.mask = wanted

    def _close(self, pair: Pair) -> None:
        if pair.ended:
            return
        pair.ended = True
        for end in pair.ends:
            self._ends.pop(end.sock.fileno(), None)
            if end.mask is not None:
                self._epoll.unregister(end.sock.fileno())
            if pair.broken:
                reset_on_close(end.sock)
            end.sock.close()
        pair.on_end()


def reset_on_close(sock: socket.socket) -> None:
    """Make close() send a reset, so that the other side sees a broken connection and not a proper end.

    Not while the kernel still holds bytes for it: a reset would throw away an answer that is on its way.
    """
    with contextlib.suppress(OSError):
        unsent = int.from_bytes(fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0" * 4), sys.byteorder)
        if not unsent:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
