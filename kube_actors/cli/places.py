"""Where the state of clusters is, and which of them run.

A state home (`$XDG_STATE_HOME/kube-actors`, or `--state-dir`) has a directory per cluster, named after it. An ephemeral
cluster's is `NAME.XXXXXXXX`: no name has a dot in it, so the two are never taken for each other.
"""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

from kube_actors.cli.runtime_file import RuntimeRecord, running
from kube_actors.errors import InputError, KubeActorsError, Problem
from kube_actors.node.agent.settings import SOCKET_NAME
from kube_actors.records import frozen
from kube_actors.state import StateDirectory, default_state_home, private_directory
from kube_actors.text import did_you_mean


class NotRunning(KubeActorsError):
    """There is no such cluster running."""


@frozen
class RunningCluster:
    """A cluster with a living runtime."""

    record: RuntimeRecord
    state: StateDirectory


def state_home(given: str | None) -> Path:
    """The directory that holds the clusters' states; relative ones start where we are."""
    return Path(given).absolute() if given else default_state_home()


def kept_state(home: Path, name: str) -> StateDirectory:
    """The state of a cluster that outlives its runtime."""
    return StateDirectory(home / name)


def ephemeral_state(home: Path, name: str) -> StateDirectory:
    """A new state for a cluster that leaves nothing behind. InputError when it cannot be made."""
    private_directory(home)
    return StateDirectory(Path(tempfile.mkdtemp(prefix=f"{name}.", dir=home)), ephemeral=True)


def states(home: Path) -> list[StateDirectory]:
    """Every state there is, running or not, by name."""
    try:
        directories = sorted(path for path in home.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError:
        return []
    return [StateDirectory(path, ephemeral="." in path.name) for path in directories]


def running_clusters(home: Path) -> list[RunningCluster]:
    """Every cluster that runs, by name."""
    found = [(running(state.runtime_file), state) for state in states(home)]
    return [RunningCluster(record, state) for record, state in found if record is not None]


def pods_run_on(state: StateDirectory) -> bool:
    """Whether pods of a cluster run without their runtime (`onRuntimeExit: keep`): an agent still serves there."""
    try:
        directory = os.open(state.agent, os.O_PATH | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.connect(f"/proc/self/fd/{directory}/{SOCKET_NAME}")  # however long the path is
        return True
    except OSError:
        return False
    finally:
        os.close(directory)


def _without_runtime(home: Path) -> str:
    """What to know of pods that run on when no cluster runs."""
    left = [state.root.name for state in states(home) if pods_run_on(state)]
    if not left:
        return "start one with: kube-actors run FILE"
    ends = "; ".join(f"kube-actors reset --name {name}" for name in left)
    return f"pods of {', '.join(left)} run on without their runtime; to end them: {ends}"


def find_running(home: Path, name: str | None) -> RunningCluster:
    """The cluster of that name, or the only one. NotRunning, or InputError listing them when there are several."""
    clusters = running_clusters(home)
    if name is not None:
        for cluster in clusters:
            if cluster.record.name == name:
                return cluster
        names = [each.record.name for each in clusters]
        hint = did_you_mean(name, names) or (f"running: {', '.join(names)}" if names else "")
        raise NotRunning(f"no cluster named {name!r} is running" + (f" ({hint})" if hint else ""))
    if not clusters:
        raise NotRunning(f"no cluster is running ({_without_runtime(home)})")
    if len(clusters) > 1:
        listed = ", ".join(each.record.name for each in clusters)
        raise InputError([Problem(f"several clusters are running: {listed}", hint="choose one with --name")])
    return clusters[0]


def known_names(home: Path) -> list[str]:
    """Clusters that run, and those whose state is kept."""
    names = {each.record.name for each in running_clusters(home)}
    return sorted(names | {each.root.name for each in states(home) if not each.ephemeral})
