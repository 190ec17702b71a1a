"""The heap of timers against the plainest model of it: a sorted list."""

from __future__ import annotations

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from kube_actors.kernel.timers import Timer, TimerHeap

SET = st.tuples(st.just("set"), st.integers(0, 20))
CANCEL = st.tuples(st.just("cancel"), st.integers(0, 200))
POP = st.tuples(st.just("pop"), st.integers(0, 20))


@given(st.lists(st.one_of(SET, SET, CANCEL, POP), max_size=400))
def test_timers_go_off_by_time_and_order_of_setting(operations: list[tuple[str, int]]) -> None:
    """Whatever is set, cancelled and due in whatever order, the heap and a sorted list agree."""
    heap = TimerHeap()
    gone_off: list[int] = []
    timers: list[Timer] = []
    waiting: list[tuple[int, int]] = []
    for operation, number in operations:
        if operation == "set":
            waiting.append((number, len(timers)))
            timers.append(heap.add(number, partial(gone_off.append, len(timers))))
        elif operation == "cancel" and timers:
            index = number % len(timers)
            timers[index].cancel()
            waiting = [entry for entry in waiting if entry[1] != index]
        elif operation == "pop":
            timer = heap.pop_due(number)
            due = min((entry for entry in waiting if entry[0] <= number), default=None)
            assert (timer is None) == (due is None)
            if timer is not None and due is not None:
                timer.go_off()
                waiting.remove(due)
                assert gone_off[-1] == due[1]
        assert len(heap) == len(waiting)
        assert heap.next_due() == min((entry[0] for entry in waiting), default=None)
