"""What a measuring module answers."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable


class CannotMeasure(Exception):
    """This machine, or this checkout, does not allow the figure; the message says why."""


Values = dict[str, float]
"""Figure name -> value, in the unit of `figures.FIGURES`."""


def median_of(runs: int, measure: Callable[[], float]) -> float:
    """The median of several runs."""
    return statistics.median(measure() for _ in range(runs))


def medians_of(runs: list[Values]) -> Values:
    """The median of each figure over several runs."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def say(text: str) -> None:
    """Tell whoever watches what is being done."""
    print(text, file=sys.stderr, flush=True)
