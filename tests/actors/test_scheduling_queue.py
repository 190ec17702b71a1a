"""The queue of pods without a node: order, back-off, and who gets another try when something changes."""

from __future__ import annotations

from collections.abc import Iterable

from kube_actors.actors.scheduler.queue import SchedulingQueue
from kube_actors.store import Key


def a_queue(*names: str, **important: int) -> SchedulingQueue:
    """A queue of pods, some with a priority; a pod's uid is its name."""
    queue = SchedulingQueue()
    for name in names:
        queue.add(key(name), name, important.get(name, 0))
    return queue


def key(name: str) -> Key:
    """Where a pod is kept."""
    return Key("pods", "shop", name)


def tried(queue: SchedulingQueue, now: float, *, needs_room: bool = True) -> list[str]:
    """The pods that are tried now, in order; no node would have any of them."""
    found = []
    while (pod := queue.next(now)) is not None:
        found.append(pod.uid)
        queue.park(pod, now, needs_room=needs_room)
    return found


def due(queue: SchedulingQueue, times: Iterable[float]) -> list[float]:
    """The times at which a pod is tried when something changes just before each."""
    found = []
    for now in times:
        queue.cluster_changed()
        found += [now] if tried(queue, now) else []
    return found


def test_who_is_next() -> None:
    """By priority, then by age; a pod that has gone is not."""
    queue = a_queue("a", "b", "c", "d", c=5)
    queue.remove("b")
    assert tried(queue, 0.0) == ["c", "a", "d"]


def test_the_back_off_grows() -> None:
    """Something changes every second: the pod is tried after 1, 2, 4, 8, 10 and 10 seconds."""
    assert due(a_queue("a"), range(60)) == [0, 1, 3, 7, 15, 25, 35, 45, 55]


def test_a_pod_that_changes_is_tried_at_once() -> None:
    """Its back-off is for others' changes."""
    queue = a_queue("a")
    for now in (0.0, 1.0, 3.0):
        queue.cluster_changed()
        tried(queue, now)
    queue.add(key("a"), "a", 0)
    assert tried(queue, 3.5) == ["a"]


def test_whom_a_change_helps() -> None:
    """Only those it is about, at once when it is what they waited for."""
    queue = a_queue("a", "b")
    tried(queue, 0.0)
    queue.cluster_changed(lambda pod: pod.uid == "b", at_once=True)
    assert tried(queue, 0.1) == ["b"]
    queue.cluster_changed()
    assert tried(queue, 0.2) == []
    assert tried(queue, 5.0) == ["a", "b"]


def test_room_is_no_help_to_everybody() -> None:
    """Parked pods remember whether it was room they lacked, and all are tried again after five minutes."""
    queue = a_queue("a")
    tried(queue, 0.0, needs_room=False)
    queue.cluster_changed(lambda pod: pod.needs_room)
    assert tried(queue, 299.0) == []
    assert queue.wake_at() == 300.0
    assert tried(queue, 300.0) == ["a"]


def test_a_gated_pod_waits_for_itself() -> None:
    """No change and no time helps it; once it is changed it is tried like a new one."""
    queue = a_queue("a")
    pod = queue.next(0.0)
    assert pod is not None
    queue.gate(pod)
    queue.cluster_changed()
    assert (queue.wake_at(), tried(queue, 1000.0), len(queue), queue.parked) == (None, [], 1, 0)
    queue.add(key("a"), "a", 0)
    assert tried(queue, 1000.0) == ["a"]
    assert due(queue, (1000.5, 1001.0)) == [1001.0]
