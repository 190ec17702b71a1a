"""Logs of pods that no longer exist are taken away a while after them, as a kubelet's garbage collection does."""

from __future__ import annotations

import os
import shutil
from collections.abc import Container, Iterable
from pathlib import Path

import trio

from kube_actors.actors.control_plane import ControlPlane
from kube_actors.store import Commit

KEPT_SECONDS = 60.0
"""How long the first deletion waits for others to be dealt with at once: the period of the kubelet's collection."""


async def collect_logs(plane: ControlPlane, logs: Path) -> None:
    """Remove what is left of pods that are neither stored nor still ending on a node, for as long as the cluster runs.

    Asleep while no pod is deleted.
    """
    deleted = trio.Event()

    def committed(commit: Commit) -> None:
        if commit.kind == "deleted":
            deleted.set()

    unsubscribe = plane.store.subscribe(committed, "pods")
    try:
        while True:
            found = await trio.to_thread.run_sync(log_directories, logs)
            # Asked afterwards: a pod that came meanwhile is known, and its logs are not among those found.
            known = {revision.uid for revision in plane.store.list("pods")} | plane.directory.pods.keys()
            await trio.to_thread.run_sync(remove_logs_except, found, known)
            await deleted.wait()
            await plane.clock.sleep(KEPT_SECONDS)
            deleted = trio.Event()
    finally:
        unsubscribe()


def log_directories(logs: Path) -> list[Path]:
    """The directories there are, `<namespace>_<name>_<uid>` each."""
    try:
        return [logs / name for name in os.listdir(logs)]
    except FileNotFoundError:
        return []


def remove_logs_except(directories: Iterable[Path], known: Container[str]) -> None:
    """Remove those of pods whose uid is not known."""
    for directory in directories:
        if directory.name.rpartition("_")[2] not in known:
            shutil.rmtree(directory, ignore_errors=True)
