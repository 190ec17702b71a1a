"""One command over the console's socket, from a program without an event loop: `kube-actors get pods`.

Input is read only when the command asks for it, so that a script's own input stays where it is. With `exec -t` the
terminal becomes the remote one's: every key goes there, and its size follows.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import socket
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from kube_actors.api.codecs import json
from kube_actors.console.protocol import CHUNK, input_line, line_of, output_of

INTERRUPTED = 130
BROKEN_PIPE = 141
_ID = 1


class Unreachable(Exception):
    """Nobody answers at the socket."""


def run_once(
    path: Path,
    argv: Sequence[str],
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    stderr: BinaryIO | None = None,
) -> int:
    """Run one command and answer its exit code: 130 when interrupted. Unreachable when no cluster answers at `path`.

    The streams are the process's own by default.
    """
    streams = _Streams(
        stdin if stdin is not None else sys.stdin.buffer,
        stdout if stdout is not None else sys.stdout.buffer,
        stderr if stderr is not None else sys.stderr.buffer,
    )
    with _connected(path) as connection:
        try:
            return _Conversation(connection, streams).run(argv)
        except KeyboardInterrupt:
            return INTERRUPTED
        except BrokenPipeError:
            streams.silence()
            return BROKEN_PIPE


@contextlib.contextmanager
def _connected(path: Path) -> Iterator[socket.socket]:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with connection:
        try:
            connection.connect(os.fspath(path))
        except OSError as error:
            raise Unreachable(f"no cluster answers at {path}: {error.strerror}") from error
        yield connection


class _Streams:
    """The process's own ends."""

    def __init__(self, stdin: BinaryIO, stdout: BinaryIO, stderr: BinaryIO) -> None:
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr

    @property
    def terminal(self) -> bool:
        """Whether output goes to a terminal."""
        return self.stdout.isatty()

    def write(self, name: str, data: bytes) -> None:
        """Print what the command printed."""
        stream = self.stderr if name == "stderr" else self.stdout
        stream.write(data)
        stream.flush()

    def silence(self) -> None:
        """Nobody reads any more: keep the interpreter from complaining when it flushes at its end."""
        with contextlib.suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.stdout.fileno())
            os.close(null)


class _Conversation:
    """A request and all that is said about it."""

    def __init__(self, connection: socket.socket, streams: _Streams) -> None:
        self._connection = connection
        self._streams = streams
        self._buffer = b""
        self._credit = 0
        self._selector = selectors.PollSelector()  # epoll takes no regular files
        self._reads_input = False
        self._raw = contextlib.ExitStack()

    def run(self, argv: Sequence[str]) -> int:
        """Ask, and pass everything on until the answer is complete."""
        request = {
            "id": _ID,
            "argv": list(argv),
            "tty": self._streams.terminal,
            "columns": shutil.get_terminal_size().columns,
            "directory": os.getcwd(),
        }
        self._connection.sendall(line_of(request))
        self._selector.register(self._connection, selectors.EVENT_READ, self._listen)
        with self._raw, self._selector:
            while True:
                for key, _ in self._selector.select():
                    react: Callable[[], int | None] = key.data
                    code = react()
                    if code is not None:
                        return code

    def _listen(self) -> int | None:
        data = self._connection.recv(CHUNK)
        if not data:
            self._streams.write("stderr", b"error: the connection to the cluster was lost\n")
            return 1
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            if not line.startswith(b"{"):  # there is no room for us
                self._streams.write("stderr", line + b"\n")
                return 1
            code = self._hear(json.loads_trusted(line))
            if code is not None:
                return code
        return None

    def _hear(self, said: dict[str, Any]) -> int | None:
        if "stream" in said:
            self._streams.write(said["stream"], output_of(said))
        elif "input" in said:
            self._credit += said["input"]
            self._want_input()
        elif "raw" in said:
            self._become_terminal()
        elif "exit" in said:
            return int(said["exit"])
        elif "error" in said:
            self._streams.write("stderr", f"error: {said['error']}\n".encode())
            return 2
        return None

    def _want_input(self) -> None:
        if not self._reads_input and self._credit > 0:
            self._reads_input = True
            self._selector.register(self._streams.stdin, selectors.EVENT_READ, self._pass_input)

    def _stop_input(self) -> None:
        self._selector.unregister(self._streams.stdin)
        self._reads_input = False

    def _pass_input(self) -> None:
        data = os.read(self._streams.stdin.fileno(), min(CHUNK, self._credit))
        if not data:
            self._stop_input()
            self._credit = -(1 << 62)  # whatever is still granted, there is no more
            self._say({"eof": True})
            return
        self._credit -= len(data)
        self._connection.sendall(input_line(_ID, data))
        if self._credit <= 0:
            self._stop_input()

    def _say(self, said: dict[str, Any]) -> None:
        self._connection.sendall(line_of({"id": _ID, **said}))

    def _become_terminal(self) -> None:
        """Keys go to the remote terminal one by one, and it learns of every change of size."""
        if not self._streams.stdin.isatty():
            return
        descriptor = self._streams.stdin.fileno()
        before = termios.tcgetattr(descriptor)
        self._raw.callback(termios.tcsetattr, descriptor, termios.TCSADRAIN, before)
        tty.setraw(descriptor)
        self._send_size()
        resized, notice = socket.socketpair()
        for each in (resized, notice):
            each.setblocking(False)
            self._raw.callback(each.close)
        wakeup = signal.set_wakeup_fd(notice.fileno(), warn_on_full_buffer=False)
        self._raw.callback(signal.set_wakeup_fd, wakeup)
        handler = signal.signal(signal.SIGWINCH, lambda *_: None)
        self._raw.callback(signal.signal, signal.SIGWINCH, handler)

        def follow_size() -> None:
            resized.recv(CHUNK)
            self._send_size()

        self._selector.register(resized, selectors.EVENT_READ, follow_size)

    def _send_size(self) -> None:
        with contextlib.suppress(OSError):
            size = os.get_terminal_size(self._streams.stdin.fileno())
            self._say({"resize": [size.lines, size.columns]})
