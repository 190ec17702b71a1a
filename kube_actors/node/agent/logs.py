"""Container output to a file, in the format of Kubernetes' container runtimes: `<time> stdout|stderr F|P <text>`.

The pump holds at most one unfinished line of 16 KiB per stream, whatever a container prints, and reads a bounded
amount per turn, so that a flood slows its own writer only.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable

from .loop import Loop, Timer
from .taps import Tap

LINE_LIMIT = 16 * 1024
_READ_SIZE = 64 * 1024
_FLUSH_AFTER = 0.05  # seconds until an unfinished line is written as a part


class LogFile:
    """An append-only log with rotation: `<path>.1` is the newest of the older files.

    A disk that takes no more loses lines, never the container; `lost` counts them.
    """

    def __init__(self, path: str, max_size: int, max_files: int) -> None:
        self._path, self._max_size, self._max_files = path, max_size, max_files
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        self._fd = _open(path)
        self._size = os.fstat(self._fd).st_size
        self.lost = 0

    def write(self, lines: bytes) -> None:
        """Append whole lines; they stay together in one file."""
        if self._size and self._size + len(lines) > self._max_size:
            self._rotate()
        view = memoryview(lines)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError:
            self.lost += lines.count(b"\n")
        self._size += len(lines)

    def _rotate(self) -> None:
        """Begin a new file; where there cannot be one, the log goes on in the file there is."""
        following = f"{self._path}.next"
        try:
            fd = _open(following)
        except OSError:
            return
        with contextlib.suppress(OSError):
            for number in range(self._max_files - 1, 0, -1):
                older = self._path if number == 1 else f"{self._path}.{number - 1}"
                if os.path.exists(older):
                    os.rename(older, f"{self._path}.{number}")
            os.rename(following, self._path)
        os.close(self._fd)
        self._fd, self._size = fd, 0

    def close(self) -> None:
        os.close(self._fd)


def _open(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


class LineWriter:
    """Cuts a stream into log records. Pure but for the time it stamps."""

    def __init__(self, stream: str, clock: Callable[[], int] = time.time_ns) -> None:
        self._stream = stream
        self._clock = clock
        self._rest = b""

    @property
    def unfinished(self) -> bool:
        """Whether part of a line waits for its end."""
        return bool(self._rest)

    def feed(self, data: bytes) -> bytes:
        """Records for what is complete; long lines come in parts of LINE_LIMIT."""
        full, part = self._prefixes()
        *lines, self._rest = (self._rest + data).split(b"\n")
        records: list[bytes] = []
        for line in lines:
            while len(line) > LINE_LIMIT:
                records += (part, line[:LINE_LIMIT], b"\n")
                line = line[LINE_LIMIT:]
            records += (full, line, b"\n")
        while len(self._rest) >= LINE_LIMIT:
            records += (part, self._rest[:LINE_LIMIT], b"\n")
            self._rest = self._rest[LINE_LIMIT:]
        return b"".join(records)

    def flush(self) -> bytes:
        """A record for what there is of an unfinished line: a part, also when the stream ends in the middle of one."""
        rest, self._rest = self._rest, b""
        return self._prefixes()[1] + rest + b"\n" if rest else b""

    def _prefixes(self) -> tuple[bytes, bytes]:
        now = self._clock()
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 10**9))
        head = f"{seconds}.{now % 10**9:09d}Z {self._stream} "
        return f"{head}F ".encode(), f"{head}P ".encode()


class LogPump:
    """Moves one stream of a container to its log, and to those who are attached. Owns the descriptor."""

    def __init__(self, loop: Loop, fd: int, stream: str, log: LogFile, on_end: Callable[[], None]) -> None:
        self._loop, self._fd, self._log, self._on_end = loop, fd, log, on_end
        self._lines = LineWriter(stream)
        self._timer: Timer | None = None
        self._taps: list[Tap] = []
        self._paused = False
        self.ended = False
        loop.add_reader(fd, self._readable)

    @property
    def fd(self) -> int:
        """What the container's output is read from; closed when `ended`."""
        return self._fd

    def attach(self, writing: int) -> None:
        """Copy to a pipe too what comes from now on; the pipe ends with the stream. Takes over the descriptor."""
        tap = Tap(self._loop, writing, self._taps_changed)
        if self.ended:
            tap.end()
        else:
            self._taps.append(tap)

    def _taps_changed(self) -> None:
        self._taps = [tap for tap in self._taps if not tap.closed]
        full = any(tap.full for tap in self._taps)
        if self.ended or full == self._paused:
            return
        self._paused = full
        if full:
            self._loop.remove_reader(self._fd)
        else:
            self._loop.add_reader(self._fd, self._readable)

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, _READ_SIZE)
        except BlockingIOError:
            return
        except OSError:  # a terminal whose last user has gone
            data = b""
        if not data:
            self.close()
            return
        if records := self._lines.feed(data):
            self._log.write(records)
        for tap in tuple(self._taps):
            tap.feed(data)
        self._taps_changed()
        if self._lines.unfinished and self._timer is None:
            self._timer = self._loop.call_later(_FLUSH_AFTER, self._flush)

    def _flush(self) -> None:
        self._timer = None
        if records := self._lines.flush():
            self._log.write(records)

    def drain(self) -> None:
        """Take what is there now, for a container whose output somebody else holds open."""
        for _ in range(16):
            if self.ended:
                return
            self._readable()

    def close(self) -> None:
        """End: write what is left, close, and say so."""
        if self.ended:
            return
        self.ended = True
        if self._timer is not None:
            self._timer.cancel()
        if records := self._lines.flush():
            self._log.write(records)
        self._loop.remove_reader(self._fd)
        os.close(self._fd)
        for tap in tuple(self._taps):
            tap.end()
        self._on_end()
