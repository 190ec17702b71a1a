"""Watches that are telling what there was when they began. Until they have, each keeps its seat."""

from __future__ import annotations

from typing import Final

import trio

from kube_actors.server.call import Call
from kube_actors.server.fairness.gate import Flow, Gate
from kube_actors.server.fairness.queue_set import Ticket

LONGEST: Final = 5.0
"""Machine seconds. Whose client has not taken it all by then, or has gone without a word, works no more but waits; and
whoever does not read is not to keep the seats of those who do."""


class Beginnings:
    """The seats of watches that have not begun."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._kept: dict[Call, tuple[float, Flow, Ticket]] = {}  # until when; the oldest first
        self._any = trio.Event()

    async def run(self) -> None:
        """Take their seats from those that keep them too long. For ever."""
        while True:
            while not self._kept:  # whoever came may be gone by now
                self._any = trio.Event()
                await self._any.wait()
            call, (until, _, _) = next(iter(self._kept.items()))
            await trio.sleep_until(until)
            self.end(call)

    def keep(self, call: Call, flow: Flow, ticket: Ticket) -> None:
        """This watch keeps its seat for now."""
        self._kept[call] = trio.current_time() + LONGEST, flow, ticket
        self._any.set()

    def end(self, call: Call) -> None:
        """It needs none any more, if it still has one."""
        kept = self._kept.pop(call, None)
        if kept is not None:
            _, flow, ticket = kept
            self._gate.leave(flow, ticket)
