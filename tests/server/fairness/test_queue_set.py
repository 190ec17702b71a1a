"""The seats and queues of one level."""

from __future__ import annotations

from collections import Counter

import pytest

from kube_actors.server.fairness.dealing import hand, hash_of
from kube_actors.server.fairness.queue_set import QueueSet, Queuing, Ticket
from kube_actors.server.fairness.work import GUESS, ONE_SEAT, Work, work_of_write

ONE, TWO = (0,), (1,)


def level(limit: int = 1, *, length: int = 10, hand_size: int = 1) -> QueueSet:
    """A level with eight queues."""
    return QueueSet(limit, 0.0, Queuing(8, hand_size, length))


def arrive(
    queues: QueueSet, hand: tuple[int, ...] = ONE, *, name: str = "", work: Work = ONE_SEAT, at: float = 0.0
) -> Ticket:
    """A request that is not refused."""
    ticket = queues.arrive(work, hand, at, name)
    assert ticket is not None
    return ticket


def names(tickets: list[Ticket]) -> list[object]:
    """Who was let in."""
    return [ticket.owner for ticket in tickets]


def test_room() -> None:
    """As long as there are seats nobody waits; then those who came first go first."""
    queues = level(2)
    first, second, third = (arrive(queues, name=name) for name in "abc")
    assert (first.began, second.began, third.began) == (0.0, 0.0, None)
    assert names(queues.leave(second, 1.0)) == ["c"]
    assert queues.leave(first, 2.0) == []
    assert queues.leave(third, 2.0) == []
    assert queues.is_idle
    assert not queues.queues


def test_full_queues() -> None:
    """A flow whose queue is full is refused; another one still waits."""
    queues = level(1, length=2)
    for _ in range(3):
        arrive(queues)
    assert queues.arrive(ONE_SEAT, ONE, 0.0) is None
    assert queues.arrive(ONE_SEAT, TWO, 0.0) is not None
    assert queues.rejected == 1


def test_reject() -> None:
    """Without queues whoever finds no seat is refused."""
    queues = QueueSet(1, 0.0)
    only = queues.arrive(ONE_SEAT, (), 0.0)
    assert only is not None
    assert queues.arrive(ONE_SEAT, (), 0.0) is None
    queues.leave(only, 1.0)
    assert queues.arrive(ONE_SEAT, (), 1.0) is not None


def test_exempt() -> None:
    """Nobody is ever refused, and what is wanted is counted."""
    queues = QueueSet(0, 0.0, exempt=True)
    tickets = [queues.arrive(ONE_SEAT, (), 0.0) for _ in range(5)]
    assert all(ticket is not None and ticket.began == 0.0 for ticket in tickets)
    assert queues.demand.now == 5


def test_one_who_gives_up() -> None:
    """It takes no seat, and those behind it move up."""
    queues = level()
    first, second, _ = (arrive(queues, name=name) for name in "abc")
    assert queues.leave(second, 1.0) == []
    assert names(queues.leave(first, 2.0)) == ["c"]
    assert queues.demand.now == 1


def test_queues_take_turns() -> None:
    """A flow with many requests does not hold up one with few."""
    queues = level()
    busy = arrive(queues, name="first")
    for number in range(4):
        arrive(queues, name=f"elephant-{number}")
    for number in range(2):
        arrive(queues, TWO, name=f"mouse-{number}")
    order, now, current = [], 0.0, busy
    while queues.waiting:
        now += GUESS
        (current,) = queues.leave(current, now)
        order.append(str(current.owner))
    mice = [order.index("mouse-0"), order.index("mouse-1")]
    assert mice[1] <= 3, order
    assert [each for each in order if "elephant" in each] == [f"elephant-{number}" for number in range(4)]


def test_long_requests_are_charged() -> None:
    """Of two flows, one with requests that take ten times as long gets about as many seats, not as many requests."""
    queues = level(2, length=1000)
    ends: list[tuple[float, Ticket]] = []
    now, served = 0.0, Counter[object]()
    for _ in range(10):
        for name, own in (("long", ONE), ("short", TWO)):
            ticket = arrive(queues, own, name=name)
            if ticket.began is not None:
                ends.append((1.0 if name == "long" else 0.1, ticket))
    while now < 4.0 and ends:
        now, done = min(ends, key=lambda each: each[0])
        ends.remove((now, done))
        for ticket in queues.leave(done, now):
            served[ticket.owner] += 1
            ends.append((now + (1.0 if ticket.owner == "long" else 0.1), ticket))
        if served["short"] < 60:
            again = arrive(queues, TWO, name="short", at=now)
            if again.began is not None:
                ends.append((now + 0.1, again))
    assert served["short"] > 5 * served["long"]


def test_wide_requests() -> None:
    """One that takes all seats waits until nobody is there, and is not overtaken for ever."""
    queues = level(4)
    narrow = [arrive(queues) for _ in range(2)]
    wide = arrive(queues, TWO, name="wide", work=Work(9))
    later = arrive(queues, TWO, name="later")
    assert wide.began is None
    assert later.began is None
    assert queues.leave(narrow[0], 1.0) == []
    assert names(queues.leave(narrow[1], 1.0)) == ["wide"]
    assert names(queues.leave(wide, 2.0)) == ["later"]


def test_seats_that_are_kept_afterwards() -> None:
    """Who is told of a change takes seats after the request is over; they are free when that time has passed."""
    queues = level(4)
    write = arrive(queues, work=Work(1, 3, 0.01), name="write")
    other = arrive(queues, TWO, work=Work(2), name="other")
    assert other.began is None
    assert queues.leave(write, 1.0) == []
    assert (queues.is_idle, queues.seats, queues.demand.now, queues.next_free) == (False, 3, 5, 1.01)
    assert queues.settle(1.005) == []
    assert names(queues.settle(1.02)) == ["other"]
    assert queues.demand.now == 2
    assert queues.leave(other, 2.0) == []
    assert (queues.seats, queues.queues, queues.is_idle) == (0, {}, True)


def test_the_next_one_frees_what_is_kept_no_longer() -> None:
    """Nobody has to look: the next request finds the seats free, and time ran for them until they were."""
    queues = level(3)
    queues.leave(arrive(queues, work=Work(1, 3, 0.01)), 0.01)
    assert arrive(queues, TWO, at=1.5).began == 1.5
    assert (queues.seats, queues.next_free) == (1, float("inf"))
    assert queues.r == pytest.approx(3 * 0.02)
    queues.demand.look(2.0)
    assert queues.demand.smoothed < 1.5


def test_what_is_kept_is_charged() -> None:
    """A flow pays for the seats that its requests keep afterwards, too."""
    queues = level(4)
    queue = arrive(queues, work=Work(1, 3, 0.01)).queue
    assert queue is not None
    assert queue.next_r == pytest.approx(GUESS + 3 * 0.01)


def test_fewer_seats_afterwards_for_longer() -> None:
    """A level that has become narrow keeps its few seats for as much work."""
    queues = level(1)
    first = arrive(queues)
    wide = arrive(queues, TWO, work=Work(1, 4, 0.01))
    assert queues.leave(first, 1.0) == [wide]
    assert (wide.work, wide.seats, queues.demand.now) == (Work(1, 1, 0.04), 1, 1)
    queues.leave(wide, 2.0)
    assert (queues.next_free, queues.settle(2.04), queues.seats) == (2.04, [], 0)


def test_the_work_of_a_write() -> None:
    """A seat for every ten watches, for five milliseconds; where those are too many, fewer for longer."""
    assert [work_of_write(watches, 10) for watches in (0, 9)] == [ONE_SEAT, ONE_SEAT]
    assert work_of_write(10, 10) == Work(1, 1, 0.005)
    assert work_of_write(91, 10) == Work(1, 10, 0.005)
    assert work_of_write(200, 10) == Work(1, 10, 0.01)
    assert work_of_write(200, 10).total == 0.003 + 0.1


def test_more_seats() -> None:
    """What is borrowed lets in at once as many as fit."""
    queues = level()
    for name in "abcd":
        arrive(queues, name=name)
    assert names(queues.reconfigure(3, queues.queuing, 1.0)) == ["b", "c"]


def test_a_hand_has_an_empty_queue() -> None:
    """A flow goes to the queue of its hand in which fewest seats are waited for."""
    queues = level(1, hand_size=2)
    arrive(queues, (0,))
    arrive(queues, (0,))
    for _ in range(3):
        ticket = arrive(queues, (0, 3))
        assert ticket.queue is not None
    assert {index: len(queue.waiting) for index, queue in queues.queues.items()} == {0: 2, 3: 2}


def test_hands() -> None:
    """Every hand has different queues, all queues are dealt, and few pairs of flows have the same hand."""
    hands = [hand(hash_of("service-accounts", f"flow-{number}"), 64, 6) for number in range(2000)]
    assert all(len(set(each)) == 6 for each in hands)
    dealt = Counter(card for each in hands for card in each)
    assert set(dealt) == set(range(64))
    assert max(dealt.values()) < 2 * min(dealt.values())
    assert len({frozenset(each) for each in hands}) == 2000
    assert hand(12345, 7, 7) == tuple(dict.fromkeys(hand(12345, 7, 7)))
