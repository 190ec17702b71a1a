"""A pod's directories on the engine's machine: volumes, /etc files and termination messages, bound into containers.

Everything lies in a private directory of the node; what is secret or asked to be in memory lies on the machine's tmpfs.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from kube_actors.node.agent.failures import Failure
from kube_actors.node.agent.probe import remove_tree
from kube_actors.node.agent.settings import Settings
from kube_actors.node.agent.volumes import (
    etc_hosts,
    hosts_of_machine,
    make_volume,
    resolv_conf,
    volume_path,
    write_files,
)
from kube_actors.node.runtime.base import ContainerId, FilesVolume, RuntimeFailure, SandboxSpec
from kube_actors.node.runtime.docker.bodies import World
from kube_actors.node.runtime.process_wire import encode_volume

P = ParamSpec("P")
R = TypeVar("R")
SHARED_MEMORY = "/dev/shm"
MESSAGE_LIMIT = 4096


class PodFiles:
    """Makes, updates and removes them. Blocking, but only for small files."""

    def __init__(self, directory: str) -> None:
        self._settings = Settings(directory, "", "", "", "")
        self._shared = os.path.join(
            SHARED_MEMORY, f"kube-actors-{hashlib.sha256(os.path.abspath(directory).encode()).hexdigest()[:16]}"
        )

    def _make_directories(self) -> None:
        os.makedirs(self._settings.pods, mode=0o700, exist_ok=True)
        if os.path.exists(self._settings.memory):
            return
        if os.access(SHARED_MEMORY, os.W_OK):
            os.makedirs(self._shared, mode=0o700, exist_ok=True)
            if not os.path.islink(self._settings.memory):  # it stays when the machine starts anew, the tmpfs does not
                os.symlink(self._shared, self._settings.memory)
        else:
            os.makedirs(self._settings.memory, mode=0o700)

    def make(self, spec: SandboxSpec) -> World:
        """Everything the pod's containers are to see."""
        self._make_directories()
        uid = spec.pod.uid
        paths: dict[str, str] = {}
        for volume in spec.volumes:
            raw = encode_volume(volume)
            _failing(make_volume)(self._settings, uid, raw, mounts=False, chown=os.geteuid() == 0)
            paths[volume.name] = os.path.realpath(volume_path(self._settings, uid, raw))
        pid_mode = "host" if spec.host_pid else "sandbox" if spec.share_process_namespace else ""
        return World(paths, self._make_etc(spec), pid_mode, spec.host_network)

    def _make_etc(self, spec: SandboxSpec) -> dict[str, str]:
        """The files of /etc that are the pod's own: where each stands in a container, and where it lies."""
        home = os.path.realpath(self._settings.pod_directory(spec.pod.uid))
        os.makedirs(f"{home}/etc", exist_ok=True)
        hosts = [(ip, list(names)) for ip, names in spec.hosts]
        texts = {"/etc/hosts": etc_hosts(hosts, node_hosts=hosts_of_machine() if spec.host_network else None)}
        dns = {part: list(getattr(spec.dns, part)) for part in ("nameservers", "searches", "options")}
        if any(dns.values()):
            texts["/etc/resolv.conf"] = resolv_conf(dns)
        for target, text in texts.items():
            with open(home + target, "w", errors="surrogateescape") as file:
                file.write(text)
            os.chmod(home + target, 0o644)
        return {target: home + target for target in texts}

    def update(self, pod_uid: str, volume: FilesVolume) -> None:
        """Replace a volume's files at once."""
        raw = encode_volume(volume)
        root = os.geteuid() == 0
        path, group = volume_path(self._settings, pod_uid, raw), volume.fs_group if root else None
        _failing(write_files)(path, raw["files"], group, owned=root)

    def new_message_file(self, container: ContainerId) -> str:
        """An empty file for the container's termination message."""
        folder = os.path.join(os.path.realpath(self._settings.pod_directory(container.pod_uid)), "messages")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, f"{container.name}-{container.attempt}")
        with open(path, "wb"):
            pass
        os.chmod(path, 0o666)
        return path

    def make_sub_paths(self, paths: list[str]) -> None:
        """Directories that mounts with a sub-path need."""
        for path in paths:
            if not os.path.exists(path):
                os.makedirs(path, mode=0o755)

    def remove(self, pod_uid: str) -> None:
        """Take away all of a pod."""
        for memory in (False, True):
            remove_tree(self._settings.pod_directory(pod_uid, memory=memory))

    def remove_all(self) -> None:
        """Take away all of the node."""
        remove_tree(self._settings.pods)
        remove_tree(self._shared)
        if os.path.islink(self._settings.memory):
            os.unlink(self._settings.memory)
        else:
            remove_tree(self._settings.memory)


def read_message(path: str) -> str:
    """What a container left as its termination message, its last 4 KiB."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - MESSAGE_LIMIT))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def _failing(function: Callable[P, R]) -> Callable[P, R]:
    """The agent's failures as the contract's."""

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Failure as error:
            raise RuntimeFailure(error.reason, error.message) from None

    return call
