"""Running the command line as a person does: in a process of its own, with a state directory of its own."""

from __future__ import annotations

import contextlib
import io
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from kube_actors.cli import main
from kube_actors.records import frozen

PATIENCE = 90.0
"""Seconds; how long a busy machine may take for anything here."""


@frozen
class Done:
    """How a command ended and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()


@frozen
class Place:
    """A directory for the states of clusters, and one for files."""

    home: Path
    files: Path

    def file(self, text: str, name: str = "cluster.yaml") -> str:
        """Write a file and answer its path."""
        path = self.files / name
        path.write_text(text)
        return str(path)

    @property
    def environment(self) -> dict[str, str]:
        """A process's environment in which this is the place for state."""
        root = str(Path(__file__).parent.parent.parent)
        kept = {key: value for key, value in os.environ.items() if not key.startswith("KUBE_ACTORS")}
        return {**kept, "XDG_STATE_HOME": str(self.home.parent), "PYTHONPATH": root}

    def call(self, *arguments: str, stdin: str = "") -> Done:
        """Run a command to its end, in this process: for those that have no process-wide effects."""
        streams = [io.TextIOWrapper(io.BytesIO(data), encoding="utf-8") for data in (stdin.encode(), b"", b"")]
        before = sys.stdin, sys.stdout, sys.stderr
        sys.stdin, sys.stdout, sys.stderr = streams
        try:
            status = main.run(arguments)
        finally:
            sys.stdin, sys.stdout, sys.stderr = before
        stdout, stderr = (_written(stream) for stream in streams[1:])
        return Done(status, stdout, stderr)

    def call_apart(self, *arguments: str, **environment: str) -> Done:
        """Run a command to its end, in a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "kube_actors", *arguments],
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE * 2,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    @contextlib.contextmanager
    def start(self, *arguments: str, ignoring: tuple[signal.Signals, ...] = ()) -> Iterator[Running]:
        """Run a command in the background; killed at the end if it still runs then."""

        def ignore() -> None:
            for number in ignoring:
                signal.signal(number, signal.SIG_IGN)

        process = subprocess.Popen(
            [sys.executable, "-m", "kube_actors", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=ignore,
        )
        running = Running(process)
        try:
            yield running.begin()
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            running.join()


class Running:
    """A command under way. `lines` collects its stdout, `errors` its stderr."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self.errors: list[str] = []
        self._new: queue.Queue[None] = queue.Queue()
        self._threads = [
            threading.Thread(target=self._collect, args=(process.stdout, self.lines)),
            threading.Thread(target=self._collect, args=(process.stderr, self.errors)),
        ]

    def begin(self) -> Self:
        """Begin to collect."""
        for thread in self._threads:
            thread.start()
        return self

    def join(self) -> None:
        """All output has been collected."""
        for thread in self._threads:
            thread.join()

    def _collect(self, stream: Iterator[str], lines: list[str]) -> None:
        for line in stream:
            lines.append(line.rstrip("\n"))
            self._new.put(None)

    def wait_for(self, word: str) -> str:
        """The first line of stdout or stderr with this word, once it is there."""
        deadline = time.monotonic() + PATIENCE
        while True:
            for line in (*self.lines, *self.errors):
                if word in line:
                    return line
            assert time.monotonic() < deadline, f"{word!r} did not come: {self.lines} {self.errors}"
            assert self.process.poll() is None or self._threads[0].is_alive() or self._threads[1].is_alive(), (
                f"ended before {word!r}: {self.lines} {self.errors}"
            )
            with contextlib.suppress(queue.Empty):
                self._new.get(timeout=0.1)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and answer the exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)
