"""Processes that are never mistaken for one another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from kube_actors.cli.processes import ProcessIdentity, boot_id, start_time


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that only waits."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def identity(pid: int) -> ProcessIdentity:
    """Of a process that runs."""
    started = start_time(pid)
    assert started is not None
    return ProcessIdentity(pid, boot_id(), started)


def test_ourselves() -> None:
    """We are alive, and who we say."""
    own = ProcessIdentity.own()
    assert own.pid == os.getpid()
    assert own.is_alive()


def test_end_waits_for_the_end(sleeper: subprocess.Popen[bytes]) -> None:
    """The signal is sent and its effect awaited."""
    found = identity(sleeper.pid)
    assert found.end(signal.SIGTERM, 60)
    assert sleeper.wait() == -signal.SIGTERM
    assert not found.is_alive()
    assert found.end(signal.SIGTERM, 0)


@pytest.mark.parametrize("changed", [{"started": 1}, {"boot": "another"}])
def test_a_recycled_pid_is_left_alone(sleeper: subprocess.Popen[bytes], changed: dict[str, Any]) -> None:
    """A process with the same pid that started at another time, or in another boot, gets no signal."""
    other = attrs.evolve(identity(sleeper.pid), **changed)
    assert not other.is_alive()
    assert other.end(signal.SIGKILL, 0)
    assert sleeper.poll() is None


def test_one_that_does_not_end() -> None:
    """Whoever ignores the signal is still there when time is up."""
    program = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert not identity(process.pid).end(signal.SIGTERM, 0.05)
        process.kill()


def test_a_zombie_is_dead(sleeper: subprocess.Popen[bytes]) -> None:
    """A process that ended and was not waited for is not alive."""
    found = identity(sleeper.pid)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not found.is_alive()
