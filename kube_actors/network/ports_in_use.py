"""Who listens on a TCP port of this machine, for messages such as "port 8080 is in use by nginx (pid 123)"."""

from __future__ import annotations

import os
from pathlib import Path

from kube_actors.records import frozen

_LISTEN = "0A"


@frozen
class PortHolder:
    """The process that listens; `pid` is None where its descriptors are not ours to see."""

    port: int
    pid: int | None = None
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})" if self.pid is not None else "another user's process"


def port_holder(port: int, *, proc: Path = Path("/proc")) -> PortHolder | None:
    """Whoever listens on TCP `port` at any address of this network namespace; None when nobody does."""
    inodes = {inode for table in ("tcp", "tcp6") for inode in _listening_inodes(proc / "net" / table, port)}
    if not inodes:
        return None
    links = {f"socket:[{inode}]" for inode in inodes}
    for entry in sorted((e for e in os.listdir(proc) if e.isdigit()), key=int):
        if _holds(proc / entry / "fd", links):
            return PortHolder(port, int(entry), _name(proc / entry))
    return PortHolder(port)


def _listening_inodes(table: Path, port: int) -> list[str]:
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return []
    rows = [line.split() for line in lines]
    wanted = f"{port:04X}"
    return [row[9] for row in rows if row[3] == _LISTEN and row[1].rpartition(":")[2] == wanted]


def _holds(descriptors: Path, links: set[str]) -> bool:
    try:
        names = os.listdir(descriptors)
    except OSError:
        return False
    for name in names:
        try:
            if os.readlink(descriptors / name) in links:
                return True
        except OSError:
            continue
    return False


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return "a process"
