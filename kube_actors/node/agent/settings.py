"""What the keeper is started with, and where things lie in the state directory."""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

SOCKET_NAME = "agent.sock"


class Settings(NamedTuple):
    """One cluster on this machine. `directory` is private to the user; `tier` forces one, None probes.

    `memory` (below `directory`) is a tmpfs in tiers A and B: secrets, /etc files and the host image's root lie there.
    """

    directory: str
    cluster_id: str
    pod_cidr: str
    service_cidr: str
    node_cidr: str
    tier: str | None = None

    @classmethod
    def parse(cls, text: str) -> Settings:
        return cls(**json.loads(text))

    def dump(self) -> str:
        return json.dumps(self._asdict())

    @property
    def socket(self) -> str:
        return os.path.join(self.directory, SOCKET_NAME)

    @property
    def memory(self) -> str:
        return os.path.join(self.directory, "memory")

    @property
    def pods(self) -> str:
        """Directories of pods on disk: emptyDir volumes and the writable layers of containers."""
        return os.path.join(self.directory, "pods")

    @property
    def host_root(self) -> str:
        """The lower layer of the `host` image."""
        return os.path.join(self.memory, "host-root")

    def pod_directory(self, uid: str, *, memory: bool = False) -> str:
        return os.path.join(self.memory if memory else self.pods, uid)


def first_address(cidr: str) -> str:
    """The first address after the network's own: the gateway of a pod range, the machine in a node range."""
    parts = [int(part) for part in cidr.partition("/")[0].split(".")]
    number = (parts[0] << 24 | parts[1] << 16 | parts[2] << 8 | parts[3]) + 1
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


def boot_id() -> str:
    """The kernel's id of this boot of the machine."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def write_private(path: str, text: str) -> None:
    """Write a small file only we can read."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(fd, "w") as file:
        file.write(text)


def read_first(path: str, default: str = "") -> str:
    """A kernel file's text, or `default` when it cannot be read."""
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return default


Value = dict[str, Any]
