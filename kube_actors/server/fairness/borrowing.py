"""How the seats of all priority levels are shared out again, by what was wanted of late. Pure.

Every level has between what it never lends (`low`) and what it may come to by borrowing (`high`); in between all get
the same part of what they want. Every ten seconds the demand of the last ten is looked at.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from kube_actors.records import define, frozen

PERIOD: Final = 10.0
"""Machine seconds between two looks."""
SMOOTHING: Final = 0.977
"""What the old demand counts beside the new: with this, half of it after five minutes."""
_LEAST: Final = 0.001


@define
class Demand:
    """How many seats were wanted (taken and waited for) since the last look, and in the time before.

    `now` is wanted since `at`; `most` at any moment since the last look; `smoothed` rises at once and falls slowly.
    """

    at: float
    since: float
    now: int = 0
    most: int = 0
    smoothed: float = 0.0
    _sum: float = 0.0
    _squares: float = 0.0

    def change(self, by: int, time: float) -> None:
        """From this time on so many more are wanted."""
        passed = time - self.at
        if passed > 0:
            area = self.now * passed
            self._sum += area
            self._squares += self.now * area
            self.at = time
        self.now += by
        if self.now > self.most:
            self.most = self.now

    def look(self, time: float) -> int:
        """Take what was seen since the last look into account and begin anew; the most that was wanted at a time."""
        self.change(0, time)
        passed = time - self.since
        if passed > 0:
            average = self._sum / passed
            deviation = math.sqrt(max(self._squares / passed - average * average, 0.0))
            envelope = min(float(self.most), average + deviation)
            kept = SMOOTHING ** max(passed / PERIOD, 1.0)  # nobody looks at an idle server
            self.smoothed = max(envelope, kept * self.smoothed + (1 - kept) * envelope)
        most, self.most = self.most, self.now
        self.since, self._sum, self._squares = time, 0.0, 0.0
        return most


@frozen
class Want:
    """What one level wants to have, and the bounds of what it gets."""

    low: float
    high: float
    target: float

    def part(self, proportion: float) -> float:
        """What it gets when all get this proportion of their targets."""
        return max(self.low, min(self.high, proportion * max(self.target, _LEAST)))


def shared_out(total: float, wants: Sequence[Want]) -> list[float]:
    """What each gets of `total`: the same proportion of every target, as far as the bounds allow.

    With bounds that leave no choice, every low or every high bound. The sum of all parts grows with the proportion, in
    straight lines between those proportions at which some level meets a bound.
    """
    lows, highs = [want.low for want in wants], [want.high for want in wants]
    if total <= sum(lows):
        return lows
    if total >= sum(highs):
        return highs
    corners = sorted({bound / max(want.target, _LEAST) for want in wants for bound in (want.low, want.high)})
    below, at_below = corners[0], _sum(corners[0], wants)
    for corner in corners[1:]:
        at_corner = _sum(corner, wants)
        if at_corner >= total:
            part = (total - at_below) / (at_corner - at_below)
            return [want.part(below + part * (corner - below)) for want in wants]
        below, at_below = corner, at_corner
    return highs


def _sum(proportion: float, wants: Sequence[Want]) -> float:
    return sum(want.part(proportion) for want in wants)
