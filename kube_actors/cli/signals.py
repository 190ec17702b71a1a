"""The signals that end a running cluster: the first asks for an orderly end, the next ones press for it."""

from __future__ import annotations

import contextlib
import os
import signal
from types import FrameType

import trio

from kube_actors.cli.main import INTERRUPTED

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 2
"""After so many signals the next one ends the process where it stands."""


class EndSignals:
    """Listens from the moment it is made, also to signals this process was started to ignore.

    Who runs the cluster waits for the first and drains, waits for the second and stops draining. The third ends the
    process where it stands: the keeper of the pods' processes then takes them down by itself.
    """

    def __init__(self) -> None:
        self.received: list[signal.Signals] = []
        self._waiting = trio.lowlevel.ParkingLot()
        self._token: trio.lowlevel.TrioToken | None = None
        for number in ENDING:
            signal.signal(number, self._on_signal)

    @property
    def first(self) -> signal.Signals | None:
        """The signal that began the end."""
        return self.received[0] if self.received else None

    @property
    def status(self) -> int:
        """The exit status: Ctrl-C interrupts, SIGTERM and SIGHUP are how one asks for an end."""
        return INTERRUPTED if self.first is signal.SIGINT else 0

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.received.append(signal.Signals(number))
        if len(self.received) > PATIENCE:
            os._exit(128 + number)
        if self._token is not None:
            with contextlib.suppress(trio.RunFinishedError):
                self._token.run_sync_soon(self._waiting.unpark_all)

    async def wait(self, count: int) -> None:
        """Return when so many signals have come, however early."""
        self._token = trio.lowlevel.current_trio_token()
        while len(self.received) < count:
            await self._waiting.park()
