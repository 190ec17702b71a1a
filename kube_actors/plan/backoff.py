"""How long to wait before trying again, as the kubelet does: 10, 20, 40 … 300 seconds.

A container that ends is restarted at once the first time; after that it waits, counted from its end, twice as long each
time. When it ended more than ten minutes after its last restart it has proved itself, and everything starts anew.
"""

from __future__ import annotations

from kube_actors.records import frozen

FIRST_DELAY = 10.0
LONGEST_DELAY = 300.0
# Kubernetes forgets a backoff that was not touched for twice its longest delay.
FORGOTTEN_AFTER = 2 * LONGEST_DELAY


@frozen
class Backoff:
    """The wait (seconds) before the next attempt, and when (epoch seconds) it was last raised."""

    delay: float
    raised_at: float


def restart_at(backoff: Backoff | None, finished_at: float) -> float:
    """When a container that ended at `finished_at` may start again."""
    if backoff is None or _forgotten(backoff, finished_at):
        return finished_at
    return finished_at + backoff.delay


def after_restart(backoff: Backoff | None, finished_at: float, now: float) -> Backoff:
    """The backoff once the container that ended at `finished_at` is being restarted."""
    if backoff is None or _forgotten(backoff, finished_at):
        return Backoff(FIRST_DELAY, now)
    return Backoff(min(2 * backoff.delay, LONGEST_DELAY), now)


def after_failure(backoff: Backoff | None, now: float) -> Backoff:
    """The backoff once an attempt (pulling an image, making a sandbox) failed: it already waits the first time."""
    return after_restart(backoff, now, now)


def retry_at(backoff: Backoff) -> float:
    """When to try again after a failed attempt."""
    return backoff.raised_at + backoff.delay


def doubled(first: float, longest: float, times: int) -> float:
    """A delay of `first` seconds that has been doubled so many times, but is `longest` at most."""
    # Beyond 1,000 doublings a float has no room any more, and by 100 any limit is reached.
    return min(first * 2.0 ** min(times, 100), longest)


def duration_text(seconds: float) -> str:
    """A whole number of seconds as Go prints durations: `10s`, `1m20s`, `5m0s`, `1h0m0s`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _forgotten(backoff: Backoff, moment: float) -> bool:
    return moment - backoff.raised_at > FORGOTTEN_AFTER
