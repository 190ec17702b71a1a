"""Lock files by which the clusters of one machine keep out of each other's ranges.

Each claim is a file locked with flock(2) for as long as any process holds the descriptor: the kernel lets go of it when
the last holder ends, however it ends, and the next claimant sweeps the file away. A keeper that runs pods on after the
runtime inherits the descriptor (`RangeClaim.fileno`) and so keeps the ranges.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network
from pathlib import Path
from types import TracebackType

from kube_actors.network.machine_networks import NetworkInUse
from kube_actors.network.ranges import ROUTED_FAMILIES, Family, NetworkRanges, WantedRanges, choose_ranges


class RangeClaim:
    """Ranges that are ours until `close`, or until every process holding the descriptor has ended."""

    def __init__(self, ranges: NetworkRanges, path: Path, descriptor: int) -> None:
        self.ranges = ranges
        self._path = path
        self._descriptor = descriptor

    def fileno(self) -> int:
        """The locked descriptor, to be handed to a process that outlives this one."""
        return self._descriptor

    def close(self, *, keep: bool = False) -> None:
        """Give the ranges back; with `keep` only let go of our own hold, for whoever inherited the descriptor."""
        if self._descriptor < 0:
            return
        if not keep:
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = -1

    def __enter__(self) -> RangeClaim:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def claim_ranges(
    wanted: WantedRanges,
    claims_dir: Path,
    *,
    owner: str,
    in_use: Sequence[NetworkInUse] = (),
    families: Sequence[Family] = ROUTED_FAMILIES,
    remembered: NetworkRanges | None = None,
) -> RangeClaim:
    """Choose ranges that collide neither with `in_use` nor with another cluster's claim in `claims_dir`; claim them.

    `owner` is the cluster's name: claims of the same owner do not collide (its keeper may still hold them). Blocks for
    a moment while another cluster claims. InputError when wanted ranges are taken, naming the holder.
    """
    claims_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _one_at_a_time(claims_dir):
        taken = [*in_use, *_held_by_others(claims_dir, owner)]
        ranges = choose_ranges(wanted, taken, families=families, remembered=remembered)
        return _write_claim(claims_dir, owner, ranges)


@contextlib.contextmanager
def _one_at_a_time(claims_dir: Path) -> Iterator[None]:
    descriptor = os.open(claims_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _held_by_others(claims_dir: Path, owner: str) -> list[NetworkInUse]:
    held: list[NetworkInUse] = []
    for path in sorted(claims_dir.glob("*.claim")):
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:  # it may be given back this very moment
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                held += _networks_of(file.read(), owner)
            else:
                path.unlink(missing_ok=True)
    return held


def _networks_of(content: bytes, owner: str) -> Iterator[NetworkInUse]:
    claim = json.loads(content)
    if claim["owner"] != owner:
        for cidr in claim["ranges"]:
            yield NetworkInUse(IPv4Network(cidr), f"cluster {claim['owner']} (pid {claim['pid']})")


def _write_claim(claims_dir: Path, owner: str, ranges: NetworkRanges) -> RangeClaim:
    pid = os.getpid()
    number = 0
    while (path := claims_dir / f"{pid}-{number}.claim").exists():
        number += 1
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    claim = {"owner": owner, "pid": pid, "ranges": [str(network) for _, network in ranges.named()]}
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, json.dumps(claim).encode())
    except OSError:
        path.unlink()
        os.close(descriptor)
        raise
    return RangeClaim(ranges, path, descriptor)
