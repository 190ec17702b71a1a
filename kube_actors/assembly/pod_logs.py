"""Logs of pods that no longer exist are taken away a while after them, as a kubelet's garbage collection does."""

from __future__ import annotations

import os
import shutil
from collections.abc import Container
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
            known = {revision.uid for revision in plane.store.list("pods")} | plane.directory.pods.keys()
            await trio.to_thread.run_sync(remove_logs_except, logs, known)
            await deleted.wait()
            await plane.clock.sleep(KEPT_SECONDS)
            deleted = trio.Event()
    finally:
        unsubscribe()


def remove_logs_except(logs: Path, known: Container[str]) -> None:
    """Remove the directories `<namespace>_<name>_<uid>` of pods whose uid is not known."""
    try:
        found = os.listdir(logs)
    except FileNotFoundError:
        return
    for name in found:
        if name.rpartition("_")[2] not in known:
            shutil.rmtree(logs / name, ignore_errors=True)
