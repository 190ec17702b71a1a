"""The process that writes the state file, so that waiting for the disk and SQLite's work take no time from the cluster.

It reads groups of commits from its standard input, a socket, writes all that have come meanwhile in one transaction,
and answers how far it has got; or, in words, why it can go no further. It ends when the other end does, having written
everything it was sent.
"""

from __future__ import annotations

import signal
import socket
import sys
from typing import Any

from .database import Database, WriteFailed
from .frames import Frames, frame

_RECEIVED = 1 << 18  # bytes at a time: what the socket holds


def main() -> None:
    """Arguments: the file, its history's bounds in bytes and in steps, and who may write it (`Contents.owner`)."""
    path, history_bytes, history_count, owner = sys.argv[1:]
    for number in (signal.SIGINT, signal.SIGTERM):  # whoever ends a whole group of processes has the cluster end first
        signal.signal(number, signal.SIG_IGN)
    with socket.socket(fileno=0) as channel:
        try:
            database = Database(path, history_bytes=int(history_bytes), history_count=int(history_count), creates=False)
            database.follow(int(owner))
            _serve(channel, database)
            database.close()
        except ConnectionError:
            pass  # nobody is left to be answered
        except WriteFailed as error:
            channel.sendall(frame(str(error)))
        except Exception as error:  # nothing reads what this process would print: its cluster is to say it
            channel.sendall(frame(f"{path}: {type(error).__name__}: {error}"))


def _serve(channel: socket.socket, database: Database) -> None:
    frames = Frames()
    while data := channel.recv(_RECEIVED):
        steps: list[Any] = []
        volatile: list[str] = []
        groups = list(frames.feed(data))
        for more_steps, more_volatile, _, _ in groups:
            steps += more_steps
            volatile += more_volatile
        if groups:
            through, reserved = groups[-1][2:]
            database.write(steps, volatile, through, reserved)
            channel.sendall(frame((through, reserved)))
