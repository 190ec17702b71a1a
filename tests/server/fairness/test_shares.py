"""How seats are divided among levels, and lent."""

from __future__ import annotations

import pytest

from kube_actors.server.fairness.borrowing import PERIOD, Demand, Want, shared_out
from kube_actors.server.fairness.configuration import Configuration, PriorityLevel, Seats, widest
from kube_actors.server.fairness.queue_set import Queuing


def test_nominal_shares() -> None:
    """Seats go by shares, rounded up; what a level lends and borrows are percentages of its own."""
    levels = [
        PriorityLevel("exempt", exempt=True),
        PriorityLevel("catch-all", shares=5),
        PriorityLevel("low", shares=100, lendable=90),
        PriorityLevel("high", shares=40, lendable=50, borrowing=25),
    ]
    assert Configuration.of(levels, []).seats(600) == {
        "exempt": Seats(0, 0, 600),
        "catch-all": Seats(21, 21, 621),
        "low": Seats(414, 41, 1014),
        "high": Seats(166, 83, 208),
    }


def test_the_widest_request() -> None:
    """A request takes at most ten seats, 15% of its level, and no more than leave a seat for each queue of a hand."""
    queuing = Queuing(64, 6, 50)
    found = [widest(PriorityLevel("x", queuing=queuing), nominal) for nominal in (600, 40, 12, 3)]
    assert found == [10, 6, 2, 1]
    assert widest(PriorityLevel("x"), 100) == 1
    assert widest(PriorityLevel("exempt", exempt=True), 0) == 10


@pytest.mark.parametrize(
    ("total", "wants", "parts"),
    [
        (10, [Want(0, 100, 3), Want(0, 100, 1)], [7.5, 2.5]),
        (10, [Want(4, 100, 4), Want(4, 100, 40)], [4, 6]),
        (10, [Want(0, 2, 5), Want(0, 100, 5)], [2, 8]),
        (10, [Want(6, 9, 6), Want(8, 9, 8)], [6, 8]),
        (30, [Want(0, 9, 6), Want(0, 9, 8)], [9, 9]),
        (10, [Want(0, 100, 0), Want(0, 100, 0)], [5, 5]),
    ],
)
def test_sharing_out(total: float, wants: list[Want], parts: list[float]) -> None:
    """All get the same part of what they want, as far as their bounds allow; together what there is."""
    assert shared_out(total, wants) == pytest.approx(parts)


def test_sharing_out_among_many() -> None:
    """What one bound keeps from one level goes to the others, in proportion."""
    found = shared_out(100, [Want(50, 600, 50), Want(10, 600, 10), Want(5, 20, 30)])
    assert sum(found) == pytest.approx(100)
    assert (found[2], found[0] / found[1]) == pytest.approx((20, 5))


def test_demand_rises_at_once_and_falls_slowly() -> None:
    """A level that was busy in the last ten seconds is not forgotten in the next."""
    demand = Demand(0.0, 0.0)
    demand.change(8, 0.0)
    assert demand.look(PERIOD) == 8
    assert demand.smoothed == 8
    demand.change(-8, PERIOD)
    assert demand.look(2 * PERIOD) == 8
    assert demand.smoothed == pytest.approx(8 * 0.977)
    assert demand.look(3 * PERIOD) == 0


def test_a_server_nobody_looked_at() -> None:
    """Twenty periods at once count as twenty."""
    demand = Demand(0.0, 0.0, smoothed=100.0)
    demand.look(20 * PERIOD)
    assert demand.smoothed == pytest.approx(100 * 0.977**20)


def test_demand_that_comes_and_goes() -> None:
    """Half of the time ten, half none: five and the deviation, and never more than there was."""
    demand = Demand(0.0, 0.0)
    demand.change(10, 5.0)
    demand.look(10.0)
    assert demand.smoothed == pytest.approx(10.0)
    other = Demand(0.0, 0.0)
    other.change(10, 9.0)
    other.look(10.0)
    assert other.smoothed == pytest.approx(1 + 3)
