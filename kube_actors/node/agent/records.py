"""The agent's side of the keeper: what it remembers for us, and the exits it collects."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterable

from .keeper import Exit, Inheritance, Record
from .settings import Value


class KeeperGone(Exception):
    """The keeper has ended: nobody would reap or restart, so the agent takes everything down."""


class Records:
    """Writes go to the keeper at once and in order, so that a restarted agent knows all that was acknowledged."""

    def __init__(self, inheritance: Inheritance) -> None:
        self.inherited: dict[str, Record] = inheritance.records
        self.exits: dict[int, Exit] = inheritance.exits
        self.first_start = inheritance.first
        self._channel = inheritance.channel
        self.on_exit: Callable[[int, Exit], None] = lambda pid, how: None
        self.on_end: Callable[[], None] = lambda: None

    def fileno(self) -> int:
        return self._channel.fileno()

    def put(self, key: str, value: Value, fds: Iterable[int] | None = None) -> None:
        """Remember `value`; with `fds` None the descriptors remembered before stay."""
        kept = [] if fds is None else list(fds)
        self._send({"op": "put", "key": key, "value": value, "fds": fds is not None}, kept)

    def drop(self, key: str) -> None:
        """Forget a record and close the keeper's copies of its descriptors."""
        self._send({"op": "drop", "key": key})

    def receive(self) -> None:
        """Take what the keeper tells. Raises KeeperGone."""
        frames = self._channel.receive()
        if frames is None:
            raise KeeperGone
        for frame, _ in frames:
            if frame["op"] == "exit":
                self.on_exit(frame["pid"], Exit(frame["status"], frame["time"]))
            elif frame["op"] == "end":
                self.on_end()

    def _send(self, frame: Value, fds: Iterable[int] = ()) -> None:
        try:
            self._channel.send(frame, fds)
            while self._channel.pending:
                select.select([], [self._channel], [], 1)
                self._channel.flush()
        except OSError as error:
            raise KeeperGone from error
