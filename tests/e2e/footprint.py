"""What a cluster has on the machine, and what of it is left: read from the kernel, apart from the code under test."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import time
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import attrs

from kube_actors.assembly.ranges import claims_directory
from kube_actors.cluster import Cluster
from kube_actors.node.agent.cgroups import group_name
from kube_actors.node.agent.host_link import interface_name
from kube_actors.records import define

NAMESPACES = ("net", "mnt", "pid", "ipc", "uts", "user")


@define
class Footprint:
    """`processes` are (pid, start time) seen below the keeper; `namespaces` theirs, except the machine's.

    Numbers of namespaces are used again, by other clusters too, so only those count that were seen until `looked_at`
    (clock ticks since boot, as start times are).
    """

    root: Path
    interface: str
    networks: tuple[IPv4Network, ...]
    ports: tuple[int, ...]
    cgroup: str
    keeper: int
    processes: set[tuple[int, str]] = attrs.field(factory=set)
    namespaces: set[str] = attrs.field(factory=set)
    looked_at: float = 0.0

    @classmethod
    def of(cls, cluster: Cluster) -> Footprint:
        """The footprint of a cluster that runs."""
        cluster_id = cluster.state.cluster_id(cluster.config.name)
        link = cluster.link
        networks = tuple(network for _, network in cluster.network.ranges.named()) if link is not None else ()
        footprint = cls(
            root=cluster.state.root,
            interface=interface_name(cluster_id),
            networks=networks,
            ports=tuple(listener.port for listener in cluster.listeners),
            cgroup=group_name(cluster_id),
            keeper=link.keeper_pid if link is not None else 0,
        )
        footprint.look()
        return footprint

    def look(self) -> None:
        """Remember every process below the keeper, and the namespaces they are in."""
        self.looked_at = time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK")
        parents = {pid: _stat(pid)[1] for pid in _pids()}
        for pid in parents:
            above: int | None = pid
            while above and above != self.keeper:
                above = parents.get(above)
            if above and self.keeper:
                self._remember(pid)

    def _remember(self, pid: int) -> None:
        start = _stat(pid)[2]
        if start:
            self.processes.add((pid, start))
            self.namespaces |= set(_namespaces_of(pid)) - set(_namespaces_of(os.getpid()))

    def left(self) -> list[str]:
        """Everything that is still there, each in words."""
        return [
            *self._processes_left(),
            *(f"mount {path}" for path in self._mounts()),
            *([f"interface {self.interface}"] if self.interface in dict(socket.if_nameindex()).values() else []),
            *self._routes(),
            *self._listeners(),
            *(f"socket {path}" for path in [*self.root.glob("*.sock"), *self.root.glob("*/*.sock")]),
            *([f"directory {self.root}/agent/pods"] if (self.root / "agent" / "pods").exists() else []),
            *self._cgroups(),
            *(["nftables table of the machine"] if _machine_has_table() else []),
        ]

    def living(self) -> int:
        """How many processes the cluster has, keeper and agent included."""
        self.look()
        return len(self._processes_left())

    def _processes_left(self) -> list[str]:
        found = []
        for pid in _pids():
            state, _, start = _stat(pid)
            if state in ("Z", "X", ""):
                continue
            inside = int(start) <= self.looked_at and self.namespaces & set(_namespaces_of(pid))
            if inside or (pid, start) in self.processes:
                found.append(f"process {pid} {_command(pid)}")
        return found

    def _mounts(self) -> list[str]:
        places = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        return [place for place in places if Path(place).is_relative_to(self.root)]

    def _routes(self) -> list[str]:
        found = []
        for line in Path("/proc/net/route").read_text().splitlines()[1:]:
            fields = line.split()
            address = IPv4Address(int.from_bytes(bytes.fromhex(fields[1]), "little"))
            of_another = fields[0].startswith("ka-") and fields[0] != self.interface
            if fields[7] != "00000000" and not of_another and self._has(address):
                found.append(f"route to {address}")
        return found

    def _has(self, address: IPv4Address) -> bool:
        """Whether an address is this cluster's: its ranges may be another's as soon as it has ended."""
        if not any(address in network for network in self.networks):
            return False
        return not any(address in network for network in _claimed_now())

    def _listeners(self) -> list[str]:
        found = []
        for name in ("tcp", "udp"):
            for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
                fields = line.split()
                host, _, port = fields[1].partition(":")
                address, number = IPv4Address(int.from_bytes(bytes.fromhex(host), "little")), int(port, 16)
                listens = fields[3] == "0A" or name == "udp"
                ours = fields[7] == str(os.geteuid())  # other users' claims cannot be seen
                if listens and ours and (self._has(address) or number in self.ports):
                    found.append(f"{name} listener {address}:{number}")
        return found

    def _cgroups(self) -> list[str]:
        """Groups lie at the root of a hierarchy, or below the group this process is in."""
        own = [line.split(":")[2] for line in Path("/proc/self/cgroup").read_text().splitlines()]
        places = [
            Path(f"/sys/fs/cgroup/{name}/{below}") for name in os.listdir("/sys/fs/cgroup") for below in ("", *own)
        ]
        return sorted({f"cgroup {place / self.cgroup}" for place in places if (place / self.cgroup).exists()})


def _claimed_now() -> list[IPv4Network]:
    """The ranges that clusters hold which run now."""
    found = []
    for path in claims_directory().glob("*.claim"):
        try:
            with path.open("rb") as file:
                claim = file.read()
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            found += [IPv4Network(cidr) for cidr in json.loads(claim or b"{}").get("ranges", ())]
        except FileNotFoundError:
            continue
    return found


def processes_of(*argv: str) -> list[int]:
    """Processes of the whole machine with exactly this command line."""
    wanted = " ".join(argv) + " "
    return [pid for pid in _pids() if _command(pid) == wanted and _stat(pid)[0] not in ("Z", "X", "")]


def is_alive(pid: int) -> bool:
    """Whether the process still runs."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def _stat(pid: int) -> tuple[str, int, str]:
    """State, parent and start time; empty when the process is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "", 0, ""
    return fields[0], int(fields[1]), fields[19]


def _namespaces_of(pid: int) -> list[str]:
    found = []
    for name in NAMESPACES:
        try:
            found.append(os.readlink(f"/proc/{pid}/ns/{name}"))
        except OSError:
            continue
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:120]
    except OSError:
        return ""


def _machine_has_table() -> bool:
    """The cluster's table stands in a namespace of its own; the machine's tables are none of its business."""
    try:
        told = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return False
    return "kube-actors" in told or "kube_actors" in told
