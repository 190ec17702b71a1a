"""When those who were refused are told to come again."""

from __future__ import annotations

from kube_actors.server.fairness.dropped import LONGEST, Dropped


def refused(dropped: Dropped, *seconds: int, each: int = 1) -> list[int]:
    """What the last one refused in each of these seconds is told."""
    return [[dropped.add(second + number / 1000) for number in range(each)][-1] for second in seconds]


def test_a_few_come_again_soon() -> None:
    """Two in a second are not many, and neither is the first second of a flood."""
    assert refused(Dropped(), 1, 2, 3, 4, each=2) == [1, 1, 1, 1]
    assert refused(Dropped(), 100, each=500) == [1]


def test_many_come_later_and_later() -> None:
    """The time doubles, but not before it has passed since it did so last, and ends at half a minute."""
    dropped = Dropped()
    assert refused(dropped, *range(1, 8), each=50) == [1, 2, 2, 4, 4, 4, 4]
    assert refused(dropped, *range(8, 90), each=100)[-1] == LONGEST


def test_it_gets_better_by_the_second() -> None:
    """When fewer are refused than it has seconds, the time is shortened, down to one."""
    dropped = Dropped()
    refused(dropped, 1, 2, 3, 4, each=50)
    assert refused(dropped, 20, 21, 22, 40) == [3, 2, 2, 1]
    assert refused(dropped, 1000) == [1]
