"""From the engine's log of a container to our file in CRI format, with the engine's own times.

Each message of the engine is one line, or a part (of 16 KiB, or at the end) of one.
"""

from __future__ import annotations

import contextlib
import os

from kube_actors.api.times import parse_rfc3339
from kube_actors.node.agent.logs import LogFile
from kube_actors.node.log_lines import parse_record

OVERLAP = 0.001
_STREAMS = {0: "stdout", 1: "stdout", 2: "stderr"}
_TAIL = 64 * 1024


class DockerLog:
    """Writes what the engine says; goes on behind what an earlier runtime has written."""

    def __init__(self, path: str, max_size: int, max_files: int) -> None:
        self._last = last_time(path)
        self._log = LogFile(path, max_size, max_files)

    @property
    def since(self) -> float:
        """Epoch seconds from which on the engine is asked; a little early, as what we have is passed over."""
        return parse_rfc3339(self._last.decode()) - OVERLAP if self._last else 0.0

    def write(self, stream: int, message: bytes) -> None:
        """One message, `<time> <text>`, from stdout (0 with a terminal, 1) or stderr (2)."""
        time, _, text = message.partition(b" ")
        if time <= self._last:
            return
        whole = text.endswith(b"\n")
        line = text.rstrip(b"\r\n") if whole else text
        self._log.write(b"%s %s %s %s\n" % (time, _STREAMS[stream].encode(), b"F" if whole else b"P", line))

    def close(self) -> None:
        """No more is to come."""
        self._log.close()


def last_time(path: str) -> bytes:
    """The time of the last record in a log; empty when there is none."""
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
        for line in reversed(file.read().split(b"\n")):
            if (record := parse_record(line)) is not None:
                return record.time
    return b""
