"""Pods that run on when their runtime was killed: found, named, and ended by a person."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from .running import PATIENCE, Place

KEPT = """\
apiVersion: kube-actors.dev/v1alpha1
kind: Cluster
metadata: {name: kept}
spec:
  nodes: [{name: node, runtime: process}]
  onRuntimeExit: keep
---
apiVersion: v1
kind: Pod
metadata: {name: marked}
spec:
  containers: [{name: main, image: host, command: [sleep, "86399.%d"]}]
"""


def sleepers(mark: int) -> list[int]:
    """The processes that this pod's container is."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if (entry / "cmdline").read_bytes() == f"sleep\086399.{mark}\0".encode():
                found.append(int(entry.name))
        except (OSError, ValueError):
            continue
    return found


def test_what_a_killed_runtime_leaves_can_be_ended(place: Place) -> None:
    """`status` and `doctor` name it, `reset` ends it and deletes its state, also of an ephemeral cluster."""
    mark = os.getpid()
    with place.start("run", "--ephemeral", place.file(KEPT % mark)) as running:
        running.wait_for("ready in")
        assert running.end(signal.SIGKILL) == -signal.SIGKILL
    assert sleepers(mark)
    (name,) = (each.name for each in place.home.iterdir())
    assert f"pods of {name} run on without their runtime" in place.call("doctor").stdout
    told = place.call("status")
    assert told.returncode == 1
    assert f"to end them: kube-actors reset --name {name}" in told.stderr
    assert place.call("reset", "--name", name, "--yes").stdout == f"reset {name}\n"
    assert not (place.home / name).exists()
    deadline = time.monotonic() + PATIENCE
    while sleepers(mark):
        assert time.monotonic() < deadline, "the pod runs on after the reset"
        time.sleep(0.05)


def test_a_stop_says_that_pods_run_on(place: Place) -> None:
    """In order, as the cluster file asks for; a reset ends them."""
    mark = os.getpid() + 1
    with place.start("run", place.file(KEPT % mark)) as running:
        running.wait_for("ready in")
        assert "its pods run on (to end them: kube-actors reset --name kept)" in place.call("stop").stdout
        assert running.process.wait(PATIENCE) == 0
    assert sleepers(mark)
    assert place.call("reset", "--yes").stdout == "reset kept\n"
    assert sleepers(mark) == []
