"""Limits by control groups, versions 1 and 2: memory, cpu and number of processes, and whether memory ran out.

Groups lie at `kube-actors-<cluster>/<pod>/<container>`, below our own group where the hierarchy lets us and below its
root where version 2 does not ("no internal processes"). A group is made only where a limit asks for one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from typing import Any, NamedTuple

from .failures import Failure
from .settings import read_first

_CONTROLLERS = ("memory", "cpu", "pids")
_PERIOD = 100_000  # microseconds
Resources = dict[str, int | None]


class Hierarchies(NamedTuple):
    """Where each controller's groups can be made; version 2 has one place for all. Empty: no limits here."""

    bases: dict[str, str]
    version: int

    def supports(self, controller: str) -> bool:
        return controller in self.bases


class Group(NamedTuple):
    """The groups of one container or pod: controller → directory."""

    paths: dict[str, str]
    version: int

    @property
    def process_files(self) -> list[str]:
        """Files to write a pid (or 0) to in order to join."""
        return sorted({f"{path}/cgroup.procs" for path in self.paths.values()})

    def oom_kills(self) -> int:
        """How often memory ran out and something was killed."""
        name = "memory.events" if self.version == 2 else "memory.oom_control"
        for line in read_first(f"{self.paths.get('memory', '')}/{name}").splitlines():
            word, _, number = line.partition(" ")
            if word == "oom_kill":
                return int(number)
        return 0

    def memory_used(self) -> int:
        """Bytes of memory it uses now; 0 where nothing counts them."""
        name = "memory.current" if self.version == 2 else "memory.usage_in_bytes"
        return int(read_first(f"{self.paths.get('memory', '')}/{name}").strip() or 0)

    def remove(self) -> None:
        """Remove the emptied groups; a pod's own goes with its last container's."""
        for path in set(self.paths.values()):
            with contextlib.suppress(OSError):
                os.rmdir(path)


def find_hierarchies(cluster_id: str, mountinfo: str, own: str) -> Hierarchies:
    """Read /proc/self/mountinfo and /proc/self/cgroup, and make the cluster's group in each hierarchy found."""
    places: dict[str, str] = {}
    unified = ""
    for line in mountinfo.splitlines():
        fields = line.split()
        kind, options = fields[fields.index("-") + 1], fields[-1]
        if kind == "cgroup":
            places |= {c: _own_place(fields[4], fields[3], own, c) for c in options.split(",") if c in _CONTROLLERS}
        elif kind == "cgroup2":
            unified = fields[4]
    if not places and unified:
        return _unified(unified, cluster_id)
    bases = {}
    for controller, place in places.items():
        path = f"{place}/{group_name(cluster_id)}"
        with contextlib.suppress(OSError):
            os.makedirs(path, exist_ok=True)
            if os.access(f"{path}/cgroup.procs", os.W_OK):
                bases[controller] = path
    return Hierarchies(bases, 1)


def group_name(cluster_id: str) -> str:
    """The cluster's group; an id that is no file name is told by its hash."""
    if re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", cluster_id):
        return f"kube-actors-{cluster_id}"
    return f"kube-actors-{hashlib.blake2b(cluster_id.encode(), digest_size=8).hexdigest()}"


def _own_place(mount: str, root: str, own: str, controller: str) -> str:
    """The directory of our own group, when the mount shows it."""
    for line in own.splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            inside = path.removeprefix(root) if root != "/" else path
            place = f"{mount}/{inside.strip('/')}".rstrip("/")
            return place if os.path.isdir(place) else mount
    return mount


def _unified(mount: str, cluster_id: str) -> Hierarchies:
    path = f"{mount}/{group_name(cluster_id)}"
    wanted = [c for c in _CONTROLLERS if c in read_first(f"{mount}/cgroup.controllers").split()]
    try:
        os.makedirs(path, exist_ok=True)
        for directory in (mount, path):
            _enable(directory, wanted)
    except OSError:
        return Hierarchies({}, 2)
    return Hierarchies(dict.fromkeys(wanted, path), 2)


def _enable(directory: str, controllers: list[str]) -> None:
    missing = set(controllers) - set(read_first(f"{directory}/cgroup.subtree_control").split())
    if missing:
        _write(f"{directory}/cgroup.subtree_control", " ".join(f"+{name}" for name in sorted(missing)))


def make_group(at: Hierarchies, pod: str, container: str, resources: Resources, pod_resources: Resources) -> Group:
    """Groups for a container with its limits, below the pod's with the pod's."""
    wanted = {**_settings(resources, at.version)}
    pod_wanted = _settings(pod_resources, at.version)
    paths = {}
    for controller in (set(wanted) | set(pod_wanted)) & set(at.bases):
        parent = f"{at.bases[controller]}/{pod}"
        if not os.path.isdir(parent):
            os.makedirs(parent, exist_ok=True)
            if at.version == 2:
                _enable(parent, list(at.bases))
        _apply(parent, pod_wanted.get(controller, []))
        path = f"{parent}/{container}"
        os.makedirs(path, exist_ok=True)
        _apply(path, wanted.get(controller, []))
        paths[controller] = path
    return Group(paths, at.version)


_LIMITS = {"memory_limit": "memory", "cpu_limit_milli": "cpu", "pids_limit": "pids"}


def check_resize(at: Hierarchies, group: Group, before: Resources, after: Resources) -> None:
    """Whether a running container's limits can be changed so. Raises Failure saying what cannot be."""
    check_supported(at, before, after)
    limit, used = after.get("memory_limit"), group.memory_used()
    if limit is not None and limit < used:
        told = f"attempting to set container memory limit ({limit}) below current usage ({used})"
        raise Failure("ResizeError", f"cannot decrease memory limits: {told}")


def check_supported(at: Hierarchies, before: Resources, after: Resources) -> None:
    """Whether there are groups for the limits that change. Raises Failure naming one that has none."""
    for name, controller in _LIMITS.items():
        if before.get(name) != after.get(name) and not at.supports(controller):
            told = f"resources.limits.{controller} of a running container cannot be changed here"
            raise Failure("ResizeUnsupported", f"{told}: this machine has no control group for it")


def join_new_groups(before: Group, after: Group, pids: list[int]) -> Group:
    """Move running processes into the groups they are not in yet; all groups the container has then."""
    for controller, path in after.paths.items():
        for pid in pids if controller not in before.paths else ():
            with contextlib.suppress(ProcessLookupError):
                _write(f"{path}/cgroup.procs", pid)
    return Group({**before.paths, **after.paths}, after.version)


def remove_pod_groups(at: Hierarchies, pod: str) -> None:
    """Remove what is left of a pod's groups."""
    for base in set(at.bases.values()):
        remove_groups(f"{base}/{pod}")


def remove_groups(path: str) -> None:
    """Remove a group and those below it; groups that still hold processes stay."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(path):
            if entry.is_dir(follow_symlinks=False):
                remove_groups(entry.path)
        os.rmdir(path)


def _settings(resources: Resources, version: int) -> dict[str, list[tuple[str, str]]]:
    """Controller → files to write, for the limits that are set.

    Shares are Kubernetes': 1024 for a whole core, at least 2; version 2 weighs 1..10000 instead of 2..262144.
    """
    memory, limit = resources.get("memory_limit"), resources.get("cpu_limit_milli")
    request, pids = resources.get("cpu_request_milli"), resources.get("pids_limit")
    found: dict[str, list[tuple[str, str]]] = {}
    if memory is not None:
        found["memory"] = [("memory.max" if version == 2 else "memory.limit_in_bytes", str(memory))]
    cpu = []
    if limit is not None:
        quota = max(1000, limit * _PERIOD // 1000)
        cpu += ([("cpu.max", f"{quota} {_PERIOD}")] if version == 2
                else [("cpu.cfs_period_us", str(_PERIOD)), ("cpu.cfs_quota_us", str(quota))])  # fmt: skip
    if request is not None:
        shares = min(262144, max(2, request * 1024 // 1000))
        weight = 1 + (shares - 2) * 9999 // 262142
        cpu.append(("cpu.weight", str(weight)) if version == 2 else ("cpu.shares", str(shares)))
    if cpu:
        found["cpu"] = cpu
    if pids is not None:
        found["pids"] = [("pids.max", str(pids))]
    return found


def _apply(path: str, files: list[tuple[str, str]]) -> None:
    for name, value in files:
        _write(f"{path}/{name}", value)


def _write(path: str, value: Any) -> None:
    with open(path, "w") as file:
        file.write(str(value))
