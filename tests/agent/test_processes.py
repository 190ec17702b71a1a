"""Finding and ending what a process has started."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kube_actors.node.agent.subreaper import descendants, kill_below

FREEZER = Path("/sys/fs/cgroup/freezer")
STARTS_IN_THREADS = """
import os, subprocess, threading, time

def start():
    child = subprocess.Popen(["sleep", "100"])
    os.write(1, b"%d\\n" % child.pid)  # at once, as both do so
    time.sleep(100)

for _ in range(2):
    threading.Thread(target=start).start()
"""


@pytest.fixture
def parent() -> Iterator[tuple[int, set[int]]]:
    """A process with threads, and the processes that these have started."""
    with subprocess.Popen([sys.executable, "-c", STARTS_IN_THREADS], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.pid, {int(process.stdout.readline()) for _ in range(2)}
        finally:
            process.kill()


@pytest.fixture
def frozen_group() -> Iterator[Path]:
    """A control group whose processes do not run, not even to end."""
    group = FREEZER / f"kube-actors-test-{os.getpid()}"
    if not os.access(FREEZER, os.W_OK):
        pytest.skip("no freezer here that holds off SIGKILL (control groups version 1)")
    group.mkdir()
    (group / "freezer.state").write_text("FROZEN")
    yield group
    (group / "freezer.state").write_text("THAWED")
    while (group / "cgroup.procs").read_text():
        time.sleep(0.01)
    group.rmdir()


def state(pid: int) -> str:
    """The letter of its state."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_what_threads_start_is_found_and_ended(parent: tuple[int, set[int]]) -> None:
    """A child belongs to its parent whichever thread made it."""
    pid, children = parent
    assert set(descendants(pid)) == children
    kill_below(pid)
    assert {state(child) for child in children} == {"Z"}


@pytest.mark.timeout(20)
def test_what_sleeps_in_the_kernel_is_not_waited_for(parent: tuple[int, set[int]], frozen_group: Path) -> None:
    """Others are ended; it ends when it wakes."""
    pid, (sleeper, other) = parent
    (frozen_group / "cgroup.procs").write_text(str(sleeper))
    kill_below(pid)
    assert [state(child) for child in (sleeper, other)] == ["D", "Z"]
