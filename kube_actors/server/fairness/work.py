"""What a request takes of its level: seats while it is answered, and perhaps others for a moment after that. Pure."""

from __future__ import annotations

import functools
import math
from typing import Final

import attrs

from kube_actors.records import frozen

GUESS: Final = 0.003
"""Seconds that a request is thought to take."""
WATCHES_PER_SEAT: Final = 10
EVENT_SECONDS: Final = 0.005
"""How long as many watches as share a seat are thought to take to be told of one change."""


@frozen
class Work:
    """`seats` while it is answered, then `final` ones for so many seconds (`lingers`): its watches are being told.

    `most` seats are held from its beginning to its end; `total` is what all that comes to, in seat seconds.
    """

    seats: int = 1
    final: int = 0
    lingers: float = 0.0
    most: int = attrs.field(init=False)
    total: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "most", max(self.seats, self.final))
        object.__setattr__(self, "total", self.seats * GUESS + self.final * self.lingers)

    def within(self, limit: int) -> Work:
        """The same work with no more final seats than there are: fewer of them, for longer."""
        if self.final <= limit:
            return self
        return Work(self.seats, limit, self.final * self.lingers / limit)


ONE_SEAT: Final = Work()


@functools.lru_cache(maxsize=256)
def work_of_write(watches: int, widest: int) -> Work:
    """A change of which so many watches are to be told. With 200 of them and at most 10 seats: 10 for 10 ms instead of
    20 for 5 ms. As few as do not fill a seat cost nothing."""
    if watches < WATCHES_PER_SEAT:
        return ONE_SEAT
    return Work(1, math.ceil(watches / WATCHES_PER_SEAT), EVENT_SECONDS).within(widest)
