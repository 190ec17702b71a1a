"""When those who were refused are to come again: the later, the more of them there were of late. Pure."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

LONGEST: Final = 32
"""Seconds."""
_MANY: Final = 3


class Dropped:
    """The requests that one level refused. `retry_after` is in seconds.

    It doubles where at least three times as many requests as it has seconds were refused within it, once in that time,
    and shrinks by a second where they were fewer than it has seconds. It is looked at when the first request of a
    second is refused, by those of the seconds before.
    """

    def __init__(self) -> None:
        self.retry_after = 1
        self._seconds: deque[tuple[int, int]] = deque()
        self._second, self._count = -1, 0
        self._doubled = -math.inf

    def add(self, now: float) -> int:
        """One more is refused at this time; when it is to come again."""
        second = int(now)
        if second == self._second:
            self._count += 1
        else:
            self._seconds.append((self._second, self._count))
            while self._seconds and second - self._seconds[0][0] > LONGEST:
                self._seconds.popleft()
            self._second, self._count = second, 1
            self._look(second)
        return self.retry_after

    def _look(self, second: int) -> None:
        seconds = self.retry_after
        refused = sum(count for at, count in self._seconds if second - at <= seconds)
        if refused >= _MANY * seconds and second - self._doubled >= seconds:
            self.retry_after, self._doubled = min(LONGEST, 2 * seconds), second
        elif refused < seconds and seconds > 1:
            self.retry_after -= 1
