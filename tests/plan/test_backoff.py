"""Waiting times between attempts."""

from __future__ import annotations

import pytest

from kube_actors.plan.backoff import (
    Backoff,
    after_failure,
    after_restart,
    doubled,
    duration_text,
    restart_at,
    retry_at,
)


def test_a_container_that_keeps_crashing() -> None:
    """The first restart is immediate; then 10, 20, 40 … up to 300 seconds after each end."""
    now, backoff, waits = 0.0, None, []
    for _ in range(8):
        finished = now + 1.0
        now = restart_at(backoff, finished)
        waits.append(now - finished)
        backoff = after_restart(backoff, finished, now)
    assert waits == [0, 10, 20, 40, 80, 160, 300, 300]


def test_ten_minutes_of_health_forgive() -> None:
    """An end more than ten minutes after the last restart starts from the beginning; at ten minutes it does not."""
    backoff = Backoff(160.0, 1000.0)
    assert restart_at(backoff, 1600.0) == 1760.0
    assert restart_at(backoff, 1600.5) == 1600.5
    assert after_restart(backoff, 1600.5, 1600.5) == Backoff(10.0, 1600.5)


def test_failed_attempts_wait_at_once() -> None:
    """A pull that failed is tried again after 10, then 20 seconds; long after, from the beginning."""
    first = after_failure(None, 5.0)
    second = after_failure(first, retry_at(first))
    assert (retry_at(first), retry_at(second)) == (15.0, 35.0)
    assert after_failure(second, 1000.0) == Backoff(10.0, 1000.0)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (10, "10s"), (80, "1m20s"), (160.0, "2m40s"), (300, "5m0s"), (3600, "1h0m0s")]
)
def test_durations_read_as_in_go(seconds: float, text: str) -> None:
    """The words of the CrashLoopBackOff message."""
    assert duration_text(seconds) == text


def test_doubling_ends_at_the_longest() -> None:
    """1, 2, 4, then the longest, however often it is doubled."""
    assert [doubled(1.0, 5.0, times) for times in (0, 1, 2, 3, 5_000)] == [1.0, 2.0, 4.0, 5.0, 5.0]
