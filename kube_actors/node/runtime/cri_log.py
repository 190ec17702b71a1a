"""Container logs as Kubernetes keeps them on a node: one line per record, in the CRI format, rotated by size.

    2026-01-02T03:04:05.123456789Z stdout F a whole line
    2026-01-02T03:04:05.123456789Z stderr P the first part of a line that is not over yet

Rotation renames `0.log` to `0.log.<n>`, n growing, and starts `0.log` anew; the oldest beyond the limit are deleted.
"""

from __future__ import annotations

import os
import re
import time

PART_SIZE = 16 * 1024


def cri_time(epoch: float) -> str:
    """RFC 3339 in UTC with nine digits, as every record begins."""
    whole, nanoseconds = divmod(round(epoch * 1e9), 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{nanoseconds:09d}Z"


def cri_record(epoch: float, stream: str, text: bytes, *, whole: bool = True) -> bytes:
    """One record. `whole` is False for a part whose line goes on in the next record of the same stream."""
    return f"{cri_time(epoch)} {stream} {'F' if whole else 'P'} ".encode() + text + b"\n"


def rotated_files(path: str) -> list[str]:
    """The rotated files of a log, oldest first."""
    directory, name = os.path.split(path)
    pattern = re.compile(re.escape(name) + r"\.(\d+)")
    try:
        entries = os.listdir(directory or ".")
    except FileNotFoundError:
        return []
    numbered = sorted((int(match[1]), entry) for entry in entries if (match := pattern.fullmatch(entry)))
    return [os.path.join(directory, entry) for _, entry in numbered]


class CriLog:
    """A container's log being written: takes output as it comes, cuts it into records, rotates.

    Not for several writers. Raises OSError as the file system does.
    """

    def __init__(self, path: str, max_size: int, max_files: int) -> None:
        self._path = path
        self._max_size = max_size
        self._max_files = max_files
        self._begun: dict[str, bytes] = {}
        os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
        self._open()

    def _open(self) -> None:
        self._file = open(self._path, "ab", buffering=0, opener=_private)  # noqa: SIM115 - closed by close()
        self._size = self._file.tell()

    def write(self, stream: str, data: bytes, epoch: float) -> None:
        """Append output of `stdout` or `stderr`; a line not yet ended waits until it is, or fills a part."""
        pending = self._begun.pop(stream, b"") + data
        records: list[bytes] = []
        *lines, rest = pending.split(b"\n")
        for line in lines:
            *parts, last = _parts(line)
            records += [cri_record(epoch, stream, part, whole=False) for part in parts]
            records.append(cri_record(epoch, stream, last))
        while len(rest) > PART_SIZE:
            records.append(cri_record(epoch, stream, rest[:PART_SIZE], whole=False))
            rest = rest[PART_SIZE:]
        if rest:
            self._begun[stream] = rest
        self._append(records)

    def _append(self, records: list[bytes]) -> None:
        batch: list[bytes] = []
        size = 0
        for record in records:
            if self._size + size + len(record) > self._max_size and self._size + size > 0:
                self._file.write(b"".join(batch))
                self._rotate()
                batch, size = [], 0
            batch.append(record)
            size += len(record)
        self._file.write(b"".join(batch))
        self._size += size

    def _rotate(self) -> None:
        self._file.close()
        older = rotated_files(self._path)
        number = int(older[-1].rpartition(".")[2]) + 1 if older else 1
        os.rename(self._path, f"{self._path}.{number}")
        for excess in older[: max(0, len(older) + 2 - self._max_files)]:
            os.unlink(excess)
        self._open()

    def close(self, epoch: float) -> None:
        """The container has ended: what it printed without a final newline is written, and the file closed."""
        for stream, rest in sorted(self._begun.items()):
            self._append([cri_record(epoch, stream, rest, whole=False)])
        self._begun.clear()
        self._file.close()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _parts(line: bytes) -> list[bytes]:
    return [line[i : i + PART_SIZE] for i in range(0, len(line), PART_SIZE)] or [b""]
