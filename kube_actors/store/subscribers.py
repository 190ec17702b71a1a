"""Who is called on every commit, at the head, in order."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable

from kube_actors.store.revision import Commit

Subscriber = Callable[[Commit], None]


class Subscribers:
    """Calls everybody about one commit before anybody about the next, also when a subscriber commits itself."""

    def __init__(self, on_error: Callable[[Exception, Commit], None]) -> None:
        self._on_error = on_error
        self._by_resource: dict[str | None, tuple[Subscriber, ...]] = {}
        self._concerned: dict[str, tuple[Subscriber, ...]] = {}  # those of a resource, and of all: put together once
        self._queue: deque[Commit] = deque()
        self._is_calling = False

    def add(self, subscriber: Subscriber, resources: tuple[str | None, ...]) -> Callable[[], None]:
        """Adds a subscriber to these resources (None: to all there are); returns what takes it away again."""
        # A wrapper of its own for each call makes a function that subscribed twice two subscribers.
        entry: Subscriber = functools.partial(subscriber)
        for resource in resources:
            self._by_resource[resource] = (*self._by_resource.get(resource, ()), entry)
        self._concerned.clear()

        def unsubscribe() -> None:
            for resource in resources:
                rest = tuple(each for each in self._by_resource.get(resource, ()) if each is not entry)
                self._by_resource[resource] = rest
            self._concerned.clear()

        return unsubscribe

    def call(self, commit: Commit) -> None:
        """Tells everybody; a subscriber that fails is reported and harms neither the write nor the others."""
        self._queue.append(commit)
        if self._is_calling:
            return
        self._is_calling = True
        try:
            while self._queue:
                self._call_each(self._queue.popleft())
        finally:
            self._is_calling = False

    def _call_each(self, commit: Commit) -> None:
        for subscriber in self._concerned_by(commit.revision.key.resource):
            try:
                subscriber(commit)
            except Exception as error:  # a boundary: the commit has happened, and others must hear of it
                self._on_error(error, commit)

    def _concerned_by(self, resource: str) -> tuple[Subscriber, ...]:
        found = self._concerned.get(resource)
        if found is None:
            found = self._by_resource.get(resource, ()) + self._by_resource.get(None, ())
            self._concerned[resource] = found
        return found
