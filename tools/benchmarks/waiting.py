"""Waiting for a cluster to get somewhere."""

from __future__ import annotations

import time
from collections.abc import Callable

import trio

from benchmarks.measured import CannotMeasure

LONGEST = 120.0
INTERVAL = 0.005


async def until(condition: Callable[[], bool], what: str) -> float:
    """Seconds until the condition holds; looked at every 5 ms, which costs less than being told of every commit."""
    began = time.perf_counter()
    with trio.move_on_after(LONGEST):
        while not condition():  # noqa: ASYNC110  # an event would have to be set by a subscriber
            await trio.sleep(INTERVAL)
        return time.perf_counter() - began
    raise CannotMeasure(f"{what} took longer than {LONGEST:g} s")
