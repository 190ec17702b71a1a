"""What processes cost, from /proc; and a cluster run as a person runs it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measured import CannotMeasure

TICKS = os.sysconf("SC_CLK_TCK")
LONGEST_START = 120.0
LONGEST_END = 30.0


def cpu_seconds(pids: Sequence[int]) -> float:
    """Processor time these processes have used, their ended children left out."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def pss_mebibytes(pids: Sequence[int]) -> float:
    """Proportional set size of these processes together."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


@dataclass
class Run:
    """A runtime started by `kube-actors run`."""

    process: subprocess.Popen[bytes]
    home: Path
    began: float

    def record(self) -> dict[str, object] | None:
        """Its `runtime.json`, once there is one."""
        for path in self.home.glob("*/runtime.json"):
            with contextlib.suppress(OSError, ValueError):
                found: dict[str, object] = json.loads(path.read_text())
                return found
        return None

    def wait_for_console(self) -> float:
        """Seconds from the start until the console has answered a first command."""
        while self.seconds < LONGEST_START:
            record = self.record()
            if record is not None and _console_answers(str(record["console"])):
                return self.seconds
            if self.process.poll() is not None:
                raise CannotMeasure(f"kube-actors run ended with status {self.process.returncode}")
            time.sleep(0.002)
        raise CannotMeasure("the console did not answer")

    def wait_for_url(self) -> float:
        """Seconds from the start until the URL that `run` prints last was there; it is printed when it answers."""
        assert self.process.stdout is not None
        while self.seconds < LONGEST_START:
            if select.select([self.process.stdout], [], [], 1.0)[0]:
                line = self.process.stdout.readline()
                if line.startswith(b"http"):
                    return self.seconds
                if not line:
                    raise CannotMeasure(f"kube-actors run ended with status {self.process.wait()}")
        raise CannotMeasure("no URL was printed")

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self.began

    def helpers(self) -> list[int]:
        """The keeper and its agent: the first two processes whose errors go to this cluster's agent.log."""
        found = []
        for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
            with contextlib.suppress(OSError):
                errors = os.readlink(f"/proc/{pid}/fd/2")
                if errors.startswith(str(self.home)) and errors.endswith("agent.log"):
                    found.append(pid)
        return found[:2]


@contextlib.contextmanager
def kube_actors_run(
    file: Path,
    command: Sequence[str] = (sys.executable, "-m", "kube_actors", "run"),
    *,
    home: Path | None = None,
) -> Iterator[Run]:
    """Run a cluster, ended as Ctrl-C ends it. Its state is kept below `home`, or without one nowhere."""
    with contextlib.ExitStack() as stack:
        kept = [] if home is not None else ["--ephemeral"]
        if home is None:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kube-actors-bench-")))
        arguments = [*command, str(file), *kept, "--name", "bench", "--state-dir", str(home), "--no-input"]
        began = time.perf_counter()
        # Its errors are ours, so that a failure can be read.
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0)
        try:
            yield Run(process, home, began)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(LONGEST_END)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _console_answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as console, contextlib.suppress(OSError):
        console.settimeout(10)
        console.connect(path)
        console.sendall(b'{"id": 1, "argv": ["get", "nodes", "-o", "name"]}\n')
        told = b""
        while piece := console.recv(65536):
            told += piece
            if b'"exit"' in told:
                return True
    return False
