"""Pods that wait for a node: who is next, who has to wait a while, and who waits until the cluster changes. Pure.

As in Kubernetes' scheduling queue: higher priority first, then who came first; a pod that found no node waits until
something that may help it changes, and at least its back-off (1, 2, 4 … 10 s), and is tried again after five minutes
whatever happened. What was done for this very pod helps at once: it was changed, or what it named has come.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator

from kube_actors.plan.backoff import doubled
from kube_actors.records import define
from kube_actors.store import Key

FIRST_BACKOFF = 1.0
LONGEST_BACKOFF = 10.0
LONGEST_WAIT = 300.0


@define
class Waiting:
    """A pod in the queue. `not_before` ends its back-off; `parked_at` is when it began to wait for a change.

    `needs_room` is not so where the pod itself is what no node would have.
    """

    key: Key
    uid: str
    priority: int
    order: int
    attempts: int = 0
    not_before: float = 0.0
    parked_at: float = 0.0
    needs_room: bool = True


class SchedulingQueue:
    """Every pod one scheduler has still to place."""

    def __init__(self) -> None:
        self._pods: dict[str, Waiting] = {}
        self._ready: list[tuple[int, int, str]] = []
        self._delayed: list[tuple[float, int, str]] = []
        self._parked: dict[str, None] = {}
        self._gated: set[str] = set()
        self._orders = 0

    def __len__(self) -> int:
        return len(self._pods)

    def __iter__(self) -> Iterator[Waiting]:
        return iter(self._pods.values())

    @property
    def parked(self) -> int:
        """How many wait for the cluster to change."""
        return len(self._parked)

    def add(self, key: Key, uid: str, priority: int) -> None:
        """A pod to place; one that is parked or gated gets another try, for it has changed."""
        known = self._pods.get(uid)
        if known is None:
            self._orders += 1
            known = self._pods[uid] = Waiting(key, uid, priority, self._orders)
            self._push(known)
        elif uid in self._parked or uid in self._gated:
            self._parked.pop(uid, None)
            self._gated.discard(uid)
            known.not_before = 0.0
            self._push(known)

    def remove(self, uid: str) -> None:
        """The pod has a node, or is gone."""
        self._pods.pop(uid, None)
        self._parked.pop(uid, None)
        self._gated.discard(uid)

    def next(self, now: float) -> Waiting | None:
        """The pod to try now; it leaves the line and comes back with `park`, `retry`, `gate` or not at all."""
        self._release_due(now)
        while self._ready:
            _, order, uid = heapq.heappop(self._ready)
            pod = self._pods.get(uid)
            if pod is not None and pod.order == order and uid not in self._parked and uid not in self._gated:
                return pod
        return None

    def park(self, pod: Waiting, now: float, *, needs_room: bool = True) -> None:
        """No node would do: wait for a change."""
        self._count_attempt(pod, now)
        pod.parked_at = now
        pod.needs_room = needs_room
        self._parked[pod.uid] = None

    def gate(self, pod: Waiting) -> None:
        """Nothing but a change of the pod itself helps; it was not tried."""
        self._gated.add(pod.uid)

    def retry(self, pod: Waiting, now: float) -> None:
        """A node was chosen but would not have it: try again after the back-off."""
        self._count_attempt(pod, now)
        self._push(pod)

    def cluster_changed(self, helps: Callable[[Waiting], bool] = lambda _: True, *, at_once: bool = False) -> None:
        """Something came, changed or made room: everybody parked whom it helps gets another try after its back-off.

        With `at_once` without it: for what is rare and was waited for.
        """
        for pod in [self._pods[uid] for uid in self._parked]:
            if helps(pod):
                del self._parked[pod.uid]
                if at_once:
                    pod.not_before = 0.0
                self._push(pod)

    def wake_at(self) -> float | None:
        """When the next delayed or long parked pod is due."""
        due = [self._delayed[0][0]] if self._delayed else []
        if self._parked:
            due.append(self._longest_parked().parked_at + LONGEST_WAIT)
        return min(due, default=None)

    def _longest_parked(self) -> Waiting:
        """Pods are parked in the order of time, so the first is the oldest."""
        return self._pods[next(iter(self._parked))]

    def _count_attempt(self, pod: Waiting, now: float) -> None:
        pod.attempts += 1
        pod.not_before = now + doubled(FIRST_BACKOFF, LONGEST_BACKOFF, pod.attempts - 1)

    def _push(self, pod: Waiting) -> None:
        heapq.heappush(self._delayed, (pod.not_before, pod.order, pod.uid))

    def _release_due(self, now: float) -> None:
        while self._parked and self._longest_parked().parked_at + LONGEST_WAIT <= now:
            pod = self._longest_parked()
            del self._parked[pod.uid]
            self._push(pod)
        while self._delayed and self._delayed[0][0] <= now:
            _, order, uid = heapq.heappop(self._delayed)
            due = self._pods.get(uid)
            if due is not None and due.order == order:
                heapq.heappush(self._ready, (-due.priority, order, uid))
