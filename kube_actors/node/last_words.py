"""The end of a container's log as its termination message (`terminationMessagePolicy: FallbackToLogsOnError`)."""

from __future__ import annotations

import os

from kube_actors.node.log_lines import parse_record

MOST_BYTES = 2048
MOST_LINES = 80
_READ = 4 * MOST_BYTES  # stamps and stream names of many short lines take more room than their text


def last_words(path: str) -> str:
    """The last 80 lines of a log file in CRI format, and of those the last 2048 bytes; empty when there is none."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _READ))
            lines = file.read(_READ).splitlines()
    except OSError:
        return ""
    if size > _READ:
        lines = lines[1:]  # cut in the middle
    records = [record for line in lines if (record := parse_record(line)) is not None]
    text = b"".join(record.text + (b"\n" if record.whole else b"") for record in records[-MOST_LINES:])
    return text[-MOST_BYTES:].decode(errors="replace")
