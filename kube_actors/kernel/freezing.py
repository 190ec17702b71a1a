"""Hold part of the tree still, and let it go on message by message."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import trio

from kube_actors.kernel.cell import Cell

Cells = Iterable[Cell[Any]]


async def freeze(cells: Cells, stillness: trio.lowlevel.ParkingLot) -> None:
    """Let `cells` handle nothing further, and wait until what they are handling is done.

    An actor that freezes itself, or an actor above it, does not wait for its own handler.
    """
    frozen = tuple(cells)
    for cell in frozen:
        cell.frozen = True
        cell.steps = 0
    await _until_still(frozen, stillness)


def thaw(cells: Cells) -> None:
    """Let `cells` go on."""
    for cell in cells:
        cell.frozen = False
        cell.mailbox.wake()


async def step(cells: Cells, stillness: trio.lowlevel.ParkingLot) -> tuple[str, ...]:
    """Let each of `cells` that has something waiting handle one thing; returns their paths when it is done."""
    stepped = tuple(cell for cell in cells if cell.has_something_to_do)
    for cell in stepped:
        cell.steps = 1
        cell.mailbox.wake()
    await _until_still(stepped, stillness)
    return tuple(cell.path for cell in stepped)


async def _until_still(cells: tuple[Cell[Any], ...], stillness: trio.lowlevel.ParkingLot) -> None:
    """Wait until no handler of `cells` runs, except the one this is called from."""
    await trio.lowlevel.checkpoint()
    me = trio.lowlevel.current_task()
    while not all(cell.is_still or cell.task is me for cell in cells):
        await stillness.park()
