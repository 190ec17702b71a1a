"""How long a failing actor rests before it is started again, and which of its failures are news."""

from __future__ import annotations

from kube_actors.records import frozen

FIRST_DELAY = 0.1
"""Seconds of cluster time before the first restart; each further one waits twice as long."""
LONGEST_DELAY = 300.0
"""A failing actor is tried at least every five minutes; one that rests this long is called parked."""
HEALTHY_AFTER = 600.0
"""After so many seconds without failure an actor is as good as new."""
REMEMBERED_ERRORS = 16


@frozen
class Failure:
    """An actor failed. Told once for each distinct error (type and text) until the actor has been healthy again.

    `delay` is the time until its restart in seconds of cluster time, None when it will not be restarted.
    """

    path: str
    error: BaseException
    time: float
    restarts: int
    delay: float | None


class RestartHistory:
    """What one actor's failures so far mean for its next."""

    __slots__ = ("_delay", "_known", "count")

    def __init__(self) -> None:
        self.count = 0
        self._delay = 0.0
        self._known: dict[tuple[type[BaseException], str], None] = {}

    def next_delay(self, healthy_for: float) -> float:
        """Count a failure after `healthy_for` seconds of life: 0.1, 0.2, 0.4 … 204.8, 300, 300 s."""
        self.count += 1
        if healthy_for >= HEALTHY_AFTER:
            self._delay = 0.0
            self._known.clear()
        self._delay = min(self._delay * 2 or FIRST_DELAY, LONGEST_DELAY)
        return self._delay

    def is_news(self, error: BaseException) -> bool:
        """Whether this error was not seen since the actor was last healthy; remembers it."""
        known = (type(error), str(error))
        if known in self._known:
            return False
        if len(self._known) >= REMEMBERED_ERRORS:
            del self._known[next(iter(self._known))]
        self._known[known] = None
        return True
